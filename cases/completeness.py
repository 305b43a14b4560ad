"""Which of the 14 evidence items a case has, and where.

``present``: recorded as such. ``inferred``: part of it, or derived from something else. ``not applicable``: the
traces show that there is nothing to record. ``missing``: everything else; a recording that is silent about
approvals does not show that there were none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .case import Case
from .trace import (
    Approval,
    Evaluation,
    Guardrail,
    ModelCall,
    Permission,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    UserTurn,
    Write,
    tool_calls_of,
)

State = Literal["present", "inferred", "missing", "not applicable"]
MAX_NAMED = 3
"""Spans named in ``where``; the rest are counted."""


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One of the 14 items."""

    name: str
    state: State
    where: str = ""
    """Span ids and fields, or what is lacking."""

    def as_dict(self) -> dict[str, str]:
        """Return name, state and where."""
        return {"name": self.name, "state": self.state, "where": self.where}


Found = tuple[State, str]
_MISSING: Found = ("missing", "")


def completeness(traces: Sequence[Trace], case: Case | None = None) -> tuple[EvidenceItem, ...]:
    """Return the 14 evidence items, in their order.

    Args:
        traces: The traces of a case.
        case: What people stated, where there is a case already.
    """
    items = [EvidenceItem(name, *look(traces)) for name, look in _FROM_TRACES]
    items.append(EvidenceItem("affected users or records", *_affected(traces, case)))
    items.append(EvidenceItem("detection signals", *_detection(case)))
    items.append(EvidenceItem("feedback", *_feedback(traces, case)))
    return tuple(items)


def share(items: Sequence[EvidenceItem]) -> float:
    """Return the share of the applicable items that are present; inferred ones count half."""
    worth = {"present": 1.0, "inferred": 0.5, "missing": 0.0}
    counted = [worth[item.state] for item in items if item.state != "not applicable"]
    return sum(counted) / len(counted) if counted else 0.0


def views(traces: Iterable[Trace], kind: type[Any]) -> list[tuple[Span, Any]]:
    """Return every span of all traces whose view is a ``kind``, with that view."""
    return [pair for trace in traces for pair in trace.views(kind)]


def _at(spans: Sequence[Span], field: str) -> str:
    named = ", ".join(span.span_id for span in spans[:MAX_NAMED])
    more = f" and {len(spans) - MAX_NAMED} more" if len(spans) > MAX_NAMED else ""
    return f"{field} in {named}{more}"


def _graded(pairs: Sequence[tuple[Span, Any]], field: str, parts: dict[str, Callable[[Any], Any]]) -> Found:
    """Grade views: present when each has all parts, inferred when some lack one, missing without views."""
    if not pairs:
        return _MISSING
    lacking = [name for name, part in parts.items() if not all(part(view) for _, view in pairs)]
    where = _at([span for span, _ in pairs], field)
    return ("inferred", f"{where}; without {', '.join(lacking)}") if lacking else ("present", where)


def _request(traces: Sequence[Trace]) -> Found:
    given = [trace for trace in traces if trace.input not in (None, "", {})]
    if traces and len(given) == len(traces):
        derived = next((trace.origins["input"] for trace in given if "input" in trace.origins), None)
        if derived is None or derived.kind != "inferred":
            return "present", "input of the trace"
        return "inferred", f"input of the trace ({derived.note})" if derived.note else "input of the trace"
    turns = views(traces, UserTurn)
    return ("inferred", _at([span for span, _ in turns], "user turns")) if turns else _MISSING


def _prompt(traces: Sequence[Trace]) -> Found:
    calls = [(trace, span, call) for trace in traces for span, call in trace.views(ModelCall)]
    if not calls:
        return _MISSING
    with_text = [
        span
        for trace, span, call in calls
        if call.system_instructions or any(each.role in ("system", "developer") for each in trace.inputs(call))
    ]
    versioned = [span for _, span, call in calls if call.prompt and (call.prompt.version or call.prompt.sha256)]
    if with_text and versioned:
        return "present", _at(with_text, "system prompt")
    if with_text:
        return "inferred", f"{_at(with_text, 'system prompt')}; without version"
    return ("inferred", f"{_at(versioned, 'prompt version')}; without text") if versioned else _MISSING


def _model(traces: Sequence[Trace]) -> Found:
    parts: dict[str, Callable[[Any], Any]] = {
        "model": lambda call: call.request_model or call.response_model,
        "provider": lambda call: call.provider,
        "parameters": lambda call: call.params or call.seed is not None,
    }
    pairs = views(traces, ModelCall)
    found = _graded(pairs, "model", parts)
    nothing = pairs and not any(part(call) for part in parts.values() for _, call in pairs)
    return _MISSING if nothing else found


def _context(traces: Sequence[Trace]) -> Found:
    return _graded(
        views(traces, Retrieval),
        "documents",
        {
            "documents": lambda view: view.documents,
            "document ids": lambda view: all(each.id or each.chunk_id or each.uri for each in view.documents),
            "versions": lambda view: all(each.version or each.updated_at or each.sha256 for each in view.documents),
        },
    )


