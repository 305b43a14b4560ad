"""Bounds of a failure rate, against published values and by their meaning."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.harness.statistics import failure_rate_at_most

COUNTS = st.integers(1, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


def test_zero_failures_in_59_trials_bound_the_rate_at_just_below_5_percent():
    assert failure_rate_at_most(0, 59) == pytest.approx(0.0495076, abs=5e-8)


def test_zero_failures_in_10_trials_bound_the_rate_at_26_percent():
    assert f"{failure_rate_at_most(0, 10):.0%}" == "26%"


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize(
    ("rate", "trials"),
    [(0.20, {0.95: (14, 22), 0.99: (21, None)}), (0.10, {0.95: (29, 46), 0.99: (44, None)}),
     (0.05, {0.95: (59, 93), 0.99: (90, None)}), (0.02, {0.95: (149, 236), 0.99: (228, None)}),
     (0.01, {0.95: (299, 473), 0.99: (459, None)})],
)  # fmt: skip
def test_rate_is_ruled_out_by_exactly_so_many_trials(confidence, rate, trials):
    for failures, needed in enumerate(trials[confidence]):
        if needed is not None:
            assert failure_rate_at_most(failures, needed, confidence) <= rate
            assert failure_rate_at_most(failures, needed - 1, confidence) > rate


@given(COUNTS, st.floats(0.5, 0.999))
def test_bound_solves_its_equation(counts, confidence):
    failures, trials = counts
    rate = failure_rate_at_most(failures, trials, confidence)
    as_few = sum(comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(failures + 1))
    assert rate == 1.0 if failures == trials else as_few == pytest.approx(1 - confidence, rel=1e-6)


@given(COUNTS)
def test_bound_is_above_what_was_seen(counts):
    failures, trials = counts
    assert failures / trials <= failure_rate_at_most(failures, trials) <= 1


@given(COUNTS)
def test_one_more_success_lowers_the_bound(counts):
    failures, trials = counts
    if failures < trials:
        assert failure_rate_at_most(failures, trials + 1) < failure_rate_at_most(failures, trials)


@given(COUNTS)
def test_one_more_failure_raises_the_bound(counts):
    failures, trials = counts
    if failures < trials:
        assert failure_rate_at_most(failures + 1, trials) > failure_rate_at_most(failures, trials)


@given(COUNTS, st.floats(0.5, 0.98))
def test_more_confidence_raises_the_bound(counts, confidence):
    failures, trials = counts
    assert failure_rate_at_most(failures, trials, confidence + 0.01) >= failure_rate_at_most(
        failures, trials, confidence
    )


def test_no_trials_bound_nothing():
    assert failure_rate_at_most(0, 0) == 1.0


@pytest.mark.parametrize("wrong", [(-1, 5), (6, 5), (0, 5, 0.0), (0, 5, 1.0), (0, 5, float("nan"))], ids=str)
def test_numbers_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 <= failures <= trials"):
        failure_rate_at_most(*wrong)


def test_bound_of_the_largest_run_is_quick_and_finite():
    assert 0.0 < failure_rate_at_most(500, 10_000) < 0.06
