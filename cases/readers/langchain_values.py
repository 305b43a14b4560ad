"""Values as LangChain and the LangSmith SDK serialise them: messages of tools, documents, generations."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..message_parts import as_text, structured

Fields = Mapping[str, Any]


def fields_of(value: Any) -> Any:
    """Return what a constructor (``lc``) or a ``data`` wrapper holds, other values as they are."""
    if not isinstance(value, Mapping):
        return value
    if value.get("lc") and isinstance(value.get("kwargs"), Mapping):
        return value["kwargs"]
    data = value.get("data")
    return data if isinstance(data, Mapping) and set(value) <= {"type", "data"} else value


def mapping(value: Any) -> Fields:
    """Return an object, an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def tool_message(value: Any) -> Fields | None:
    """Return the fields of a tool message, which is what a tool's run puts out; None for anything else."""
    fields = fields_of(value)
    return fields if isinstance(fields, Mapping) and "tool_call_id" in fields and "content" in fields else None


def alone(value: Any, key: str) -> Any:
    """Return what stands under the only key of an object, the value itself where it has others."""
    return value[key] if isinstance(value, Mapping) and set(value) == {key} else value


def arguments_of(value: Any) -> tuple[Any, str]:
    """Return the arguments of a tool and their text where they were text: JSON, or a dict as Python prints it.

    Args:
        value: The inputs of the run, or the one text under ``input``.
    """
    value = alone(value, "input")
    if not isinstance(value, str):
        return value, ""
    parsed = structured(value)
    if parsed is value and value.lstrip()[:1] == "{":
        parsed = _literal(value)
    return parsed, value


def generations_of(outputs: Fields) -> list[Any]:
    """Return the messages of LangChain's ``generations``, with the finish reason that stands beside them."""
    return [_generation(each) for each in flat_generations(outputs)]


def flat_generations(outputs: Fields) -> list[Fields]:
    """Return LangChain's ``generations``, which are lists in a list: a batch of prompts, the choices of each."""
    found = outputs.get("generations")
    batches = found if isinstance(found, list) else []
    flat = [each for batch in batches for each in (batch if isinstance(batch, list) else [batch])]
    return [each for each in flat if isinstance(each, Mapping)]


def without_schemas(messages: Any) -> tuple[Any, list[Any]]:
    """Return messages without the schemas of tools that LangChain's callbacks send among them, and those schemas."""
    if not isinstance(messages, list):
        return messages, []
    schemas = [item["content"] for item in messages if _is_schema(item)]
    return [item for item in messages if not _is_schema(item)] if schemas else messages, schemas


def _is_schema(message: Any) -> bool:
    """Tell a tool's schema in the place of a message: it answers no call, and says what the tool takes."""
    if not isinstance(message, Mapping) or message.get("role") != "tool" or message.get("tool_call_id"):
        return False
    content = mapping(message.get("content"))
    nested = content.get("type") == "function" and isinstance(content.get("function"), Mapping)
    return nested or ("name" in content and ("input_schema" in content or "parameters" in content))


def response_metadata(message: Any) -> Fields:
    """Return what the provider said beside a message."""
    fields = fields_of(message)
    found = fields.get("response_metadata") if isinstance(fields, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def documents_in(value: Any) -> Any:
    """Return the documents of a retriever's outputs as plain objects."""
    if isinstance(value, Mapping):
        value = value.get("documents", value.get("output", [value]))
    return [fields_of(item) for item in value] if isinstance(value, list) else value


def _generation(generation: Fields) -> Any:
    info = generation.get("generation_info")
    message = generation.get("message")
    reason = info.get("finish_reason") if isinstance(info, Mapping) else None
    if not isinstance(message, Mapping):
        return {"role": "assistant", "content": generation.get("text"), "finish_reason": reason}
    said = response_metadata(message)
    reason = reason or said.get("finish_reason") or said.get("stop_reason")
    fields = fields_of(message)
    if not isinstance(fields, Mapping) or not reason:
        return message
    return {**fields, "role": "assistant", "type": None, "finish_reason": as_text(reason)}


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
