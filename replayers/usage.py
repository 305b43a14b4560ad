"""What live model calls cost: counted as they are made, and held to caps. Pure.

Prices are never known to this project: they change without notice, so people state them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..cases.errors import ReplayError
from ..cases.trace import Record

_MILLION = 1_000_000


class SpendCapError(ReplayError):
    """A cap on calls or cost was reached: the next call is not made, and what it was for is not judged."""


class Usage(Record):
    """What the live model calls of a run took."""

    calls: int = 0
    """Calls made, each counted once however often it was retried."""
    retries: int = 0
    """Further attempts after a provider's error."""
    input_tokens: int = 0
    output_tokens: int = 0
    untold: int = 0
    """Answered calls of which the provider did not say the tokens."""
    seconds: float = 0.0
    """Time spent waiting for the model."""
    cost_usd: float | None = None
    """At the prices stated in unrepeat.toml; None without prices, or where tokens are not known."""


class Estimate(Record):
    """What a number of trials with a live model is expected to take; None where nothing tells."""

    trials: int
    calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    cost_usd: float | None = None
    """At the prices stated in unrepeat.toml; None without prices."""
    basis: str = ""
    """What it rests on: ``the recording``, ``the recording's text`` (tokens guessed from its length), ``these
    trials``; empty when there is nothing to go by."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in USD a million tokens."""

    input_per_million: float
    output_per_million: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Return the cost of so many tokens, in USD."""
        return (input_tokens * self.input_per_million + output_tokens * self.output_per_million) / _MILLION


class Meter:
    """Counts the calls of one run and refuses the one that would break a cap.

    Args:
        prices: None when nobody stated them.
        max_calls: Most calls.
        max_cost_usd: Most cost; needs prices.
    """

    def __init__(
        self, prices: Prices | None = None, *, max_calls: int | None = None, max_cost_usd: float | None = None
    ) -> None:
        self.prices = prices
        self.max_calls = max_calls
        self.max_cost_usd = max_cost_usd
        self._calls = self._retries = self._input = self._output = self._untold = 0
        self._seconds = 0.0
        self._dearest = 0.0

    def begin(self) -> None:
        """Count a call that is about to be made.

        Raises:
            SpendCapError: It would break a cap. What a call costs is known only afterwards, so one that costs as much
                as the dearest so far must still fit.
        """
        if self.max_calls is not None and self._calls >= self.max_calls:
            raise SpendCapError(f"--max-calls {self.max_calls} is used up")
        if self.max_cost_usd is not None:
            self._hold_cost(self.max_cost_usd)
        self._calls += 1

    def _hold_cost(self, most: float) -> None:
        if self.prices is None or self._untold:
            raise SpendCapError(
                f"--max-cost {most:g} cannot be held: the provider does not say how many tokens its answers took"
            )
        spent = self.prices.cost(self._input, self._output)
        if spent + self._dearest > most:
            raise SpendCapError(f"--max-cost {most:g} is used up: {spent:.4f} USD spent, the next call may break it")

    def retried(self) -> None:
        """Count an attempt that failed and is made again."""
        self._retries += 1

    def answered(self, input_tokens: int | None, output_tokens: int | None, seconds: float) -> None:
        """Count what an answer took.

        Args:
            input_tokens: None when the provider did not say.
            output_tokens: Likewise.
            seconds: Time from the request to the answer.
        """
        self._seconds += seconds
        if input_tokens is None or output_tokens is None:
            self._untold += 1
            return
        self._input += input_tokens
        self._output += output_tokens
        if self.prices is not None:
            self._dearest = max(self._dearest, self.prices.cost(input_tokens, output_tokens))

    @property
    def usage(self) -> Usage:
        """What has been counted so far."""
        known = self.prices is not None and not self._untold
        return Usage(
            calls=self._calls,
            retries=self._retries,
            input_tokens=self._input,
            output_tokens=self._output,
            untold=self._untold,
            seconds=round(self._seconds, 3),
            cost_usd=self.prices.cost(self._input, self._output) if self.prices and known else None,
        )
