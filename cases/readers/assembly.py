"""Spans of one trace, put together: order, ids, views, session, what went in and came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..trace import (
    Evaluation,
    Message,
    ModelCall,
    Origin,
    Session,
    Source,
    Span,
    Trace,
    View,
    text_of,
)
from .genai import Origins, evaluation_of
from .mcp_spans import as_one_call
from .message_store import MessageStore
from .outermost import outermost_value
from .span_views import views_of
from .unrepeat_attributes import json_value

_REQUEST = Origin(kind="inferred", note="the last user message of the first model call")
_ANSWER = Origin(kind="inferred", note="the last assistant message")
_OUTERMOST = Origin(kind="inferred", note="the outermost agent or chain")
_ABSENT = Origin(kind="absent")
_BESIDE = Origin(kind="inferred", note="attributes of the span above")
_SESSION_KEYS = {
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "user_id": ("unrepeat.user.id", "user.id", "enduser.id"),
    "tenant_id": ("unrepeat.tenant.id", "tenant.id"),
}

MakeView = Callable[[MessageStore], tuple[View | None, Origins, list[tuple[str, View]]]]


class SpanDraft(msgspec.Struct, gc=False):
    """A span as read, before its view is made."""

    span_id: str
    parent_id: str
    name: str
    start_ns: int | None
    end_ns: int | None
    status: str
    error: str
    resource: dict[str, Any]
    attributes: dict[str, Any]
    events: tuple[dict[str, Any], ...] = ()
    links: tuple[dict[str, Any], ...] = ()
    operation: str = ""
    make_view: MakeView | None = None
    """How to make the view where the source says more than the attributes do."""


def assemble(trace_id: str, drafts: list[SpanDraft], source: Source, **fields: Any) -> Trace:
    """Return the trace of these spans.

    Args:
        trace_id: As in the source.
        drafts: In order of the file.
        source: Where they were read.
        **fields: Further fields of the trace: ``original``, ``labels``, ``session``; and ``input``, ``output`` where
            the source states them.
    """
    drafts.sort(key=_start)  # stable: spans without times keep the order of the file
    store = MessageStore()
    spans: list[Span] = []
    for draft in _identified(drafts):
        spans += _spans(draft, store)
    spans = as_one_call(spans)
    messages = store.messages()
    labels = dict(fields.pop("labels", {}))
    incident = _first(drafts, ("unrepeat.incident.id",))
    if incident is not None:
        labels["incident_id"] = incident
    session = fields.pop("session", None) or _session(drafts)
    ends, origins = _ends(drafts, spans, messages, fields)
    fields |= ends
    return Trace(
        trace_id=trace_id,
        source=source,
        spans=tuple(spans),
        messages=messages,
        session=session,
        origins=origins,
        labels=labels,
        **fields,
    )


def _start(draft: SpanDraft) -> int:
    return draft.start_ns or 0


def _identified(drafts: list[SpanDraft]) -> list[SpanDraft]:
    """Return the drafts with unique ids; a span that was exported twice is one."""
    seen: dict[str, SpanDraft] = {}
    kept: list[SpanDraft] = []
    for draft in drafts:
        span_id = draft.span_id or f"s{len(kept) + 1}"
        twin = seen.get(span_id)
        if twin is not None:
            if twin == draft:
                continue
            while span_id in seen:
                span_id = f"{span_id}#{len(kept) + 1}"
        draft.span_id = span_id
        seen[span_id] = draft
        kept.append(draft)
    return kept


def _spans(draft: SpanDraft, store: MessageStore) -> list[Span]:
    attributes = draft.attributes
    if draft.make_view is not None:
        view, origins, beside = draft.make_view(store)
    else:
        shown = _with_details(draft) if draft.events else attributes
        view, origins, beside = views_of(draft.name, shown, draft.error, store)
    span = Span(
        span_id=draft.span_id,
        name=draft.name,
        parent_id=draft.parent_id,
        operation=draft.operation or str(attributes.get("gen_ai.operation.name") or ""),
        start_ns=draft.start_ns,
        end_ns=draft.end_ns,
        status=draft.status,
        error=draft.error,
        resource=draft.resource,
        attributes=attributes,
        events=draft.events,
        links=draft.links,
        view=view,
        origins=origins,
    )
    if draft.events:
        beside = beside + _evaluations(draft)
    return [span, *(_side_span(draft, *side) for side in beside)] if beside else [span]


def _with_details(draft: SpanDraft) -> Mapping[str, Any]:
    """Return the attributes, with those of the event in which some exporters put the messages."""
    for event in draft.events:
        if event.get("name") == "gen_ai.client.inference.operation.details":
            return {**event.get("attributes", {}), **draft.attributes}
    return draft.attributes


def _evaluations(draft: SpanDraft) -> list[tuple[str, View]]:
    return [
        (f"evaluation{number}", evaluation_of(event.get("attributes", {})))
        for number, event in enumerate(draft.events, 1)
        if event.get("name") == "gen_ai.evaluation.result"
    ]


def _side_span(draft: SpanDraft, section: str, view: View) -> Span:
    name = view.name if isinstance(view, Evaluation) and view.name else section
    return Span(
        span_id=f"{draft.span_id}/{section}",
        name=name,
        parent_id=draft.span_id,
        start_ns=draft.end_ns,
        end_ns=draft.end_ns,
        view=view,
        origins={"parent_id": _BESIDE},
    )


def _session(drafts: list[SpanDraft]) -> Session | None:
    found = {name: _first(drafts, keys) for name, keys in _SESSION_KEYS.items()}
    stated = {name: str(value) for name, value in found.items() if value}
    return Session(**stated) if stated else None


def _first(drafts: list[SpanDraft], keys: tuple[str, ...]) -> Any:
    """Return the first value of the first of these attributes that any span has."""
    for key in keys:
        for draft in drafts:
            if key in draft.attributes:
                return draft.attributes[key]
    return None


def _ends(
    drafts: list[SpanDraft], spans: list[Span], messages: tuple[Message, ...], stated: Mapping[str, Any]
) -> tuple[dict[str, Any], Origins]:
    """Return what went into the trace and came out of it, stated by the source or inferred from its model calls."""
    ends: dict[str, Any] = {}
    origins: Origins = {}
    for end, inferred, note in (("input", _request, _REQUEST), ("output", _answer, _ANSWER)):
        if stated.get(end) is not None:
            continue
        written = _first(drafts, (f"unrepeat.{end}",))
        if written is not None:
            ends[end] = json_value(written)
            continue
        whole = outermost_value(drafts, end)
        if whole is not None:
            ends[end], origins[end] = whole, _OUTERMOST
            continue
        ends[end] = inferred(spans, messages)
        origins[end] = _ABSENT if ends[end] is None else note
    return ends, origins


def _request(spans: list[Span], messages: tuple[Message, ...]) -> str | None:
    for span in spans:
        if isinstance(span.view, ModelCall) and span.view.input:
            return _last_text(span.view.input, messages, "user")
    return None


def _answer(spans: list[Span], messages: tuple[Message, ...]) -> str | None:
    for span in reversed(spans):
        if isinstance(span.view, ModelCall) and span.view.output:
            return _last_text(span.view.output, messages, "assistant")
    return None


def _last_text(indices: tuple[int, ...], messages: tuple[Message, ...], role: str) -> str | None:
    for index in reversed(indices):
        if messages[index].role == role:
            return text_of(messages[index]) or None
    return None
