"""Messages as OpenInference spells them, in the shape of the OpenAI chat API, which the rest reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..message_parts import structured
from .attribute_tree import items_under, under
from .langchain_values import mapping


def messages_of(items: list[Any]) -> list[dict[str, Any]]:
    """Return the messages under ``llm.input_messages`` or ``llm.output_messages``."""
    found = (under(item, "message") or item for item in items)
    return [_message(message) for message in found if isinstance(message, Mapping)]


def _message(fields: Mapping[str, Any]) -> dict[str, Any]:
    message = {key: value for key, value in fields.items() if key in ("role", "name", "tool_call_id", "finish_reason")}
    blocks = [_block(item) for item in items_under(fields, "contents")]
    message["content"] = blocks or fields.get("content")
    calls = [_call(item) for item in items_under(fields, "tool_calls")]
    seen = {block.get("id") for block in blocks if block.get("type") == "tool_use"}
    calls = [call for call in calls if call["id"] is None or call["id"] not in seen]
    if calls:
        message["tool_calls"] = calls
    if fields.get("function_call_name"):
        arguments = fields.get("function_call_arguments_json")
        message["function_call"] = {"name": fields["function_call_name"], "arguments": arguments}
    return message


def _call(item: Any) -> dict[str, Any]:
    call = under(item, "tool_call") or item
    function = under(call, "function")
    return {"id": under(call, "id"), "type": "function", "function": dict(mapping(function))}


def _block(item: Any) -> dict[str, Any]:
    content = under(item, "message_content") or item
    if not isinstance(content, Mapping):
        return {"type": "text", "text": content}
    kind = content.get("type") or ("text" if "text" in content else "image" if "image" in content else "unknown")
    url = under(content, "image", "image", "url") or under(content, "image", "url")
    if kind == "image" and isinstance(url, str):
        return {"type": "uri", "modality": "image", "uri": url}
    if kind in ("tool_use", "tool_call"):
        return {**content, "type": "tool_use", "input": structured(content.get("input"))}
    return {"type": kind, **content}
