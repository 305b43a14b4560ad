"""The input of OpenAI's Responses API: items in, messages out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def conversation(items: Any) -> list[Any]:
    """Return input items as messages: an answer that came in several items is one message again.

    Args:
        items: The ``input`` of a request: a text or a list of items.
    """
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    found: list[Any] = []
    for item in items if isinstance(items, list) else [items]:
        parts = _spoken(item)
        if parts is None:
            found.append(item)
        elif found and isinstance(found[-1], dict) and found[-1].get("role") == "assistant" and "parts" in found[-1]:
            found[-1]["parts"] += parts
        else:
            found.append({"role": "assistant", "parts": parts})
    return [each for each in found if not (isinstance(each, dict) and each.get("parts") == [])]


def _spoken(item: Any) -> list[Any] | None:
    """Return the parts of an item that the model said; None for every other item."""
    if not isinstance(item, Mapping):
        return None
    match item.get("type", "message"):
        case "function_call":
            known = {key: item[key] for key in ("call_id", "name", "arguments") if key in item}
            return [{"type": "tool_call", **known}]
        case "reasoning":
            texts = [each.get("text", "") for each in mappings(item.get("summary"))]
            return [{"type": "reasoning", "content": text} for text in texts if text]
        case "message" if item.get("role") == "assistant":
            content = item.get("content")
            return [{"type": "text", "content": content}] if isinstance(content, str) else list(mappings(content))
        case _:
            return None


def mappings(values: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none of anything else."""
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list) else []
