"""What live trials will take, from a recording and from trials."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import ModelCall, Source, Span, Trace
from unrepeat.harness.estimates import Round, estimate_words, measured_round, recorded_round
from unrepeat.replayers.usage import Estimate, Prices, Usage

PRICES = Prices(2.0, 10.0)


def recording(*usages, timed=True):
    """Return a trace with a model call of each usage, of two seconds each."""
    spans = tuple(
        Span(
            span_id=f"s{number}",
            view=ModelCall(usage=usage),
            start_ns=0 if timed else None,
            end_ns=2_000_000_000 if timed else None,
        )
        for number, usage in enumerate(usages)
    )
    return Trace(trace_id="t", source=Source(format="test"), spans=spans)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 100, "output_tokens": 20},
        {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        {"input": 100, "output": 20},
    ],
    ids=str,
)
def test_tokens_are_those_the_recording_states_under_its_own_names(usage):
    estimate = recorded_round([recording(usage, usage)]).times(10, PRICES)
    assert (estimate.calls, estimate.input_tokens, estimate.output_tokens, estimate.seconds) == (20, 2000, 400, 40.0)
    assert estimate.cost_usd == pytest.approx(0.008)
    assert estimate.basis == "the recording"


def test_every_trace_of_a_case_counts():
    usage = {"input_tokens": 1, "output_tokens": 1}
    assert recorded_round([recording(usage), recording(usage)]).times(3, None).calls == 6


def test_tokens_that_are_not_stated_are_guessed_and_said_to_be():
    assert recorded_round([recording({})]).basis == "the recording's text"


def test_time_is_not_told_where_a_call_has_none():
    assert recorded_round([recording({}, timed=False)]).times(10, None).seconds is None


def test_case_without_a_recording_has_no_estimate_yet():
    estimate = recorded_round([]).times(10, PRICES)
    assert (estimate.calls, estimate.cost_usd) == (None, None)
    assert "known after the first one" in estimate_words(estimate, "a/b", PRICES)


def test_trials_that_ran_tell_what_more_of_them_take():
    usage = Usage(calls=30, input_tokens=3000, output_tokens=300)
    estimate = measured_round(usage, 20.0, trials=10, traces=1).times(72, PRICES)
    assert (estimate.calls, estimate.input_tokens, estimate.seconds) == (216, 21600, 144.0)


def test_tokens_a_provider_did_not_tell_are_not_taken_for_none():
    estimate = measured_round(Usage(calls=30, untold=1, input_tokens=9), 20.0, trials=10, traces=1).times(72, PRICES)
    assert (estimate.calls, estimate.input_tokens, estimate.cost_usd) == (216, None, None)


def test_no_trial_tells_nothing():
    assert measured_round(Usage(), 0.0, trials=0, traces=1) == Round()


def test_cost_without_prices_says_where_to_state_them():
    words = estimate_words(Estimate(trials=10, calls=20), "openai/gpt-4o", None)
    assert 'cost unknown: state prices in unrepeat.toml, [models."openai/gpt-4o"] input_per_million' in words
