"""Messages of every dialect, brought to the GenAI parts form and back to OpenAI's.

Read: OpenAI chat and responses items, AgentDojo, Anthropic content blocks, Gemini parts, LangChain messages,
GenAI messages. Parts nobody knows are kept as they are; the caller keeps what is beside the content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from .message_parts import Part, as_text, call_parts, part_of, response_part, structured, text_part
from .trace import Message

ROLE_ALIASES = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "function": "tool",
    "AIMessageChunk": "assistant",
}
_LANGCHAIN_TYPES = {"human", "ai", "system", "tool", "function", "AIMessageChunk"}
_LANGCHAIN_CLASSES = {
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}
_ASIDE = ("tool_call", "tool_call_response", "reasoning")
_RESPONSE_BLOCKS = ("tool_result", "tool_call_response")


def to_messages(raw: Any, *, role: str = "user") -> list[Message]:
    """Bring whatever a source calls its messages to the parts form.

    Args:
        raw: A list of messages, one message, an object with ``messages``, ``contents``, ``choices``,
            ``candidates`` or a response's ``output``, a text, or JSON text of any of these.
        role: Role of a message that names none.

    Returns:
        The messages in order; empty when there is nothing that reads as one.
    """
    value = structured(raw)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [Message(role=role, parts=(text_part(value),))]
    if isinstance(value, Mapping):
        inner = _wrapped(value)
        return to_message(value, role=role) if inner is None else to_messages(inner, role=role)
    if isinstance(value, list):
        return [message for item in value for message in _item_messages(item, role)]
    return [Message(role=role, parts=({"type": "json", "content": value},))]


def to_message(raw: Mapping[str, Any], *, role: str = "user") -> list[Message]:
    """Bring one message to the parts form.

    Args:
        raw: The message in any of the dialects.
        role: Its role where it names none.

    Returns:
        Usually one message. Each tool response becomes a message of its own, so several may come out of one.
    """
    fields = _unwrapped(raw)
    role = _role_of(fields, role)
    if role == "tool" and "parts" not in fields and not _has_response_blocks(fields.get("content")):
        parts = [response_part(fields)]
    else:
        parts = _content_parts(fields)
        if isinstance(fields.get("refusal"), str) and fields["refusal"]:
            parts.append({"type": "refusal", "refusal": fields["refusal"]})
        said = {part.get("id") for part in parts if part.get("type") == "tool_call"} - {""}
        # LangChain repeats the calls in Anthropic's content as ``tool_calls``.
        parts += [part for part in call_parts(fields) if part["id"] not in said]
    reason = fields.get("finish_reason") or fields.get("stop_reason")
    author = None if fields.get("type") == "function_call" else fields.get("name")
    return _split(role, parts, as_text(author), as_text(reason))


def to_openai(message: Message) -> dict[str, Any]:
    """Return a message in the shape of the OpenAI chat API.

    Args:
        message: One message; of several tool responses in it the first is returned.

    Returns:
        ``{"role", "content", …}`` with ``tool_calls`` or ``tool_call_id`` where there are some.
    """
    if message.role == "tool":
        for part in message.parts:
            if part.get("type") == "tool_call_response":
                return _openai_tool(part, message.name)
    shown = [part for part in message.parts if part.get("type") not in _ASIDE]
    answer: dict[str, Any] = {"role": message.role, "content": _openai_content(shown)}
    if message.name:
        answer["name"] = message.name
    if len(shown) < len(message.parts):
        calls = [_openai_call(part) for part in message.parts if part.get("type") == "tool_call"]
        if calls:
            answer["tool_calls"] = calls
    return answer


def _wrapped(value: Mapping[str, Any]) -> Any:
    """Return the messages inside a request or response body, None where ``value`` is a message itself."""
    if "role" in value and "choices" not in value:
        return None
    for key in ("choices", "candidates"):
        if isinstance(value.get(key), list):
            return [_choice(item) for item in value[key] if isinstance(item, Mapping)]
    if isinstance(value.get("message"), Mapping):
        return _choice(value)
    if value.get("object") == "response" and isinstance(value.get("output"), list):
        return value["output"]
    for key in ("messages", "contents"):
        if key in value:
            return value[key]
    content = value.get("content")
    is_message = isinstance(content, Mapping) and ("parts" in content or "role" in content)
    return content if is_message else None


def _choice(choice: Mapping[str, Any]) -> Any:
    inner = choice.get("message", choice.get("content"))
    if not isinstance(inner, Mapping):
        return inner
    return {"role": "assistant", "finish_reason": choice.get("finish_reason"), **inner}


def _item_messages(item: Any, role: str) -> list[Message]:
    if isinstance(item, list):  # LangChain batches
        return [message for inner in item for message in _item_messages(inner, role)]
    if isinstance(item, Mapping):
        return to_message(item, role=role)
    return [] if item is None else [Message(role=role, parts=(text_part(str(item)),))]


def _unwrapped(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a message that a serialiser wrapped (LangChain ``lc`` constructors, ``data``)."""
    kwargs = raw.get("kwargs")
    if raw.get("lc") and isinstance(kwargs, Mapping):
        path = raw.get("id")
        name = str(path[-1]) if isinstance(path, list) and path else ""
        return dict(kwargs) | {"role": _LANGCHAIN_CLASSES.get(name, name), "type": None}
    data = raw.get("data")
    if str(raw.get("type")) in _LANGCHAIN_TYPES and isinstance(data, Mapping):
        return {"role": raw["type"], **data}
    return raw


