"""Traces of one case that came out alike: the same calls, the same differences, the same scores, other values.

A silent failure has many traces that differ in names and numbers only. Reports show the first of each group whole and
say which others are like it; the JSON of the run has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..cases.trace import Trace
from ..replayers.replay import Replay
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict, VerdictWord
from .calls import boundary_calls
from .steps import Side, pair_steps
from .words import score_mark, verdict_label

MOST_WHOLE = 3
"""So many traces are shown whole without looking for those that are alike."""
_ORDER: tuple[VerdictWord, ...] = ("error", "still_failing", "cannot_judge", "cannot_reproduce", "fixed")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Alike:
    """A trace that is shown, and those that came out like it."""

    number: int
    """Of the trace that is shown, from 1: its place in the case."""
    others: tuple[int, ...] = ()
    """Numbers of the traces like it, ascending."""


def alike_verdicts(verdict: CaseVerdict) -> tuple[Alike, ...]:
    """Return the traces of a verdict in groups, the worst verdict first, then in the order of the case."""
    groups = _grouped(verdict.traces, _shape_of_verdict)
    return tuple(sorted(groups, key=lambda each: _ORDER.index(verdict.traces[each.number - 1].verdict)))


def alike_traces(traces: Sequence[Trace]) -> tuple[Alike, ...]:
    """Return recorded traces in groups of the same calls, in the order of the case."""
    return _grouped(traces, lambda trace: tuple((call.kind, call.name) for call in boundary_calls(trace)))


def tally(traces: Iterable[TraceVerdict]) -> str:
    """Return how many traces came out how: ``47 fixed · recorded action, 3 fixed · whole run``."""
    found: dict[str, int] = {}
    for each in sorted(traces, key=lambda trace: _ORDER.index(trace.verdict)):
        label = verdict_label(each.verdict, each.scope)
        found[label] = found.get(label, 0) + 1
    return ", ".join(f"{number} {label[0].lower()}{label[1:]}" for label, number in found.items())


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers with runs drawn together: ``1-4, 7, 9-12``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _grouped(items: Sequence[Item], shape: Callable[[Item], Hashable]) -> tuple[Alike, ...]:
    if len(items) <= MOST_WHOLE:
        return tuple(Alike(number) for number in range(1, len(items) + 1))
    groups: dict[Hashable, list[int]] = {}
    for number, item in enumerate(items, 1):
        groups.setdefault(shape(item), []).append(number)
    return tuple(Alike(first, tuple(others)) for first, *others in groups.values())


def _shape_of_verdict(trace: TraceVerdict) -> Hashable:
    return (
        trace.verdict,
        trace.scope,
        tuple((each.assertion, score_mark(each)) for each in trace.recorded_scores),
        _shape_of_judged(trace.recording, trace.baseline),
        _shape_of_judged(trace.recording, trace.candidate),
        trace.rate and (trace.rate.failures, trace.rate.trials),
    )


def _shape_of_judged(recording: Trace, judged: JudgedReplay | None) -> Hashable:
    if judged is None:
        return None
    marks = tuple((each.assertion, score_mark(each)) for each in judged.scores)
    return marks, judged.deterministic, _shape_of_replay(recording, judged.replay)


def _shape_of_replay(recording: Trace, replay: Replay) -> Hashable:
    """Return what two replays have in common that differ in values only."""
    steps = tuple(
        (
            step.mark, step.outcome, step.beyond, _called(step.recorded), _called(step.replayed),
            tuple((each.path, each.change) for each in step.differences),
        )
        for step in pair_steps(recording, replay)
    )  # fmt: skip
    return replay.outcome, replay.limit, len(replay.refused), len(replay.faults), steps


def _called(side: Side | None) -> tuple[str, str, bool] | None:
    return (side.call.kind, side.call.name, bool(side.call.error)) if side else None
