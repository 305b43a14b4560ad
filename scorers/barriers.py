"""Where a recording was stopped before harm: which barrier decided, and what it stopped.

Five signs, the most certain first:

1. an approver rejected, modified, escalated or ended what was put before them;
2. a permission was denied;
3. a guardrail blocked (one whose name speaks of validation is the barrier ``validation``);
4. a tool refused a call: its error, or an ``error`` in its result, speaks of a rule, not of an outage;
5. a call that the model asked for was answered with a refusal and never reached a tool.

What was stopped is a call, proposed or executed (a draft that is put down before somebody is asked), or the text
of a model that a guardrail held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..cases.trace import Approval, Guardrail, ModelCall, Permission, Span, ToolCall, Trace, text_of
from ..cases.vocabulary import Barrier
from .calls import Call, Stage, executed_calls, proposed_calls
from .predicates import json_equal
from .targets import canonical_text

STOPPING = ("reject", "modify", "escalate", "terminate")
"""Decisions of an approver that are no plain approval."""
_DENIED = frozenset("deny denied reject rejected refuse refused forbidden block blocked disallow false no".split())
_BLOCKED = frozenset(
    "block blocked deny denied reject rejected refuse refused stop stopped fail failed unsafe violation flagged "
    "intervened guardrail_intervened".split()
)
_LET_THROUGH = frozenset("allow allowed pass passed log logged warn none monitor annotate".split())
_VALIDATES = re.compile(r"(?i)valid|schema|constraint|sanity")
_OF_OUTPUT = re.compile(r"(?i)\b(?:output|answer|response|reply|completion|message)\b")
_PERMISSION = re.compile(r"(?i)permi(?:ssion|t)|forbidden|denied|unauthori[sz]ed|not allowed|access|\b40[13]\b")
_REVIEW = re.compile(r"(?i)approv|review")
_RULE = re.compile(
    r"(?i)invalid|validation|must |not valid|exceed|out of range|too (?:large|high|many|long|small)|limit|missing|"
    r"required|constraint|schema|expected|refus|reject|insufficient|does not match|mismatch|policy|\b4(?:00|09|22)\b"
)
_OUTAGE = re.compile(
    r"(?i)time[d ]?-?out|unavailable|connection|network|temporar|try again|rate limit|\b(?:429|5\d\d)\b"
)
_WORD = re.compile(r"\w+")
_SHARED = 2
"""Arguments a request must share with a call to be about it, where the call has as many."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One place where a barrier caught something."""

    barrier: Barrier
    span_id: str
    """The span that decided."""
    why: str
    """Who or what decided, in names and words of ours."""
    call: Call | None = None
    """What was stopped; None where it is a text, or nothing that the trace shows."""
    stage: Stage = "proposed"
    """Whether the call was only proposed, or already executed as a draft."""
    text_span: str = ""
    """The model call whose text was held back."""
    correction: Any = None
    """The arguments as the approver changed them."""


def stops(trace: Trace) -> tuple[Stop, ...]:
    """Return where a recording was stopped, the most certain signs first, each in the order of the trace."""
    looked = _Look(trace)
    return tuple(
        stop
        for sign in (looked.by_approvers, looked.by_permissions, looked.by_guardrails, looked.by_tools, looked.unmade)
        for stop in sign()
    )


def first_stop(traces: Iterable[Trace]) -> Stop | None:
    """Return the most certain stop of a near miss; None when its traces show none."""
    return next((stop for trace in traces for stop in stops(trace)), None)


