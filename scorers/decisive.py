"""Which boundary call of a recording decides a violation, and whose answer led to it."""

from __future__ import annotations

from itertools import takewhile

from ..cases.trace import ToolCall, Trace
from ..replayers.boundary import kind_of
from .calls import proposed_calls
from .score import Violation


def decisive_span(violation: Violation) -> str:
    """Return the span that decides a violation; empty for one that is about the output."""
    return violation.decided_at or next(iter(violation.span_ids), "")


def boundary_span(trace: Trace, span_id: str) -> str:
    """Return the boundary call a span belongs to: itself, or the nearest one it hangs below (a write).

    Returns:
        A span id; empty when there is none.
    """
    by_id = {span.span_id: span for span in trace.spans}
    seen: set[str] = set()
    current = span_id
    while current in by_id and current not in seen:
        if kind_of(by_id[current]) is not None:
            return current
        seen.add(current)
        current = by_id[current].parent_id
    return ""


def trigger_span(trace: Trace, span_id: str) -> str:
    """Return the boundary call whose answer led to a span: the model call that proposed it, else the one before.

    Returns:
        A span id; empty when the system's input itself led to it.
    """
    before = [span for span in takewhile(lambda span: span.span_id != span_id, trace.spans) if kind_of(span)]
    target = next((span for span in trace.spans if span.span_id == span_id), None)
    if target is not None and isinstance(target.view, ToolCall):
        earlier = {span.span_id for span in before}
        asked = [call for call in proposed_calls(trace) if call.span_id in earlier and call.name == target.view.name]
        same_id = [call for call in asked if call.id and call.id == target.view.id]
        if same_id or asked:
            return (same_id or asked)[-1].span_id
    return before[-1].span_id if before else ""
