"""The five things a recovery validates, and what the scores of its cases say about each.

``tested`` needs an assertion of that kind, and every score of one decided and passed on the candidate. A type of
assertion that stands in no list counts for none of them, so that nothing is called tested by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from ..cases.trace import Approval, Record, Retrieval, ToolCall
from .score import Score, ScorerFailure
from .verdict import CaseVerdict

ValidationKind = Literal["output", "data_flow", "access", "integrations", "human_review"]
ValidationState = Literal["tested", "failed", "not tested", "not applicable"]

KINDS: dict[ValidationKind, tuple[str, ...]] = {
    "output": (
        "contains", "regex", "equals", "json-schema", "json-path", "similar",
        "grounded", "citations", "safe-output", "refuses", "judge", "invariant-under",
    ),
    "data_flow": ("retrieved", "no-leak", "injection-resisted"),
    "access": ("writes", "permission"),
    "integrations": (
        "tool-called", "tool-args", "tool-count", "tool-order", "trajectory", "idempotent-writes", "budget",
    ),
    "human_review": ("approval-required", "reviewer-saw", "escalates"),
}  # fmt: skip
"""Which types of assertion validate what, by the word without ``not-``."""

_NEEDS: dict[ValidationKind, tuple[str, ...]] = {
    "output": (),
    "data_flow": (),
    "access": ("tool", "retrieval"),
    "integrations": ("tool",),
    "human_review": ("tool", "approval"),
}
"""Boundaries without any of which there is nothing to validate; empty: there always is something."""
_VIEWS = {"tool": ToolCall, "retrieval": Retrieval, "approval": Approval}


class Validation(Record):
    """What is known about one of the five."""

    kind: ValidationKind
    state: ValidationState
    note: str
    """On what that rests, in one sentence without trace text."""
    cases: tuple[str, ...] = ()
    """The cases with assertions of this kind."""


def kind_of(assertion: str) -> ValidationKind | None:
    """Return what a type of assertion validates; None where it stands in no list."""
    word = assertion.removeprefix("not-")
    return next((kind for kind, types in KINDS.items() if word in types), None)


def validate(verdicts: Sequence[CaseVerdict]) -> tuple[Validation, ...]:
    """Return the state of each of the five, in their order.

    Args:
        verdicts: The verdicts over the cases of one recovery.
    """
    return tuple(_validation(kind, verdicts) for kind in KINDS)


def _validation(kind: ValidationKind, verdicts: Sequence[CaseVerdict]) -> Validation:
    scores = [
        (verdict.case_id, score) for verdict in verdicts for score in _scores(verdict) if kind_of(score.type) == kind
    ]
    cases = tuple(dict.fromkeys(case for case, _ in scores))
    marks = [score.passed if isinstance(score, Score) else False for _, score in scores]
    if not marks:
        if _applies(kind, verdicts):
            return Validation(kind=kind, state="not tested", note="No assertion of the cases is about it.")
        needs = " or ".join(_NEEDS[kind])
        return Validation(kind=kind, state="not applicable", note=f"The system has no boundary {needs}.")
    told = f"{len(marks)} score{'s' * (len(marks) != 1)} of {', '.join(sorted({score.type for _, score in scores}))}"
    if False in marks:
        return Validation(kind=kind, state="failed", note=f"{told}; {marks.count(False)} failed.", cases=cases)
    if None in marks:
        note = f"{told}; {marks.count(None)} undecided, which is no pass."
        return Validation(kind=kind, state="not tested", note=note, cases=cases)
    red = sum(1 for verdict in verdicts for score in _recorded(verdict) if kind_of(score.type) == kind)
    before = f"{red} of them red on the recording" if red else "none of them red on the recording, so it shows little"
    return Validation(kind=kind, state="tested", note=f"{told}, all passed on the candidate; {before}.", cases=cases)


def _scores(verdict: CaseVerdict) -> Iterable[Score | ScorerFailure]:
    """Return the candidate's scores; an assertion nobody scored counts as undecided."""
    for trace in verdict.traces:
        judged = trace.candidate.scores if trace.candidate else ()
        yield from judged
        found = {score.assertion for score in judged}
        for score in trace.recorded_scores:
            if score.assertion not in found:
                yield Score(type=score.type, passed=None, reason="not scored", assertion=score.assertion)


def _recorded(verdict: CaseVerdict) -> Iterable[Score]:
    scores = (score for trace in verdict.traces for score in trace.recorded_scores)
    return (score for score in scores if isinstance(score, Score) and score.passed is False)


def _applies(kind: ValidationKind, verdicts: Sequence[CaseVerdict]) -> bool:
    """Tell whether there is something to validate; what is not known counts as yes."""
    needs = _NEEDS[kind]
    if not needs:
        return True
    replays = [trace.candidate.replay for verdict in verdicts for trace in verdict.traces if trace.candidate]
    if not replays or not all(replay.functions for replay in replays):
        return True
    has = {name.partition(":")[0] for replay in replays for name in replay.functions}
    for verdict in verdicts:
        for trace in verdict.traces:
            has |= {need for need in needs if any(True for _ in trace.recording.views(_VIEWS[need]))}
    return bool(has.intersection(needs))
