"""The fields of a span's typed view as labelled values, for a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..cases.trace import Approval, Document, Message, ModelCall, Retrieval, Span, ToolCall, Trace, UserTurn, text_of
from .values import Allowance, Value

_SKIPPED = {"view", "input", "output", "messages", "documents", "arguments_raw", "result_raw", "raw_frames"}
MOST_ATTRIBUTES = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value."""

    label: str
    value: Value
    origin: str = ""
    """Where the value comes from unless it was simply observed: ``inferred: from …``."""
    link: str = ""
    """Address to link to; the page checks its scheme."""


def facts_of(trace: Trace, span: Span, allowance: Allowance, shown: set[int]) -> tuple[Fact, ...]:
    """Return what a span holds.

    Args:
        trace: The trace of the span.
        span: The span.
        allowance: Shortens the values.
        shown: Indices of messages that stood at an earlier span; those are not repeated, new ones are added.
    """
    found = [*_view_facts(trace, span, allowance, shown)]
    if span.error:
        found.append(Fact("error", allowance.value(span.error)))
    found += [Fact(f"event {each.get('name', '')}", allowance.value(each)) for each in span.events[:20]]
    if span.attributes:
        few = dict(list(span.attributes.items())[:MOST_ATTRIBUTES])
        found.append(Fact("attributes", allowance.value(few)))
    return tuple(found)


def _view_facts(trace: Trace, span: Span, allowance: Allowance, shown: set[int]) -> Iterator[Fact]:
    view = span.view
    if isinstance(view, ModelCall):
        yield from _messages(trace, view.input, allowance, shown)
        yield from _messages(trace, view.output, allowance, shown, "answers as ")
    elif isinstance(view, UserTurn):
        yield from _messages(trace, view.messages, allowance, shown)
    elif isinstance(view, Retrieval):
        yield Fact("query", allowance.value(view.query), _origin(span, "query"))
        yield from (_document(each, allowance) for each in view.documents[:40])
    for name in view.__struct_fields__ if view else ():
        if name in _SKIPPED or (isinstance(view, Retrieval) and name == "query"):
            continue
        raw = _field(view, name)
        if raw not in (None, "", (), {}, []):
            yield Fact(name.replace("_", " "), allowance.value(raw), _origin(span, name))


def _field(view: Any, name: str) -> Any:
    raw = getattr(view, name)
    if isinstance(view, ToolCall) and name in ("arguments", "result"):
        return getattr(view, f"{name}_raw") if raw is None else raw
    if isinstance(view, Approval) and name == "shown_evidence":
        return "\n".join(view.shown_evidence)
    return raw


def _origin(span: Span, name: str) -> str:
    origin = span.origins.get(name)
    if origin is None or origin.kind == "observed":
        return ""
    return " ".join(filter(None, (origin.kind, f"by {origin.by}" if origin.by else "", origin.at, origin.note)))


def _messages(
    trace: Trace, indices: tuple[int, ...], allowance: Allowance, shown: set[int], prefix: str = ""
) -> Iterator[Fact]:
    fresh = [index for index in indices if index not in shown]
    shown.update(indices)
    if len(fresh) < len(indices):
        yield Fact("context", Value(f"{len(indices) - len(fresh)} earlier messages, shown above"))
    for index in fresh:
        yield from _message(trace.messages[index], allowance, prefix)


def _message(message: Message, allowance: Allowance, prefix: str) -> Iterator[Fact]:
    text = text_of(message)
    if text or not message.parts:
        yield Fact(prefix + message.role, allowance.value(text))
    for part in message.parts:
        kind = part.get("type")
        if kind == "tool_call":
            yield Fact(f"asks {part.get('name', '')}", allowance.value(part.get("arguments")))
        elif kind == "tool_call_response":
            yield Fact("tool answered", allowance.value(part.get("response")))
        elif kind not in ("text", None):
            yield Fact(f"{message.role}: {kind}", allowance.value(part))


def _document(document: Document, allowance: Allowance) -> Fact:
    about = (document.version and f"version {document.version}", document.status, document.updated_at)
    label = " · ".join(filter(None, ("document " + (document.id or document.chunk_id), *about)))
    return Fact(label, allowance.value(document.content or document.metadata), link=document.uri)
