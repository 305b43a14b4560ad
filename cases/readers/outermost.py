"""What went into a trace and came out of it, from the outermost OpenInference spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..message_parts import structured

_KIND = "openinference.span.kind"
_WHOLE = ("AGENT", "CHAIN")


class SpanLike(Protocol):
    """What is needed of a span."""

    span_id: str
    parent_id: str
    attributes: dict[str, Any]


def outermost_value(spans: Sequence[SpanLike], end: str) -> Any:
    """Return what the first agent or chain was given, or the last one answered; None where nobody says.

    Args:
        spans: In order of start.
        end: ``input`` or ``output``.
    """
    top = _topmost(spans)
    if not top:
        return None
    span = top[0 if end == "input" else -1]
    return structured(span.attributes.get(f"{end}.value")) if _kind(span) in _WHOLE else None


def _topmost(spans: Sequence[SpanLike]) -> list[SpanLike]:
    """Return the spans of the convention that have none of it above them."""
    by_id = {span.span_id: span for span in spans}
    return [span for span in spans if _kind(span) and not _has_such_above(span, by_id)]


def _has_such_above(span: SpanLike, by_id: Mapping[str, SpanLike]) -> bool:
    seen = {span.span_id}
    above = by_id.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        if _kind(above):
            return True
        seen.add(above.span_id)
        above = by_id.get(above.parent_id)
    return False


def _kind(span: SpanLike) -> str:
    return str(span.attributes.get(_KIND) or "").upper()
