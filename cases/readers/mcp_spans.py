"""MCP spans: the client and server side of a tool call that the agent's own span records already.

An agent framework writes ``execute_tool``, an MCP instrumentation ``tools/call`` inside of it, the server another one
inside of that. That is one call. The outermost span keeps the view, the others keep what they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..trace import Origin, Span, ToolCall

_INSIDE = Origin(kind="inferred", note="the MCP span inside")
SEPARATORS = ("__", "_", "-", ".", "/", ":")
"""What agents put between the name of a server and that of its tool."""


def as_one_call(spans: Sequence[Span]) -> list[Span]:
    """Return the spans with one view for each tool call that was made over MCP.

    A call inside of one with other arguments or another tool is a call of its own.
    """
    inner = [span for span in spans if isinstance(span.view, ToolCall) and _is_mcp_call(span)]
    if not inner:
        return list(spans)
    by_id = {span.span_id: span for span in spans}
    for span in inner:
        outer = _outer(span, by_id)
        if outer is not None and _is_same(outer.view, span.view):
            by_id[outer.span_id] = _filled(outer, span.view)
            by_id[span.span_id] = msgspec.structs.replace(by_id[span.span_id], view=None, origins={})
    return [by_id[span.span_id] for span in spans]


def _is_mcp_call(span: Span) -> bool:
    return span.attributes.get("mcp.method.name") == "tools/call"


def _outer(span: Span, by_id: Mapping[str, Span]) -> Span | None:
    """Return the nearest tool call around a span."""
    seen = {span.span_id}
    above = by_id.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        if isinstance(above.view, ToolCall):
            return above
        seen.add(above.span_id)
        above = by_id.get(above.parent_id)
    return None


def _is_same(outer: Any, inner: Any) -> bool:
    """Whether two tool calls are one: the same tool, perhaps named with its server, and the same arguments."""
    named = outer.name == inner.name or any(outer.name.endswith(mark + inner.name) for mark in SEPARATORS)
    return named and (not _has_arguments(outer) or not _has_arguments(inner) or _asked(outer) == _asked(inner))


def _has_arguments(call: ToolCall) -> bool:
    return call.arguments is not None or bool(call.arguments_raw)


def _asked(call: ToolCall) -> Any:
    return call.arguments_raw if call.arguments is None else call.arguments


def _filled(outer: Span, inner: Any) -> Span:
    """Return the agent's span with what only the MCP span says."""
    view: Any = outer.view
    more: dict[str, Any] = {}
    if not _has_arguments(view) and _has_arguments(inner):
        more |= {"arguments": inner.arguments, "arguments_raw": inner.arguments_raw}
    if view.result is None and not view.result_raw:
        more |= {"result": inner.result, "result_raw": inner.result_raw}
    if not view.error and inner.error:
        more["error"] = inner.error
    stated = {key: value for key, value in more.items() if value not in (None, "")}
    if not stated:
        return outer
    return msgspec.structs.replace(
        outer, view=msgspec.structs.replace(view, **stated), origins={**outer.origins, **dict.fromkeys(stated, _INSIDE)}
    )
