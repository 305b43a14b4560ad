"""Traces that came out alike: what makes them so, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from unrepeat.reports.likeness import Alike, alike_traces, alike_verdicts, ranges, tally
from unrepeat.scorers.verdict import JudgedReplay

from .desk import recording
from .replays import blocked
from .samples import cannot_judge, crashed, fifty, fixed, green, still_failing, with_traces


def changed(**fields):
    """Return a fixed trace with other fields in its candidate's replay."""
    replay = msgspec.structs.replace(blocked(), **fields)
    judged = JudgedReplay(replay=replay, scores=green(), deterministic=True)
    return msgspec.structs.replace(fixed().traces[0], candidate=judged)


def test_the_worst_group_comes_first():
    assert [each.number for each in alike_verdicts(fifty())] == [12, 1]


def test_every_trace_is_in_one_group():
    numbers = [number for group in alike_verdicts(fifty()) for number in (group.number, *group.others)]
    assert sorted(numbers) == list(range(1, 51))


def test_few_traces_are_not_drawn_together():
    assert alike_verdicts(with_traces(fixed(), fixed().traces * 3)) == (Alike(1), Alike(2), Alike(3))


@pytest.mark.parametrize(
    "other",
    [
        cannot_judge().traces[0],
        still_failing().traces[0],
        crashed().traces[0],
        changed(outcome="stopped"),
        changed(limit=2),
        changed(refused=()),
        changed(divergences=()),
        changed(events=blocked().events[:-1]),
        msgspec.structs.replace(fixed().traces[0], scope="whole_run"),
        msgspec.structs.replace(fixed().traces[0], candidate=None),
        msgspec.structs.replace(fixed().traces[0], recorded_scores=()),
    ],
)
def test_what_came_out_otherwise_is_in_a_group_of_its_own(other):
    groups = alike_verdicts(with_traces(fixed(), [*fixed().traces * 4, other]))
    assert sorted((each.number, each.others) for each in groups) == [(1, (2, 3, 4)), (5, ())]


def test_other_values_alone_make_no_other_group():
    trace = fixed().traces[0]
    other = msgspec.structs.replace(
        trace, reason="other", recording=msgspec.structs.replace(trace.recording, input="x")
    )
    groups = alike_verdicts(with_traces(fixed(), [*fixed().traces * 4, other]))
    assert groups == (Alike(1, (2, 3, 4, 5)),)


def test_recordings_are_alike_by_their_calls():
    cut = msgspec.structs.replace(recording(), spans=recording().spans[:-2])
    assert alike_traces([recording(), cut, recording(), cut]) == (Alike(1, (3,)), Alike(2, (4,)))


def test_tally_has_the_worst_first():
    assert tally(fifty().traces) == "2 still failing, 48 fixed · recorded action"


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([4], "4"), ([1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"), ([2, 4], "2, 4")]
)
def test_runs_of_numbers_are_drawn_together(numbers, text):
    assert ranges(numbers) == text
