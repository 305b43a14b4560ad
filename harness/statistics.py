"""Exact bounds of a failure rate. Pure."""

from __future__ import annotations

from math import exp, fsum, lgamma, log, log1p

_STEPS = 100
"""Bisection steps: beyond the resolution of a float."""


def failure_rate_at_most(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of a failure rate (Clopper-Pearson).

    The largest rate p at which seeing so few failures still has probability 1 - confidence: it solves
    ``P(X <= failures | trials, p) = 1 - confidence``.

    Args:
        failures: Failed trials, from 0 to ``trials``.
        trials: Independent trials; the bound is 1 for none.
        confidence: Between 0 and 1.

    Raises:
        ValueError: The numbers do not fit together.
    """
    if not 0 <= failures <= trials or not 0 < confidence < 1:
        raise ValueError(
            f"expected 0 <= failures <= trials and 0 < confidence < 1, got {failures}, {trials}, {confidence}"
        )
    if failures == trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_most(failures, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def failure_rate_at_least(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of a failure rate (Clopper-Pearson).

    The smallest rate p at which seeing so many failures still has probability 1 - confidence: it solves
    ``P(X >= failures | trials, p) = 1 - confidence``. By symmetry it is what the trials that held leave over.

    Args:
        failures: Failed trials, from 0 to ``trials``; the bound is 0 for none.
        trials: Independent trials.
        confidence: Between 0 and 1.

    Raises:
        ValueError: The numbers do not fit together.
    """
    return 1.0 - failure_rate_at_most(trials - failures, trials, confidence)


def _at_most(failures: int, trials: int, rate: float) -> float:
    """Return ``P(X <= failures)`` of a binomial, in logarithms: the counts of ways leave the range of floats."""
    if not 0 < rate < 1:
        return 1.0 if rate <= 0 else 0.0
    fails, holds, ways = log(rate), log1p(-rate), lgamma(trials + 1)
    return fsum(
        exp(ways - lgamma(k + 1) - lgamma(trials - k + 1) + k * fails + (trials - k) * holds)
        for k in range(failures + 1)
    )
