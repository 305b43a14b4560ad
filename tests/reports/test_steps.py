"""Which recorded call stands beside which replayed one."""

from __future__ import annotations

import msgspec

from unrepeat.reports.steps import pair_steps

from .desk import recording
from .replays import blocked, event, prompt_changed, repeated


def numbers(steps):
    return [(s.recorded and s.recorded.number, s.replayed and s.replayed.number) for s in steps]


def test_a_call_that_was_not_made_has_no_right_side():
    steps = pair_steps(recording(), blocked())
    assert numbers(steps)[4:6] == [(5, None), (6, 5)]
    assert steps[4].mark == "not_called"


def test_a_call_that_is_not_recorded_has_no_left_side():
    new = event(9, "tool", "get_owner", "", match="none", span_id="")
    replay = msgspec.structs.replace(blocked(), events=(*blocked().events[:4], new, *blocked().events[4:]))
    steps = pair_steps(recording(), replay)
    assert (None, 9) in numbers(steps)
    assert next(s for s in steps if s.recorded is None).mark == "new"


def test_parallel_calls_that_swapped_keep_their_partners():
    first, second, *rest = repeated().events
    swapped = msgspec.structs.replace(repeated(), events=(second, first, *rest))
    assert numbers(pair_steps(recording(), swapped))[:3] == [(2, 2), (1, 1), (3, 3)]


def test_every_recorded_call_appears_once():
    for replay in (blocked(), repeated(), prompt_changed()):
        left = [step.recorded.number for step in pair_steps(recording(), replay) if step.recorded]
        assert sorted(left) == list(range(1, 9))


def test_the_same_recorded_call_is_not_given_out_twice():
    replay = msgspec.structs.replace(repeated(), events=(repeated().events[0],) * 2)
    steps = pair_steps(recording(), replay)
    assert [bool(step.recorded) for step in steps[:2]] == [True, False]


def test_the_first_divergence_is_the_first_from_the_top_but_noise():
    assert [step.first for step in pair_steps(recording(), blocked())].index(True) == 4


def test_the_headline_is_where_validity_was_lost():
    assert [step.headline for step in pair_steps(recording(), blocked())].index(True) == 5


def test_steps_after_the_first_invalid_answer_are_beyond_the_recording():
    assert [step.beyond for step in pair_steps(recording(), blocked())] == [False] * 6 + [True] * 2


def test_steps_that_a_stopped_run_never_came_to_are_not_reached():
    steps = pair_steps(recording(), prompt_changed())
    assert {step.mark for step in steps[2:]} == {"not_reached"}


def test_an_identical_replay_has_no_divergence():
    steps = pair_steps(recording(), repeated())
    assert {step.mark for step in steps} == {"exact"}
    assert not any(step.first for step in steps)
