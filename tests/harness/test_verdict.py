"""The verdict over a trace: nothing but complete, decided, passed scores on a red recording is `fixed`."""

from __future__ import annotations

import dataclasses
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.trace import Source, Trace
from unrepeat.harness.verdict import _SEVERITY, decide, worst
from unrepeat.replayers.replay import BoundaryEvent, Replay, Version
from unrepeat.scorers.score import Score, ScorerFailure
from unrepeat.scorers.verdict import JudgedReplay, TraceVerdict

TRACE = Trace(trace_id="t", source=Source(format="test"))
scores = st.builds(
    Score,
    type=st.just("x"),
    passed=st.sampled_from([True, False, None]),
    reason=st.just("why"),
    scope=st.sampled_from(["recorded_action", "whole_run", None]),
)
anything = scores | st.builds(ScorerFailure, type=st.just("x"), error=st.just("broke"))
outcomes = st.sampled_from(["completed", "stopped", "crashed", "timed_out"])


def numbered(found):
    return tuple(msgspec.structs.replace(score, assertion=number) for number, score in enumerate(found))


score_lists = st.lists(anything, max_size=4).map(numbered)


def judged(found, outcome="completed", deterministic=True, events=()):
    replay = Replay(
        case_id="c", version=Version(label="v"), replayer="python", outcome=outcome, trace=TRACE, events=events
    )
    return JudgedReplay(replay=replay, scores=tuple(found), deterministic=deterministic)


judgements = st.none() | st.builds(judged, score_lists, outcomes, st.sampled_from([True, False, None]))
RED = numbered([Score(type="x", passed=False, reason="bad")])
GREEN = numbered([Score(type="x", passed=True, reason="good", scope="whole_run")])


def is_proof(recorded, baseline, candidate, assertions):
    """State the rule once more, in one expression."""
    sides = [recorded, *([baseline.scores] if baseline else []), *([candidate.scores] if candidate else [])]
    whole = all(
        sorted(s.assertion for s in side) == list(range(assertions)) and all(isinstance(s, Score) for s in side)
        for side in sides
    )
    red = any(s.passed is False for side in sides[: -1 if candidate else None] for s in side if isinstance(s, Score))
    return bool(
        assertions and candidate and whole and red and candidate.deterministic is not False
        and all(j.replay.outcome in ("completed", "stopped") for j in (baseline, candidate) if j)
        and all(s.passed is True and s.scope for s in candidate.scores if isinstance(s, Score))
    )  # fmt: skip


@given(score_lists, judgements, judgements, st.integers(0, 4))
def test_fixed_means_everything_is_there_and_passed(recorded, baseline, candidate, assertions):
    found = decide(recorded, baseline, candidate, assertions)
    assert (found.verdict == "fixed") == is_proof(recorded, baseline, candidate, assertions)


@given(score_lists, judgements, judgements, st.integers(0, 4), st.randoms(use_true_random=False))
def test_order_of_scores_does_not_matter(recorded, baseline, candidate, assertions, shuffle: random.Random):
    shuffled = shuffle.sample(recorded, len(recorded))
    again = candidate and msgspec.structs.replace(
        candidate, scores=tuple(shuffle.sample(candidate.scores, len(candidate.scores)))
    )
    before, after = decide(recorded, baseline, candidate, assertions), decide(shuffled, baseline, again, assertions)
    assert (before.verdict, before.scope) == (after.verdict, after.scope)


@given(st.lists(scores, min_size=1, max_size=4), anything.filter(lambda s: getattr(s, "passed", False) is not True))
def test_bad_score_never_makes_the_verdict_better(found, bad):
    red = numbered([Score(type="x", passed=False, reason="bad")] * (len(found) + 1))
    before = decide(red[:-1], None, judged(numbered(found)), len(found))
    after = decide(red, None, judged(numbered([*found, bad])), len(found) + 1)
    assert _SEVERITY.index(after.verdict) >= _SEVERITY.index(before.verdict)


@given(st.lists(st.sampled_from(_SEVERITY), min_size=1), st.sampled_from(_SEVERITY))
def test_further_trace_never_makes_a_case_better(words, more):
    def traces(verdicts):
        return [TraceVerdict(recording=TRACE, recorded_scores=(), verdict=each, reason="") for each in verdicts]

    before, after = worst(traces(words)).verdict, worst(traces([*words, more])).verdict
    assert _SEVERITY.index(after) >= _SEVERITY.index(before)


def test_whole_proof_is_fixed():
    assert dataclasses.astuple(decide(RED, None, judged(GREEN), 1)) == ("fixed", "good", "whole_run")


def test_narrowest_scope_is_the_scope():
    mixed = numbered([GREEN[0], msgspec.structs.replace(GREEN[0], scope="recorded_action")])
    assert decide(numbered([*RED, *RED]), None, judged(mixed), 2).scope == "recorded_action"


def test_green_recording_proves_nothing():
    assert decide(GREEN, None, judged(GREEN), 1).verdict == "cannot_reproduce"


def test_baseline_may_show_what_the_recording_does_not():
    assert decide(GREEN, judged(RED), judged(GREEN), 1).verdict == "fixed"


@pytest.mark.parametrize("outcome", ["crashed", "timed_out"])
def test_crash_of_the_baseline_never_shows_the_failure(outcome):
    assert decide(GREEN, judged(RED, outcome), judged(GREEN), 1).verdict == "error"


@pytest.mark.parametrize("outcome", ["crashed", "timed_out"])
def test_crash_of_the_candidate_is_an_error_even_where_it_fails(outcome):
    assert decide(RED, None, judged(RED, outcome), 1).verdict == "error"


def test_assertion_scored_twice_does_not_stand_for_another():
    assert decide((*RED, *RED), None, judged([*GREEN, *GREEN]), 2).verdict == "error"


def test_case_without_assertions_is_an_error():
    assert decide((), None, judged(()), 0).verdict == "error"


def test_failure_that_shows_in_one_of_two_differing_replays_is_a_failure():
    assert decide(RED, None, judged(RED, deterministic=False), 1).verdict == "still_failing"


def test_candidate_that_differs_from_run_to_run_cannot_be_judged():
    assert decide(RED, None, judged(GREEN, deterministic=False), 1).verdict == "cannot_judge"


def test_single_run_with_a_live_model_cannot_be_judged():
    event = BoundaryEvent(seq=1, kind="model", name="m", mode="live", match="none", valid=True)
    assert decide(RED, None, judged(GREEN, events=(event,)), 1).verdict == "cannot_judge"


def test_case_without_traces_has_no_verdict():
    with pytest.raises(ValueError, match="at least one trace"):
        worst([])
