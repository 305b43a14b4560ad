"""What live trials will take: calls, tokens, cost and time, from the recording or from trials that have run. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..cases.trace import Message, ModelCall, Trace
from ..replayers.usage import Estimate, Prices, Usage
from ..reports.words import count, duration, money

_INPUT = re.compile("input|prompt", re.IGNORECASE)
_OUTPUT = re.compile("output|completion", re.IGNORECASE)
_LETTERS_A_TOKEN = 4
"""Rough, for English; good enough to tell cents from hundreds of dollars."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one trial of every trace takes; None where nothing tells."""

    calls: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    seconds: float | None = None
    basis: str = ""

    def times(self, trials: int, prices: Prices | None) -> Estimate:
        """Return what so many trials take."""
        cost = None
        if prices is not None and self.input_tokens is not None and self.output_tokens is not None:
            cost = prices.cost(self.input_tokens, self.output_tokens) * trials
        return Estimate(
            trials=trials,
            calls=_whole(self.calls, trials),
            input_tokens=_whole(self.input_tokens, trials),
            output_tokens=_whole(self.output_tokens, trials),
            seconds=None if self.seconds is None else round(self.seconds * trials, 1),
            cost_usd=cost,
            basis=self.basis,
        )


def recorded_round(traces: Sequence[Trace]) -> Round:
    """Return what one trial takes if the model behaves as it did when the traces were recorded."""
    calls = [(trace, span, call) for trace in traces for span, call in trace.views(ModelCall)]
    if not calls:
        return Round()
    told = [_told(call.usage) for _, _, call in calls]
    known = all(each is not None for each in told)
    tokens = [each or _guessed(trace, call) for each, (trace, _, call) in zip(told, calls, strict=True)]
    timed = [
        span.end_ns - span.start_ns for _, span, _ in calls if span.start_ns is not None and span.end_ns is not None
    ]
    return Round(
        calls=len(calls),
        input_tokens=sum(each[0] for each in tokens),
        output_tokens=sum(each[1] for each in tokens),
        seconds=sum(timed) / 1e9 if len(timed) == len(calls) else None,
        basis="the recording" if known else "the recording's text",
    )


def measured_round(usage: Usage, seconds: float, trials: int, traces: int) -> Round:
    """Return what one trial of every trace takes, going by those that ran.

    Args:
        usage: What they took.
        seconds: How long they ran.
        trials: How many ran, over all traces.
        traces: How many traces there are.
    """
    share = traces / trials if trials else 0.0
    if not share or not usage.calls:
        return Round()
    told = None if usage.untold else share
    return Round(
        calls=usage.calls * share,
        input_tokens=told and usage.input_tokens * told,
        output_tokens=told and usage.output_tokens * told,
        seconds=seconds * share,
        basis="these trials",
    )


def estimate_words(estimate: Estimate, model: str, prices: Prices | None) -> str:
    """Return an estimate in one sentence."""
    what = f"{count(estimate.trials, 'trial')} with {model}"
    if estimate.calls is None:
        return f"{what}: how much they take is known after the first one; {_cost(estimate, model, prices)}"
    tokens = ""
    if estimate.input_tokens is not None:
        tokens = f", {estimate.input_tokens:,} tokens in and {estimate.output_tokens or 0:,} out"
    timed = "time known after the first trial" if estimate.seconds is None else f"about {duration(estimate.seconds)}"
    basis = f" (going by {estimate.basis})" if estimate.basis else ""
    return (
        f"{what}: about {count(estimate.calls, 'model call')}{tokens}, {timed}, {_cost(estimate, model, prices)}{basis}"
    )


def _cost(estimate: Estimate, model: str, prices: Prices | None) -> str:
    if prices is None:
        table = f'[models."{model}"]'
        return f"cost unknown: state prices in unrepeat.toml, {table} input_per_million and output_per_million"
    return "cost known after the first trial" if estimate.cost_usd is None else money(estimate.cost_usd)


def _whole(each: float | None, trials: int) -> int | None:
    return None if each is None else round(each * trials)


def _told(usage: dict[str, Any]) -> tuple[int, int] | None:
    """Return the tokens a recorded call says it took, under whatever names its source has."""
    taken, given = _first(usage, _INPUT), _first(usage, _OUTPUT)
    return None if taken is None or given is None else (taken, given)


def _first(usage: dict[str, Any], name: re.Pattern[str]) -> int | None:
    plain = (value for key, value in usage.items() if name.match(key) and isinstance(value, int) and value >= 0)
    return next(plain, None)


def _guessed(trace: Trace, call: ModelCall) -> tuple[int, int]:
    offered = [*call.tool_definitions, *call.system_instructions]
    return _tokens([*trace.inputs(call), *offered]), _tokens(trace.outputs(call))


def _tokens(parts: Sequence[Message | dict[str, Any]]) -> int:
    return sum(len(msgspec.json.encode(part)) for part in parts) // _LETTERS_A_TOKEN
