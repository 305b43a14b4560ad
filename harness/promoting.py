"""Promoting a near miss: from then on the gate fails on it while it is open.

A near miss may block only when it can be shown: it asserts something, and at least one of its assertions is red on
its recording, which the barrier stopped. A case that proves nothing would block for no reason, or never.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..cases.case import Case
from ..cases.custody import Act
from ..cases.errors import CaseError
from ..cases.identity import whoami
from ..cases.library import LoadedCase, let_block
from ..reports.text import visible
from ..scorers.registry import compile_all, require_known_traces, score_trace
from ..scorers.score import Score, ScorerFailure
from .replaying import find_case
from .version import VERSION


@dataclass(frozen=True, slots=True)
class Promoted:
    """A near miss that blocks."""

    case: Case
    changed: bool
    """Whether it did not block before."""
    why: str
    """On what the gate fails."""
    red: tuple[int, ...]
    """Places in ``assert`` (from 0) that are red on the recording."""


def promote(case: str, *, reason: str = "", now: dt.datetime | None = None) -> Promoted:
    """Let the gate fail on a near miss while it is open.

    Args:
        case: Id or path.
        reason: Why; goes into the custody log.
        now: The time of the custody entry, in UTC; the current time by default.

    Raises:
        CaseError: It is no near miss, is retired, asserts nothing, or nothing of it is red on its recording.
    """
    loaded = find_case(case)
    _require_usable(loaded)
    red = _red(loaded)
    status = loaded.case.status
    if loaded.case.blocks_while_open or status != "open":
        return Promoted(loaded.case, False, _why(loaded.case), red)
    act = Act(who=whoami(), at=now or dt.datetime.now(dt.UTC), tool=f"unrepeat {VERSION}", reason=visible(reason))
    after = let_block(loaded.folder, act, details={"red": list(red)})
    return Promoted(after, True, _why(after), red)


def _why(case: Case) -> str:
    if case.status != "open":
        return f"it is {case.status}, and the gate fails when it comes back"
    return "the gate fails whenever it is red, open or not"


def _require_usable(loaded: LoadedCase) -> None:
    case, where = loaded.case, loaded.case.id
    if case.kind != "near_miss":
        raise CaseError(
            f"expected a near miss, got a case of kind {case.kind}",
            where=where,
            hint="Set `blocks_while_open: true` in its case.yaml",
        )
    if case.status == "retired":
        raise CaseError(
            "expected a near miss that counts, got a retired one",
            where=where,
            hint=f"Run `unrepeat status {where} open`",
        )
    if not loaded.document.traces:
        raise CaseError(
            "expected a recording that its assertions are red on, got a case without a trace",
            where=where,
            hint="Add it again from its trace with `unrepeat near-miss add`",
        )
    if case.is_draft:
        raise CaseError(
            "expected accepted assertions, got a draft",
            where=where,
            hint=f"Run `unrepeat show {where}`, then --accept N",
        )


def _red(loaded: LoadedCase) -> tuple[int, ...]:
    """Return the assertions that are red on the recording.

    Raises:
        CaseError: None is, or one cannot be told.
    """
    scorers = compile_all(loaded.case.assertions)
    traces = loaded.document.traces
    require_known_traces(scorers, [trace.trace_id for trace in traces])
    scores = [score for trace in traces for score in score_trace(scorers, trace)]
    for score in scores:
        if isinstance(score, ScorerFailure):
            raise CaseError(
                f"expected assertions that can be judged, got {score.error}",
                where=f"{loaded.case.id}: assert[{score.assertion}]",
            )
    red = sorted({score.assertion for score in scores if isinstance(score, Score) and score.passed is False})
    if not red:
        raise CaseError(
            "expected an assertion that is red on the recording, got none",
            where=loaded.case.id,
            hint="Assert what was stopped before its barrier: `stage: proposed`, or the rejected draft",
        )
    return tuple(red)
