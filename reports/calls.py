"""One call at a boundary in the form reports show it: kind, name, what was asked, what was answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..cases.trace import (
    Approval,
    Evaluation,
    Guardrail,
    Message,
    ModelCall,
    Permission,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    UserTurn,
    Write,
    text_of,
    tool_calls_of,
)
from ..replayers.boundary import BOUNDARY_KINDS
from ..replayers.replay import BoundaryEvent
from .text import arguments, excerpt

_KINDS: dict[type, str] = {
    ModelCall: "model",
    Retrieval: "retrieval",
    ToolCall: "tool",
    Approval: "approval",
    UserTurn: "user",
    Guardrail: "guardrail",
    Permission: "permission",
    Write: "write",
    Evaluation: "evaluation",
}
_NAMED_BY_SPAN = ("model", "retrieval")
"""People know these by model and data source, as the recording names them, not by the function that was replaced."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tool call that a model asked for."""

    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call, recorded or replayed."""

    kind: str
    name: str
    request: Any = None
    answer: Any = None
    """Text, a JSON value, or the proposals of a model as a tuple of :class:`Proposal`."""
    error: str = ""
    span_id: str = ""


def kind_of(span: Span) -> str:
    """Return the word for what a span is: a boundary kind, another typed view, or ``span``."""
    stated = span.attributes.get("unrepeat.boundary")
    if isinstance(stated, str) and stated in BOUNDARY_KINDS:
        return stated
    return _KINDS.get(type(span.view), "span")


def is_boundary(span: Span) -> bool:
    """Tell whether a span is a call at a boundary; a tool call that was only proposed is none."""
    proposed = isinstance(span.view, ToolCall) and span.view.stage == "proposed"
    return kind_of(span) in BOUNDARY_KINDS and not proposed


def boundary_calls(trace: Trace) -> tuple[Call, ...]:
    """Return the calls of a trace at its boundaries, in order."""
    return tuple(call_of_span(trace, span) for span in trace.spans if is_boundary(span))


def call_of_span(trace: Trace, span: Span) -> Call:
    """Return a span as a call; recorded function arguments and results stand in where the view is empty."""
    name, request, answer, error = _view_parts(trace, span)
    return Call(
        kind=kind_of(span),
        name=name or span.name or span.operation or span.span_id,
        request=span.attributes.get("unrepeat.arguments") if request in (None, "", ()) else request,
        answer=span.attributes.get("unrepeat.result") if answer in (None, "", ()) else answer,
        error=error or span.error,
        span_id=span.span_id,
    )


def call_of_event(trace: Trace, span: Span | None, event: BoundaryEvent) -> Call:
    """Return a boundary event as a call, in the words of the span of ``trace`` it became where there is one."""
    seen = call_of_span(trace, span) if span else None
    return Call(
        kind=event.kind,
        name=(seen.name if seen and event.kind in _NAMED_BY_SPAN else "") or event.name,
        request=seen.request if seen and seen.request not in (None, "", ()) else event.request,
        answer=seen.answer if seen and seen.answer not in (None, "", ()) else event.answer,
        error=event.error or (seen.error if seen else ""),
        span_id=event.span_id,
    )


def _view_parts(trace: Trace, span: Span) -> tuple[str, Any, Any, str]:
    """Return name, request, answer and error of a span as its typed view has them."""
    view = span.view
    if isinstance(view, ModelCall):
        return view.response_model or view.request_model, _asked(trace, view), _answered(trace, view), ""
    if isinstance(view, ToolCall):
        given = view.arguments_raw if view.arguments is None else view.arguments
        return view.name, given, view.result_raw if view.result is None else view.result, view.error
    if isinstance(view, Retrieval):
        return view.data_source or span.name, view.query, view.documents, ""
    if isinstance(view, Approval):
        return span.name or view.approver, view.request, _decision(view), ""
    if isinstance(view, UserTurn):
        return "user", None, "\n".join(text_of(trace.messages[index]) for index in view.messages), ""
    return _control_parts(span)


def _control_parts(span: Span) -> tuple[str, Any, Any, str]:
    view = span.view
    if isinstance(view, Guardrail):
        return view.name, view.target, " ".join(filter(None, (view.verdict, view.action))), ""
    if isinstance(view, Permission):
        return view.capability, view.principal, view.decision, ""
    if isinstance(view, Write):
        return view.resource or view.system, view.operation, view.after, ""
    if isinstance(view, Evaluation):
        return view.name, view.explanation, view.label or view.value, ""
    return "", None, None, ""


def _asked(trace: Trace, view: ModelCall) -> str:
    """Return the last message the model was given: the earlier ones stood in the calls before."""
    return _message_text(trace.messages[view.input[-1]]) if view.input else ""


def _message_text(message: Message) -> str:
    text = text_of(message)
    if text:
        return text
    responses = [part.get("response") for part in message.parts if part.get("type") == "tool_call_response"]
    return excerpt(responses[0] if len(responses) == 1 else responses, 2000) if responses else ""


def _answered(trace: Trace, view: ModelCall) -> Any:
    outputs = trace.outputs(view)
    proposals = tuple(
        Proposal(str(part.get("name", "")), part.get("arguments")) for each in outputs for part in tool_calls_of(each)
    )
    return proposals or "\n".join(text_of(each) for each in outputs)


def _decision(view: Approval) -> str:
    who = view.approver or view.approver_kind
    return f"{view.decision or 'no decision'}{f' by {who}' if who else ''}"


def request_line(call: Call, limit: int, ellipsis: str = "…") -> str:
    """Return what was asked as one safe line."""
    if call.kind == "tool" and not isinstance(call.request, str):
        return arguments(call.request, limit, ellipsis) if call.request is not None else ""
    return "" if call.request in (None, "") else excerpt(call.request, limit, ellipsis)


def answer_line(call: Call, limit: int, ellipsis: str = "…") -> str:
    """Return what was answered as one safe line; an error comes first."""
    if call.error:
        return excerpt(f"error: {call.error}", limit, ellipsis)
    if call.kind == "retrieval" and isinstance(call.answer, tuple | list):
        return excerpt(_documents_text(call.answer), limit, ellipsis)
    if isinstance(call.answer, tuple) and call.answer and isinstance(call.answer[0], Proposal):
        return excerpt(_proposals_text(call.answer, limit), limit, ellipsis)
    return "" if call.answer in (None, "", ()) else excerpt(call.answer, limit, ellipsis)


def _proposals_text(proposals: Iterable[Proposal], limit: int) -> str:
    return "asks " + ", ".join(f"{each.name}({arguments(each.arguments, limit)})" for each in proposals)


def _documents_text(documents: Any) -> str:
    names = [_document_name(each) for each in documents[:6]]
    return f"{len(documents)} found: {', '.join(names)}" if names else "nothing found"


def _document_name(document: Any) -> str:
    if isinstance(document, dict):
        label, version, status = (str(document.get(key) or "") for key in ("id", "version", "status"))
    else:
        label, version, status = (getattr(document, key, "") for key in ("id", "version", "status"))
    extra = " ".join(filter(None, (version, status)))
    return (label or "document") + (f" ({extra})" if extra else "")