def _role_of(fields: Mapping[str, Any], default: str) -> str:
    role, kind = fields.get("role"), fields.get("type")
    if not isinstance(role, str) or not role:
        if isinstance(kind, str) and kind in _LANGCHAIN_TYPES:
            role = kind
        else:
            role = {"function_call": "assistant", "function_call_output": "tool"}.get(str(kind), default)
    return ROLE_ALIASES.get(role, role)


def _has_response_blocks(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(item, Mapping) and item.get("type") in _RESPONSE_BLOCKS for item in content
    )


def _content_parts(fields: Mapping[str, Any]) -> list[Part]:
    content = fields["parts"] if "parts" in fields else fields.get("content", fields.get("text"))
    reasoning = fields.get("reasoning_content")
    parts: list[Part] = [{"type": "reasoning", "content": reasoning}] if isinstance(reasoning, str) else []
    if isinstance(content, str):
        return [*parts, text_part(content)] if content else parts
    if isinstance(content, Mapping):
        content = [content]
    return parts + [part_of(item) for item in content] if isinstance(content, list) else parts


def _split(role: str, parts: list[Part], name: str, finish_reason: str) -> list[Message]:
    responses = [part for part in parts if part.get("type") == "tool_call_response"]
    rest = tuple(part for part in parts if part.get("type") != "tool_call_response")
    messages = [Message(role="tool", parts=(part,), name=name) for part in responses]
    if rest or not responses:
        messages.append(Message(role=role, parts=rest, name=name, finish_reason=finish_reason))
    return messages


def _openai_content(shown: Sequence[Part]) -> Any:
    if not shown:
        return None
    texts = [str(part.get("content", "")) for part in shown if part.get("type") == "text"]
    if len(texts) == len(shown):
        return "".join(texts)
    return [{"type": "text", "text": part.get("content", "")} if part.get("type") == "text" else part for part in shown]


def _openai_call(part: Part) -> dict[str, Any]:
    function = {"name": part.get("name", ""), "arguments": _json_text(part.get("arguments"))}
    return {"id": part.get("id", ""), "type": "function", "function": function}


def _openai_tool(part: Part, name: str) -> dict[str, Any]:
    answer = {"role": "tool", "tool_call_id": part.get("id", ""), "content": _json_text(part.get("response"))}
    return answer | ({"name": name} if name else {})


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
