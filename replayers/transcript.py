"""Transcript: the new trace a replay produces, one span a boundary event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..cases.messages import to_message
from ..cases.search_results import to_documents
from ..cases.trace import (
    Approval,
    Message,
    MessagePool,
    ModelCall,
    Origin,
    Retrieval,
    Source,
    Span,
    ToolCall,
    Trace,
    UserTurn,
    View,
    Write,
)
from .boundary import RecordedCall
from .playback import Playback
from .replay import BoundaryEvent

_OPERATIONS = {
    "model": "chat",
    "tool": "execute_tool",
    "retrieval": "retrieval",
    "approval": "approval",
    "user": "user_turn",
}
_EVIDENCE_KEYS = ("shown_evidence", "evidence")
_REFERENCE_KEYS = ("request_ref", "tool_call_id", "call_id")


class Transcript:
    """Builds the trace of a replay from its events."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._recorded = playback.trace
        self._pool = MessagePool(self._recorded.messages)
        self._effects = {
            view.name: view.effect for _, view in self._recorded.views(ToolCall) if view.effect != "unknown"
        }
        self._writes = _writes_by_parent(self._recorded)

    def build(self, output: Any, has_output: bool) -> Trace:
        """Return the trace.

        Args:
            output: What the system returned.
            has_output: False when it never returned; the trace then has no output.
        """
        spans: list[Span] = []
        for event in self._playback.events:
            spans.append(self._span(event))
            if self._writes:
                spans += self._copied_writes(event)
        return Trace(
            trace_id=f"{self._recorded.trace_id}/replay",
            source=Source(format="replay"),
            spans=tuple(spans),
            messages=self._pool.messages(),
            session=self._recorded.session,
            input=self._recorded.input,
            output=output,
            origins={} if has_output else {"output": Origin(kind="absent")},
        )

    def _span(self, event: BoundaryEvent) -> Span:
        call = self._playback.counterparts[event.seq - 1]
        return Span(
            span_id=event.span_id,
            name=event.name,
            operation=_OPERATIONS[event.kind],
            status="error" if event.error else "",
            error=event.error,
            view=self._view(event, call),
        )

    def _view(self, event: BoundaryEvent, call: RecordedCall | None) -> View:
        recorded = call.span.view if call is not None else None
        match event.kind:
            case "model":
                return self._model(event, recorded)
            case "tool":
                return self._tool(event, recorded)
            case "retrieval":
                return self._retrieval(event, recorded)
            case "approval":
                return _approval(event, recorded)
            case _:
                return self._user_turn(event, recorded)

    def _model(self, event: BoundaryEvent, recorded: Any) -> ModelCall:
        told = recorded if isinstance(recorded, ModelCall) and event.mode == "recorded" and not event.error else None
        if told is not None and event.match == "exact":
            return told
        request = self._playback.requests[event.seq - 1].request
        value: Mapping[str, Any] = request.value
        output = told.output if told else self._add_all(_answer_messages(event.answer))
        return ModelCall(
            provider=told.provider if told else "",
            request_model=str(value.get("model") or ""),
            response_model=told.response_model if told else "",
            params=dict(value.get("params") or {}),
            tool_definitions=tuple(tool for tool in value.get("tools") or () if isinstance(tool, dict)),
            system_instructions=tuple(value.get("system") or ()),
            input=self._add_all(request.messages),
            output=tuple(output),
            finish_reasons=told.finish_reasons if told else (),
        )

    def _add_all(self, messages: Any) -> tuple[int, ...]:
        return tuple(self._pool.add(message) for message in messages)

    def _tool(self, event: BoundaryEvent, recorded: Any) -> ToolCall:
        return ToolCall(
            name=event.name,
            id=recorded.id if isinstance(recorded, ToolCall) else "",
            arguments=event.request,
            result=event.answer,
            error=event.error,
            effect=self._effects.get(event.name, "unknown"),
            stage="executed",
        )

    def _retrieval(self, event: BoundaryEvent, recorded: Any) -> Retrieval:
        request = event.request if isinstance(event.request, Mapping) else {}
        served = event.mode == "recorded" and event.match != "none" and isinstance(recorded, Retrieval)
        return Retrieval(
            query=request.get("query", request.get("q")),
            data_source=recorded.data_source if isinstance(recorded, Retrieval) else "",
            filters=request.get("filters"),
            documents=recorded.documents if served else to_documents(event.answer),
        )

    def _user_turn(self, event: BoundaryEvent, recorded: Any) -> UserTurn:
        if isinstance(recorded, UserTurn) and event.mode == "recorded":
            return recorded
        return UserTurn(messages=self._add_all(_answer_messages(event.answer, role="user")))

    def _copied_writes(self, event: BoundaryEvent) -> list[Span]:
        """A tool call that is answered as recorded stands for the writes the recording saw below it."""
        if event.kind != "tool" or event.match == "none" or event.error:
            return []
        return [
            msgspec.structs.replace(
                write, span_id=f"{event.span_id}.w{number}", parent_id=event.span_id, start_ns=None, end_ns=None
            )
            for number, write in enumerate(self._writes.get(event.recorded_span_id, ()), start=1)
        ]


