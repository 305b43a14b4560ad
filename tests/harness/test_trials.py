"""Trials: when they end, and what their number is worth."""

from __future__ import annotations

import msgspec
import pytest
from tests.replayers.recordings import refund_trace

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.harness.trials import (
    CERTIFYING,
    Trials,
    passed,
    rate_of,
    rate_words,
    run_trials,
    trials_needed,
    verdict_of_trials,
)
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.usage import SpendCapError
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Score, ScorerFailure
from unrepeat.scorers.verdict import JudgedReplay

ASSERTION = ASSERTION_ADAPTER.validate_python({"type": "not-tool-called", "tool": "refund"})
SCORERS = compile_all([ASSERTION])
TRACE = refund_trace()


@pytest.fixture
def good():
    """A trial in which everything passed."""
    replay = Replay(
        case_id="i1", version=Version(label="fix"), replayer="python", outcome="completed",
        trace=msgspec.structs.replace(TRACE, spans=()), trace_id=TRACE.trace_id,
    )  # fmt: skip
    score = Score(type="not-tool-called", passed=True, reason="held", scope="whole_run")
    return JudgedReplay(replay=replay, scores=(score,))


def with_score(judged: JudgedReplay, **changes: object) -> JudgedReplay:
    """Return a trial with its first score changed."""
    first, *rest = judged.scores
    return msgspec.structs.replace(judged, scores=(msgspec.structs.replace(first, **changes), *rest))


def test_trials_run_to_their_number_while_they_pass(good):
    numbers: list[int] = []

    def trial(number: int) -> JudgedReplay:
        numbers.append(number)
        return good

    assert len(run_trials(5, trial).done) == 5
    assert numbers == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("passes", [False, None])
def test_trial_that_does_not_pass_is_the_last(good, passes):
    done = run_trials(9, lambda number: good if number < 3 else with_score(good, passed=passes))
    assert len(done.done) == 3


def test_trial_without_scores_is_no_pass(good):
    assert not passed(msgspec.structs.replace(good, scores=()))


def test_trial_whose_scorer_crashed_is_no_pass(good):
    failure = ScorerFailure(assertion=0, type="contains", error="boom")
    assert not passed(msgspec.structs.replace(good, scores=(*good.scores, failure)))


@pytest.mark.parametrize("outcome", ["crashed", "timed_out"])
def test_trial_that_crashed_is_no_pass(good, outcome):
    replay = msgspec.structs.replace(good.replay, outcome=outcome)
    assert not passed(msgspec.structs.replace(good, replay=replay))


def test_numbers_are_those_of_the_sequential_test():
    assert CERTIFYING == {"low": 72, "medium": 72, "high": 182, "critical": 365}


def test_case_without_severity_is_held_to_medium():
    assert trials_needed("") == trials_needed("medium")


@pytest.mark.parametrize(("severity", "needed"), [("low", 72), ("", 72), ("high", 182), ("critical", 365)])
def test_one_trial_too_few_is_not_a_fix(good, severity, needed):
    few, enough = (
        verdict_of_trials(SCORERS, TRACE, None, Trials((good,) * count), severity) for count in (needed - 1, needed)
    )
    assert (few.verdict, few.scope) == ("cannot_judge", None)
    assert (enough.verdict, enough.scope) == ("fixed", "whole_run")


def test_failed_trial_is_counted_with_its_bound(good):
    trials = [good, good, with_score(good, passed=False)]
    verdict = verdict_of_trials(SCORERS, TRACE, None, Trials(tuple(trials)), "low")
    assert verdict.verdict == "still_failing"
    assert verdict.rate is not None
    assert (verdict.rate.failures, verdict.rate.trials) == (1, 3)
    assert 0.86 < verdict.rate.at_most < 0.87


def test_undecided_trial_is_not_called_a_success(good):
    verdict = verdict_of_trials(SCORERS, TRACE, None, Trials((good,) * 90 + (with_score(good, passed=None),)), "low")
    assert (verdict.verdict, verdict.reason.partition(";")[0]) == ("cannot_judge", "trial 91 could not be decided")


def test_crash_of_the_candidate_is_no_fix(good):
    crashed = msgspec.structs.replace(good, replay=msgspec.structs.replace(good.replay, outcome="crashed"))
    assert verdict_of_trials(SCORERS, TRACE, None, Trials((*(good,) * 90, crashed)), "low").verdict == "error"


def test_cap_ends_the_trials_and_leaves_the_one_it_broke_off_out(good):
    def trial(number: int) -> JudgedReplay:
        if number > 2:
            raise SpendCapError("enough")
        return good

    assert run_trials(9, trial) == Trials((good, good), "enough")


@pytest.mark.parametrize("count", [0, 1, 72, 1000])
def test_capped_trials_are_never_a_fix(good, count):
    verdict = verdict_of_trials(SCORERS, TRACE, None, Trials((good,) * count, "enough"), "low")
    assert (verdict.verdict, verdict.scope) == ("cannot_judge", None)
    assert verdict.reason.endswith("; enough")


def test_capped_trials_that_failed_stay_failed(good):
    trials = Trials((good, with_score(good, passed=False)), "enough")
    assert verdict_of_trials(SCORERS, TRACE, None, trials, "low").verdict == "still_failing"


def test_trials_that_repeat_others_do_not_count(good):
    again = msgspec.structs.replace(good, repeats="same seed")
    verdict = verdict_of_trials(SCORERS, TRACE, None, Trials((*(good,) * 71, *(again,) * 500)), "low")
    assert verdict.verdict == "cannot_judge"
    assert verdict.rate is not None
    assert verdict.rate.trials == 71
    assert "of 571 trials 500 not counted: same seed" in verdict.reason


def test_two_repeats_in_a_row_end_the_trials(good):
    again = msgspec.structs.replace(good, repeats="same seed")
    assert len(run_trials(50, lambda number: good if number == 1 else again).done) == 3


def test_rate_with_failures_is_told_with_both_bounds(good):
    rate = rate_of([good] * 12 + [with_score(good, passed=False)] * 3)
    assert rate.at_least == pytest.approx(0.0568469, abs=1e-7)
    assert rate_words(rate).startswith("3/15 trials failed: failure rate at least 6% and at most 44%")
