"""Live model calls are counted, priced and held to caps."""

from __future__ import annotations

import pytest

from unrepeat.replayers.usage import Meter, Prices, SpendCapError

PRICES = Prices(input_per_million=10.0, output_per_million=100.0)
"""A call of 1,000 tokens in and 100 out costs 0.02 USD."""


def make_calls(meter, count, tokens=(1000, 100)):
    """Make calls until a cap refuses one; return how many were made."""
    for made in range(count):
        try:
            meter.begin()
        except SpendCapError:
            return made
        meter.answered(*tokens, 0.5)
    return count


def test_calls_are_counted_and_priced():
    meter = Meter(PRICES)
    make_calls(meter, 3)
    usage = meter.usage
    assert (usage.calls, usage.input_tokens, usage.output_tokens, usage.seconds) == (3, 3000, 300, 1.5)
    assert usage.cost_usd == pytest.approx(0.06)


def test_no_prices_no_cost():
    meter = Meter()
    make_calls(meter, 3)
    assert meter.usage.cost_usd is None


def test_cap_on_calls_refuses_the_next_one():
    meter = Meter(max_calls=2)
    assert make_calls(meter, 5) == 2
    assert meter.usage.calls == 2


@pytest.mark.parametrize(("most", "made"), [(0.02, 1), (0.05, 2), (0.06, 3), (1.0, 5)])
def test_cap_on_cost_refuses_what_may_break_it(most, made):
    assert make_calls(Meter(PRICES, max_cost_usd=most), 5) == made


def test_cap_on_cost_ends_where_tokens_are_not_told():
    meter = Meter(PRICES, max_cost_usd=1.0)
    assert make_calls(meter, 5, (None, None)) == 1
    assert meter.usage.cost_usd is None
