"""Trials: a live model is asked several times, and stops at the first trial that does not pass.

1. A trial that breaks an assertion: ``still_failing``. One that cannot be decided: ``cannot_judge``. One that did not
   run to its end: ``error``.
2. A cap on calls or cost that ended the trials: ``cannot_judge``, however many had passed.
3. Only independent trials count: one that shares its seed with an earlier one, or was answered from a cache, is
   kept and shown, but says nothing new.
4. All passed: ``fixed`` with as many as the severity asks for, else ``cannot_judge`` with the bound reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from ..cases.trace import Trace
from ..replayers.usage import SpendCapError
from ..scorers.score import Score, Scorer
from ..scorers.verdict import JudgedReplay, Rate, TraceVerdict
from .judging import trace_verdict
from .statistics import failure_rate_at_least, failure_rate_at_most

DEFAULT_TRIALS = 10
"""Trials of a local run (5-verdicts)."""
CONFIDENCE = 0.95
CERTIFYING = {"low": 72, "medium": 72, "high": 182, "critical": 365}
"""Trials without a failure that call a fix with a live model fixed, by severity: the first acceptance point of
the exact sequential test with K=2 that rules out 5%, 2% and 1% at 95% confidence (5-verdicts)."""
ASSUMED_SEVERITY = "medium"
"""Of a case that states none."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials that have ended."""

    done: tuple[JudgedReplay, ...]
    """Each that ran, in order."""
    capped: str = ""
    """The cap that ended them; empty when none did. The trial it broke off is not among them."""


def run_trials(count: int, trial: Callable[[int], JudgedReplay]) -> Trials:
    """Run trials until one does not pass.

    Two in a row that are not independent end them too: going on would cost, and show nothing.

    Args:
        count: Most trials, at least 1.
        trial: Runs one, given its number from 1.
    """
    done: list[JudgedReplay] = []
    for number in range(1, count + 1):
        try:
            done.append(trial(number))
        except SpendCapError as error:
            return Trials(tuple(done), str(error))
        if not passed(done[-1]) or (number > 2 and done[-1].repeats and done[-2].repeats):
            break
    return Trials(tuple(done))


def passed(judged: JudgedReplay) -> bool:
    """Whether every assertion of a trial has a score that is a pass."""
    completed = judged.replay.outcome in ("completed", "stopped")
    return completed and bool(judged.scores) and all(isinstance(s, Score) and s.passed is True for s in judged.scores)


def trials_needed(severity: str) -> int:
    """Return how many trials without a failure it takes to call a fix fixed."""
    return CERTIFYING[severity or ASSUMED_SEVERITY]


def rate_of(trials: Sequence[JudgedReplay]) -> Rate:
    """Return what trials say about the failure rate; those that repeat an earlier one are left out.

    The bounds are those of a fixed number of trials. Stopping at the first failure leaves the lower one exact
    and makes the upper one larger than it need be.
    """
    counted = [each for each in trials if each.replay.outcome != "unanswered" and not (each.repeats and passed(each))]
    failures, count = sum(not passed(each) for each in counted), len(counted)
    return Rate(
        failures=failures,
        trials=count,
        at_most=failure_rate_at_most(failures, count, CONFIDENCE),
        at_least=failure_rate_at_least(failures, count, CONFIDENCE),
        confidence=CONFIDENCE,
    )


def rate_words(rate: Rate) -> str:
    """Return a rate with its interval, in words."""
    told = f"{rate.failures}/{rate.trials} trials failed"
    if not rate.failures:
        return f"{told}: failure rate at most {rate.at_most:.0%} ({rate.confidence:.0%} confidence)"
    bounds = f"at least {rate.at_least:.0%} and at most {rate.at_most:.0%}"
    return f"{told}: failure rate {bounds} ({rate.confidence:.0%} confidence each)"


def verdict_of_trials(
    scorers: Sequence[Scorer],
    trace: Trace,
    baseline: JudgedReplay | None,
    trials: Trials,
    severity: str,
) -> TraceVerdict:
    """Return the verdict over one trace from its trials; see the top of this module for the rules."""
    return over_trials(
        trace_verdict(scorers, trace, baseline, trials.done[-1] if trials.done else None), trials, severity
    )


def over_trials(verdict: TraceVerdict, trials: Trials, severity: str) -> TraceVerdict:
    """Return what the verdict over the trial that ended the trials becomes once all of them are looked at."""
    if (trials.capped and verdict.verdict in ("fixed", "cannot_judge")) or not trials.done:
        return _undecided(verdict, trials, f"{_so_far(trials)}; {trials.capped}")
    rate, needed = rate_of(trials.done), trials_needed(severity)
    if verdict.verdict == "fixed" and rate.trials < needed:
        few = f"too few: {severity or ASSUMED_SEVERITY} severity asks for {needed} without a failure"
        return _undecided(verdict, trials, "; ".join(filter(None, (rate_words(rate), _not_counted(trials), few))))
    told = rate_words(rate)
    if verdict.verdict == "cannot_judge":
        told = f"trial {len(trials.done)} could not be decided"
    if verdict.verdict == "error":
        told = f"trial {len(trials.done)} did not run to its end"
    reason = "; ".join(filter(None, (told, _not_counted(trials), verdict.reason)))
    return msgspec.structs.replace(verdict, trials=trials.done, rate=rate, reason=reason)


def _undecided(verdict: TraceVerdict, trials: Trials, reason: str) -> TraceVerdict:
    return msgspec.structs.replace(
        verdict,
        trials=trials.done,
        rate=rate_of(trials.done) if trials.done else None,
        verdict="cannot_judge",
        scope=None,
        reason=reason,
    )


def _so_far(trials: Trials) -> str:
    return rate_words(rate_of(trials.done)) if trials.done else "no trial was finished"


def _not_counted(trials: Trials) -> str:
    repeats = [each.repeats for each in trials.done if each.repeats]
    if not repeats:
        return ""
    return f"of {len(trials.done)} trials {len(repeats)} not counted: {repeats[-1]}"
