"""MCP results: what a recorded tool answered, in the form of an MCP tool result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BLOCKS: dict[str, tuple[str, type[Any]]] = {
    "text": ("text", str),
    "image": ("data", str),
    "audio": ("data", str),
    "resource": ("resource", dict),
    "resource_link": ("uri", str),
}
"""Content blocks of MCP by type, each with the field it cannot be without."""
_SPELLED = {
    "is_error": "isError", "structured_content": "structuredContent", "mime_type": "mimeType", "meta": "_meta",
}  # fmt: skip
"""Fields as the Python SDK dumps them, and as they go over the wire."""


def tool_result(value: Any, text: str = "", tool: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a tool answered as an MCP tool result.

    Args:
        value: The recorded answer. An MCP result, or its content, is handed on as it is.
        text: The text the answer was recorded as, where that is known.
        tool: The tool's definition. With an output schema, clients want the answer as structured content too.
    """
    recorded = recorded_result(value)
    if recorded is not None:
        return recorded
    if value is None and not text:
        return {"content": []}
    said = text or (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    structured = _structured(value, (tool or {}).get("outputSchema"))
    return {"content": [{"type": "text", "text": said}], **structured}


def tool_error(error: str) -> dict[str, Any]:
    """Return the result of a tool that failed."""
    return {"content": [{"type": "text", "text": error}], "isError": True}


def recorded_result(value: Any) -> dict[str, Any] | None:
    """Return a recorded MCP tool result, or content of one, as it goes over the wire; None for any other answer."""
    if isinstance(value, Mapping) and isinstance(value.get("content"), list):
        if all(map(_is_block, value["content"])) and (value["content"] or _is_marked(value)):
            return {**_spelled(value), "content": [_spelled(block) for block in value["content"]]}
        return None
    blocks = value if isinstance(value, list) else [value]
    return {"content": [_spelled(block) for block in blocks]} if blocks and all(map(_is_block, blocks)) else None


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if not isinstance(kind, str) or kind not in _BLOCKS:
        return False
    field, form = _BLOCKS[kind]
    return isinstance(block.get(field), form)


def _is_marked(value: Mapping[str, Any]) -> bool:
    """Whether an answer without content is an MCP result: an empty list alone could be anything."""
    return not {"isError", "is_error", "structuredContent", "structured_content"}.isdisjoint(value)


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under their names on the wire. A field that is null was never sent: clients refuse null."""
    return {_SPELLED.get(key, key): item for key, item in value.items() if item is not None}


def _structured(value: Any, schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    properties = schema.get("properties")
    wrapped = isinstance(properties, Mapping) and set(properties) == {"result"}
    if isinstance(value, Mapping) and not (wrapped and "result" not in value):
        return {"structuredContent": value}
    # The Python SDK wraps what is no object, and says so in the schema.
    return {"structuredContent": {"result": value}} if wrapped else {}
