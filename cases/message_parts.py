"""The parts a message is made of: content blocks and tool calls of every dialect, in the GenAI form.

A block nobody knows is returned as it is; what a known block says beyond its type is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .strict_json import DEFAULT, exceeds_depth

Part = dict[str, Any]


def structured(value: Any) -> Any:
    """Return the value of JSON text that holds an object, an array or a string; other values as they are.

    A text that is not JSON, or nests too deeply, stays text.
    """
    for _ in range(2):  # some exporters encode twice
        if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
            return value
        parsed = parse_text(value)
        if parsed is value:
            return value
        value = parsed
    return value


def parse_text(text: str) -> Any:
    """Return the value of JSON text, or the text itself where it is no JSON."""
    try:
        # It keeps integers of any size exactly. Given a text, it would leave the UTF-8 of it in memory beside it.
        value = msgspec.json.decode(text.encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return text
    # A level takes two brackets. Counting them in a long text takes longer than looking at the value.
    return text if len(text) > 2 * DEFAULT.depth and exceeds_depth(value, DEFAULT.depth) else value


def part_of(item: Any) -> Part:
    """Bring one content block to the form of a part."""
    if not isinstance(item, Mapping):
        return text_part(item if isinstance(item, str) else str(item))
    kind = item.get("type")
    convert = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if convert is not None:
        return convert(item)
    if kind is None:
        for key, untyped in _UNTYPED.items():
            if key in item:
                return untyped(item)
    return dict(item)


def call_parts(fields: Mapping[str, Any]) -> list[Part]:
    """Return the tool calls that a message carries beside its content."""
    calls = fields.get("tool_calls")
    if not calls and isinstance(fields.get("additional_kwargs"), Mapping):
        calls = fields["additional_kwargs"].get("tool_calls")
    parts = [_call_part(call) for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    if fields.get("type") == "function_call":
        parts.append(_call_block(fields))
    legacy = fields.get("function_call")
    if isinstance(legacy, Mapping):
        parts.append(_call_block(legacy))
    return parts


def response_part(fields: Mapping[str, Any]) -> Part:
    """Return the part of a message that is the answer of a tool."""
    call = fields.get("tool_call")
    nested = call.get("id") if isinstance(call, Mapping) else None
    call_id = fields.get("tool_call_id") or fields.get("call_id") or nested
    content = fields.get("content", fields.get("output"))
    part: Part = {"type": "tool_call_response", "id": as_text(call_id), "response": only_text(content)}
    if fields.get("error"):
        part["error"] = fields["error"]
    return part


def text_part(content: str) -> Part:
    """Return a text part."""
    return {"type": "text", "content": content}


def only_text(content: Any) -> Any:
    """Return the text of content blocks that are one text, other content as it is."""
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], Mapping):
        block = content[0]
        if block.get("type") == "text" and set(block) <= {"type", "text"}:
            return block.get("text")
        if block.get("type") == "text" and set(block) <= {"type", "content"}:
            return block.get("content")
    return content


def as_text(value: Any) -> str:
    """Return a value as text, nothing as the empty text."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def _text_block(item: Mapping[str, Any]) -> Part:
    if "content" in item and "text" not in item:
        return {"type": "text", **item} | {"type": "text"}
    kind = "reasoning" if item.get("thought") is True else "text"
    return {"type": kind, "content": item.get("text")} | _rest(item, "type", "text", "content", "thought")


def _reasoning_block(item: Mapping[str, Any]) -> Part:
    content = item.get("content", item.get("thinking", item.get("text")))
    return {"type": "reasoning", "content": content} | _rest(item, "type", "thinking", "text", "content")


def _call_block(item: Mapping[str, Any]) -> Part:
    call_id, item_id = item.get("call_id"), item.get("id")  # the responses API has both
    arguments = item["arguments"] if "arguments" in item else item.get("input", item.get("args"))
    part: Part = {"type": "tool_call", "id": as_text(call_id or item_id), "name": as_text(item.get("name"))}
    part["arguments"] = parse_text(arguments) if isinstance(arguments, str) else arguments
    if call_id and item_id:
        part["item_id"] = item_id
    return part | _rest(item, "type", "id", "call_id", "name", "arguments", "input", "args")


def _response_block(item: Mapping[str, Any]) -> Part:
    call_id = item.get("tool_use_id") or item.get("call_id") or item.get("id")
    response = item.get("response", item.get("result", item.get("content", item.get("output"))))
    part: Part = {"type": "tool_call_response", "id": as_text(call_id), "response": only_text(response)}
    known = ("type", "id", "tool_use_id", "call_id", "response", "result", "content", "output")
    return part | _rest(item, *known)


def _gemini_call(item: Mapping[str, Any]) -> Part:
    return _call_block(item.get("function_call") or item.get("functionCall") or {})


def _gemini_response(item: Mapping[str, Any]) -> Part:
    return _response_block(item.get("function_response") or item.get("functionResponse") or {})


_BLOCKS: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": _text_block,
    "input_text": _text_block,
    "output_text": _text_block,
    "reasoning": _reasoning_block,
    "thinking": _reasoning_block,
    "tool_call": _call_block,
    "tool_use": _call_block,
    "tool_result": _response_block,
    "tool_call_response": _response_block,
}
_UNTYPED: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": _text_block,
    "content": _text_block,
    "function_call": _gemini_call,
    "functionCall": _gemini_call,
    "function_response": _gemini_response,
    "functionResponse": _gemini_response,
}


def _call_part(call: Mapping[str, Any]) -> Part:
    function = call.get("function")
    if isinstance(function, Mapping):  # OpenAI
        named = {"id": call.get("id"), "name": function.get("name"), "arguments": function.get("arguments")}
        rest = _rest(function, "name", "arguments") | _rest(call, "id", "type", "function")
        return _call_block(named) | rest
    if isinstance(function, str):  # AgentDojo
        named = {"id": call.get("id"), "name": function, "arguments": call.get("args")}
        return _call_block(named) | _rest(call, "id", "function", "args", "type")
    return _call_block(call)


def _rest(item: Mapping[str, Any], *known: str) -> Part:
    return {key: value for key, value in item.items() if key not in known}
