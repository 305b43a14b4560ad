"""The recorded and the replayed run side by side: which call belongs to which.

A replayed call stands beside the recorded call it was compared with (``recorded_span_id``). Recorded calls that
the replayed system did not make have no right side, calls that the recording does not have no left side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..cases.trace import Span, Trace
from ..replayers.replay import BoundaryEvent, Divergence, FieldDifference, Replay
from .calls import Call, boundary_calls, call_of_event

Mark = Literal["exact", "noise", "order", "changed", "new", "live", "static", "not_called", "not_reached"]

_BY_GRADE: dict[str, Mark] = {
    "noise": "noise",
    "order": "order",
    "changed_request_same_answer_valid": "changed",
    "changed_outcome": "changed",
    "changed_request": "changed",
    "unrecorded_call": "new",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two columns of a step."""

    number: int
    """Position among the boundary calls of its run, from 1."""
    call: Call


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the comparison."""

    recorded: Side | None
    replayed: Side | None
    mark: Mark
    divergence: Divergence | None = None
    headline: bool = False
    """The divergence the verdict turns on: the first with validity lost, else the first of any grade but noise."""
    first: bool = False
    """The first row, from the top, in which the runs differ by more than noise."""
    beyond: bool = False
    """After the first answer that was not valid: proves nothing."""
    outcome: str = ""
    """For live and given answers: ``same``, ``same_normalised`` or ``changed`` against the recorded one."""
    ends_validity: bool = False
    """The answer to this call was the first that was not valid."""

    @property
    def differences(self) -> tuple[FieldDifference, ...]:
        """Return the fields that differ; noise included."""
        return self.divergence.differences if self.divergence else ()


class _Pairing:
    """Recorded calls by span id, each given out once."""

    def __init__(self, recording: Trace) -> None:
        self.sides = [Side(number, call) for number, call in enumerate(boundary_calls(recording), 1)]
        self._place = {side.call.span_id: place for place, side in enumerate(self.sides)}
        self.taken: set[int] = set()
        self.flushed = 0

    def claim(self, span_id: str) -> int | None:
        place = self._place.get(span_id)
        if place is None or place in self.taken:
            return None
        self.taken.add(place)
        return place


def pair_steps(recording: Trace, replay: Replay) -> tuple[Step, ...]:
    """Return the rows of the comparison, in the order of the replay, missing calls at their place."""
    pairing = _Pairing(recording)
    claims = [pairing.claim(event.recorded_span_id) for event in replay.events]
    by_seq = {each.seq: each for each in reversed(replay.divergences) if each.grade != "missing_call"}
    missing = {each.recorded_span_id: each for each in replay.divergences if each.grade == "missing_call"}
    headline = replay.headline()
    spans = {span.span_id: span for span in replay.trace.spans}
    rows: list[Step] = []
    passed_limit = False
    for event, place in zip(replay.events, claims, strict=True):
        if place is not None:
            rows += _absent(pairing, place, missing, headline, passed_limit)
        left = pairing.sides[place] if place is not None else None
        rows.append(_event_row(replay, event, left, spans.get(event.span_id), by_seq.get(event.seq), headline))
        passed_limit = passed_limit or rows[-1].ends_validity
    rows += _absent(pairing, len(pairing.sides), missing, headline, passed_limit or replay.outcome != "completed")
    return _with_first(rows)


def _with_first(rows: list[Step]) -> tuple[Step, ...]:
    first = next(
        (place for place, row in enumerate(rows) if row.mark not in ("exact", "noise", "live", "static")), None
    )
    return tuple(replace(row, first=True) if place == first else row for place, row in enumerate(rows))


def _absent(
    pairing: _Pairing, until: int, missing: dict[str, Divergence], headline: Divergence | None, beyond: bool
) -> Iterator[Step]:
    """Yield rows for recorded calls before ``until`` that no replayed call was compared with."""
    for place in range(pairing.flushed, until):
        if place in pairing.taken:
            continue
        side = pairing.sides[place]
        divergence = missing.get(side.call.span_id)
        yield Step(
            recorded=side,
            replayed=None,
            mark="not_called" if divergence or not beyond else "not_reached",
            divergence=divergence,
            headline=divergence is not None and divergence is headline,
            beyond=beyond,
        )
    pairing.flushed = max(pairing.flushed, until)


def _event_row(
    replay: Replay,
    event: BoundaryEvent,
    left: Side | None,
    span: Span | None,
    divergence: Divergence | None,
    headline: Divergence | None,
) -> Step:
    return Step(
        recorded=left,
        replayed=Side(event.seq, call_of_event(replay.trace, span, event)),
        mark=_mark(event, left, divergence),
        divergence=divergence,
        outcome=event.outcome,
        headline=divergence is not None and divergence is headline,
        beyond=replay.limit is not None and event.seq > replay.limit,
        ends_validity=replay.limit is not None and event.seq == replay.limit,
    )


def _mark(event: BoundaryEvent, left: Side | None, divergence: Divergence | None) -> Mark:
    if divergence is not None:
        return _BY_GRADE.get(divergence.grade, "changed")
    if event.mode != "recorded":
        return "live" if event.mode == "live" else "static"
    if event.match in ("exact", "noise"):
        return "exact" if event.match == "exact" else "noise"
    return "changed" if left is not None else "new"


def counts(steps: tuple[Step, ...]) -> dict[Mark, int]:
    """Return how many rows carry each mark, in order of first appearance."""
    found: dict[Mark, int] = {}
    for step in steps:
        found[step.mark] = found.get(step.mark, 0) + 1
    return found