def _writes_by_parent(trace: Trace) -> dict[str, list[Span]]:
    """Return the write spans of a trace by the tool span they hang below, however deep."""
    by_id = {span.span_id: span for span in trace.spans}
    writes: dict[str, list[Span]] = {}
    for span, _ in trace.views(Write):
        owner, seen = span.parent_id, set[str]()
        while owner in by_id and owner not in seen and not isinstance(by_id[owner].view, ToolCall):
            seen.add(owner)
            owner = by_id[owner].parent_id
        writes.setdefault(owner, []).append(span)
    return writes


def _answer_messages(answer: Any, role: str = "assistant") -> list[Message]:
    if isinstance(answer, Mapping):
        return to_message({"role": role, **answer})
    if answer is None:
        return []
    if isinstance(answer, list) and all(isinstance(piece, str) for piece in answer):
        answer = "".join(answer)  # the pieces of a stream
    return [Message(role=role, parts=({"type": "text", "content": str(answer)},))]


def _approval(event: BoundaryEvent, recorded: Any) -> Approval:
    answer = event.answer if isinstance(event.answer, Mapping) else {"decision": event.answer}
    base = recorded if isinstance(recorded, Approval) else Approval()
    return msgspec.structs.replace(
        base,
        request=event.request,
        request_ref=_first_text(event.request, _REFERENCE_KEYS) or base.request_ref,
        shown_evidence=shown_evidence(event.request),
        decision=_decision(answer),
        explanation=str(answer.get("explanation") or base.explanation),
        modified_arguments=answer.get("modified_arguments"),
    )


_DECISIONS = {
    "approve": ("approve", "approved", "allow", "yes", "true", "accept", "accepted"),
    "modify": ("modify", "modified", "edit"),
    "reject": ("reject", "rejected", "deny", "denied", "no", "false", "decline", "declined"),
}


def _decision(answer: Mapping[str, Any]) -> str:
    given = answer.get("decision", answer.get("approved"))
    raw = "" if given is None else str(given).strip().lower()
    return next((word for word, spellings in _DECISIONS.items() if raw in spellings), raw)


def shown_evidence(request: Any) -> tuple[str, ...]:
    """Return the names of the evidence an approval request puts on the screen.

    Looks for ``shown_evidence`` or ``evidence`` in the request, or one level below: a list of names, a list of
    objects with a ``name``, or an object whose keys are the names. Empty values show nothing.
    """
    for mapping in _levels(request):
        for key in _EVIDENCE_KEYS:
            if key in mapping:
                return _names(mapping[key])
    return ()


def _levels(request: Any) -> list[Mapping[str, Any]]:
    if not isinstance(request, Mapping):
        return []
    return [request, *(value for value in request.values() if isinstance(value, Mapping))]


def _names(evidence: Any) -> tuple[str, ...]:
    if isinstance(evidence, Mapping):
        return tuple(str(key) for key, value in evidence.items() if value not in (None, "", [], {}))
    if isinstance(evidence, (list, tuple)):
        return tuple(str(item.get("name", "")) if isinstance(item, Mapping) else str(item) for item in evidence)
    return ()


def _first_text(request: Any, keys: tuple[str, ...]) -> str:
    for mapping in _levels(request):
        for key in keys:
            if isinstance(mapping.get(key), str):
                return str(mapping[key])
    return ""
