"""Trials: when they end, and what their number is worth."""

from __future__ import annotations

import msgspec
import pytest
from tests.reports.samples import fixed

from unrepeat.harness.trials import CERTIFYING, passed, run_trials, trials_needed, verdict_of_trials
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import ScorerFailure
from unrepeat.scorers.verdict import JudgedReplay


@pytest.fixture
def good():
    """A trial in which everything passed."""
    candidate = fixed().traces[0].candidate
    assert candidate is not None
    return msgspec.structs.replace(candidate, deterministic=None)


def with_score(judged: JudgedReplay, **changes: object) -> JudgedReplay:
    """Return a trial with its first score changed."""
    first, *rest = judged.scores
    return msgspec.structs.replace(judged, scores=(msgspec.structs.replace(first, **changes), *rest))


def test_trials_run_to_their_number_while_they_pass(good):
    numbers: list[int] = []
    done = run_trials(5, lambda number: numbers.append(number) or good)
    assert (len(done), numbers) == (5, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("passes", [False, None])
def test_trial_that_does_not_pass_is_the_last(good, passes):
    done = run_trials(9, lambda number: good if number < 3 else with_score(good, passed=passes))
    assert len(done) == 3


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


@pytest.mark.parametrize(("severity", "needed"), [("low", 72), ("high", 182)])
def test_one_trial_too_few_is_not_a_fix(good, severity, needed):
    verdict = fixed()
    [recorded] = [verdict.traces[0].recording]
    scorers = compile_all(())
    few = verdict_of_trials(scorers, recorded, None, [good] * (needed - 1), severity)
    assert few.verdict != "fixed"
    assert few.rate is not None
    assert few.rate.trials == needed - 1


def test_fails_are_counted_with_their_bound(good):
    verdict = verdict_of_trials(
        compile_all(()), fixed().traces[0].recording, None, [good, good, with_score(good, passed=False)], "low"
    )
    assert verdict.rate is not None
    assert (verdict.rate.failures, verdict.rate.trials) == (1, 3)
    assert 0.86 < verdict.rate.at_most < 0.87