def _outputs(traces: Sequence[Trace]) -> Found:
    calls = views(traces, ModelCall)
    if calls:
        return _graded(calls, "output", {"output of every call": lambda call: call.output})
    given = [trace for trace in traces if trace.output not in (None, "")]
    return ("inferred", "output of the trace") if given else _MISSING


def _tools(traces: Sequence[Trace]) -> Found:
    executed = [pair for pair in views(traces, ToolCall) if pair[1].stage == "executed"]
    if executed:
        parts: dict[str, Callable[[Any], Any]] = {
            "arguments": lambda call: call.arguments is not None or call.arguments_raw,
            "results": lambda call: call.result is not None or call.result_raw or call.error,
        }
        return _graded(executed, "tool calls", parts)
    calls = [(trace, span, call) for trace in traces for span, call in trace.views(ModelCall)]
    proposed = [span for trace, span, call in calls if any(map(tool_calls_of, trace.outputs(call)))]
    if proposed:
        return "inferred", f"{_at(proposed, 'proposed calls')}; without results"
    offered = any(call.tool_definitions for _, _, call in calls)
    return ("not applicable", "tools were offered and none was called") if offered else _MISSING


def _acted(traces: Sequence[Trace]) -> bool | None:
    """Whether something was changed; None when the traces do not tell."""
    calls = [call for _, call in views(traces, ToolCall) if call.stage == "executed"]
    if views(traces, Write) or any(call.effect in ("write", "external") for call in calls):
        return True
    return False if calls and all(call.effect == "read" for call in calls) else None


def _permissions(traces: Sequence[Trace]) -> Found:
    return _graded(
        views(traces, Permission),
        "permissions",
        {"principal": lambda view: view.principal, "decision": lambda view: view.decision},
    )


def _guardrails(traces: Sequence[Trace]) -> Found:
    return _graded(
        views(traces, Guardrail), "guardrails", {"verdict": lambda view: view.verdict or view.action or view.findings}
    )


def _approvals(traces: Sequence[Trace]) -> Found:
    pairs = views(traces, Approval)
    if not pairs and _acted(traces) is False:
        return "not applicable", "every tool call only reads"
    return _graded(
        pairs,
        "approvals",
        {
            "approver": lambda view: view.approver or view.approver_kind,
            "decision": lambda view: view.decision,
            "evidence shown": lambda view: view.shown_evidence or view.request is not None,
        },
    )


def _times(traces: Sequence[Trace]) -> Found:
    spans = [span for trace in traces for span in trace.spans]
    timed = [span for span in spans if span.start_ns is not None]
    if not timed:
        return _MISSING
    if len(timed) == len(spans) and all(span.end_ns is not None for span in spans):
        return "present", "start and end of every span"
    return "inferred", f"start of {len(timed)} of {len(spans)} spans; the others by order"


def _writes(traces: Sequence[Trace]) -> Found:
    pairs = views(traces, Write)
    if pairs:
        return _graded(
            pairs, "writes", {"resource": lambda view: view.resource, "after": lambda view: view.after is not None}
        )
    acted = _acted(traces)
    if acted is False:
        return "not applicable", "every tool call only reads"
    if acted:
        calls = [span for span, call in views(traces, ToolCall) if call.effect in ("write", "external")]
        return "inferred", _at(calls, "tool calls that write")
    return _MISSING


def _affected(traces: Sequence[Trace], case: Case | None) -> Found:
    stated = case.affected if case else None
    if stated and (stated.users is not None or stated.records or stated.segment or stated.sessions is not None):
        return "present", "affected in case.yaml (stated)"
    users = [trace for trace in traces if trace.session and (trace.session.user_id or trace.session.conversation_id)]
    return ("inferred", "session of the trace") if users else _MISSING


def _detection(case: Case | None) -> Found:
    if case and case.detected_by != "unknown":
        return "present", "detected_by in case.yaml (stated)"
    return _MISSING


def _feedback(traces: Sequence[Trace], case: Case | None) -> Found:
    given = views(traces, Evaluation)
    if given:
        return "present", _at([span for span, _ in given], "evaluations")
    if case and case.detected_by in ("complaint", "user"):
        return "inferred", "detected_by in case.yaml (stated)"
    return _MISSING


_FROM_TRACES: tuple[tuple[str, Callable[[Sequence[Trace]], Found]], ...] = (
    ("user request or business event", _request),
    ("system prompt and its version", _prompt),
    ("model, provider and parameters", _model),
    ("retrieved context with document ids and versions", _context),
    ("model outputs", _outputs),
    ("tool calls with arguments and results", _tools),
    ("permissions in force", _permissions),
    ("guardrail and validation results", _guardrails),
    ("approval and review records", _approvals),
    ("timestamps", _times),
    ("downstream writes", _writes),
)