class _Look:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.proposed = proposed_calls(trace)
        self.executed = executed_calls(trace)
        self._made = {call.id for call in self.executed if call.id}

    def by_approvers(self) -> Iterator[Stop]:
        for position, span, view in self._each(Approval):
            if view.decision in STOPPING:
                barrier: Barrier = "human-review" if view.approver_kind in ("", "human") else "approval"
                who = view.approver or "an unnamed approver"
                call, stage = self._asked_about(view, position)
                corrected = view.modified_arguments if view.decision == "modify" else None
                why = f"{who} decided {view.decision}"
                yield Stop(barrier, span.span_id, why, call, stage, correction=corrected)

    def by_permissions(self) -> Iterator[Stop]:
        for position, span, view in self._each(Permission):
            if view.decision.lower() in _DENIED:
                call = self._last_proposed(position, {view.capability})
                policy = f" by {view.policy}" if view.policy else ""
                yield Stop("permission", span.span_id, f"{view.capability or 'a capability'} was denied{policy}", call)

    def by_guardrails(self) -> Iterator[Stop]:
        for position, span, view in self._each(Guardrail):
            if not _blocks(view):
                continue
            name = view.name or span.name or "a guardrail"
            barrier: Barrier = "validation" if _VALIDATES.search(name) else "guardrail"
            call = self._last_proposed(position, set(_WORD.findall(view.target)), any_name=not view.target)
            held = "" if call else self._text_before(position, view.target)
            yield Stop(barrier, span.span_id, f"{name} blocked it", call, text_span=held)

    def by_tools(self) -> Iterator[Stop]:
        for call in self.executed:
            refusal = _refusal(call.view) if call.view else ""
            barrier = barrier_of_refusal(refusal)
            if barrier != "unknown":
                yield Stop(barrier, call.span_id, f"{call.name} refused the call", call, "executed")

    def unmade(self) -> Iterator[Stop]:
        answers = self._answers()
        for call in self.proposed:
            answered = answers.get(call.id, "") if call.id and call.id not in self._made else ""
            barrier = barrier_of_refusal(answered)
            if barrier != "unknown":
                yield Stop(barrier, call.span_id, f"{call.name} was refused before it ran", call)

    def _each(self, kind: type[Any]) -> Iterator[tuple[int, Span, Any]]:
        for position, span in enumerate(self.trace.spans):
            if isinstance(span.view, kind):
                yield position, span, span.view

    def _asked_about(self, view: Approval, position: int) -> tuple[Call | None, Stage]:
        """Return the call an approver was asked about: by reference, by its arguments, by name, by its place."""
        before: list[tuple[Call, Stage]] = [(call, "proposed") for call in self.proposed if call.position < position]
        before.extend((call, "executed") for call in self.executed if call.position < position)
        tests: tuple[Callable[[Call], bool], ...] = (
            lambda call: view.request_ref != "" and view.request_ref in (call.id, call.span_id),
            lambda call: _holds_arguments(view.request, call),
            lambda call: _names(view.request, call.name),
        )
        for fits in tests:
            found = [pair for pair in before if fits(pair[0])]
            if found:
                return max(found, key=lambda pair: pair[0].position)
        return self._last_proposed(position, set(), any_name=True), "proposed"

    def _last_proposed(self, position: int, names: set[str], *, any_name: bool = False) -> Call | None:
        """Return the last proposed call before a place that did not run by itself: of one of these names, or any."""
        fitting = [
            call
            for call in self.proposed
            if call.position <= position and call.id not in self._made and (any_name or call.name in names)
        ]
        return fitting[-1] if fitting else None

    def _text_before(self, position: int, target: str) -> str:
        if target and not _OF_OUTPUT.search(target):
            return ""
        spoken = [
            span.span_id
            for span in self.trace.spans[:position]
            if isinstance(span.view, ModelCall) and any(map(text_of, self.trace.outputs(span.view)))
        ]
        return spoken[-1] if spoken else ""

    def _answers(self) -> dict[str, str]:
        """Return what the model was told about each of its calls, where that reads as a refusal."""
        parts = [part for message in self.trace.messages for part in message.parts]
        return {
            str(part.get("id")): _refusal_in(part.get("response"), part.get("error"))
            for part in parts
            if part.get("type") == "tool_call_response"
        }


def _blocks(view: Guardrail) -> bool:
    action, verdict = view.action.lower(), view.verdict.lower()
    return action in _BLOCKED or (verdict in _BLOCKED and action not in _LET_THROUGH)


def barrier_of_refusal(text: str) -> Barrier:
    """Return the barrier that an error text speaks of; ``unknown`` where it speaks of none, or of an outage."""
    if not text or _OUTAGE.search(text):
        return "unknown"
    if _PERMISSION.search(text):
        return "permission"
    if _REVIEW.search(text):
        return "human-review"
    return "validation" if _RULE.search(text) else "unknown"


def _refusal(view: ToolCall) -> str:
    return view.error or _refusal_in(view.result if view.result is not None else view.result_raw, None)


def _refusal_in(response: Any, error: Any) -> str:
    """Return the error that a tool's answer states: a field ``error``, or an answer that begins with the word."""
    if error:
        return canonical_text(error)
    if isinstance(response, Mapping):
        stated = response.get("error")
        return canonical_text(dict(response)) if stated else ""
    text = response if isinstance(response, str) else ""
    return text if re.match(r"(?i)\W*(?:\w*error\b|refused\b|denied\b|\{\s*\"error\")", text) else ""


def _holds_arguments(request: Any, call: Call) -> bool:
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    if not arguments:
        return False
    for part in _mappings(request):
        same = [name for name, value in arguments.items() if name in part and json_equal(part[name], value)]
        if len(same) == len(arguments) >= min(_SHARED, len(part)):
            return True
    return False


def _mappings(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > 8:
        return
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, (Mapping, list, tuple)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _mappings(each, depth + 1)


def _names(request: Any, name: str) -> bool:
    return any(name == each for part in _mappings(request) for each in part.values() if isinstance(each, str))
