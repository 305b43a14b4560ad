"""Trials: a live model is asked several times, and stops at the first trial that does not pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ..cases.trace import Trace
from ..scorers.score import Score, Scorer
from ..scorers.verdict import JudgedReplay, Rate, TraceVerdict
from .judging import trace_verdict
from .statistics import failure_rate_at_most

DEFAULT_TRIALS = 10
"""Trials of a local run (5-verdicts)."""
CONFIDENCE = 0.95
CERTIFYING = {"low": 72, "medium": 72, "high": 182, "critical": 365}
"""Trials without a failure that call a fix with a live model fixed, by severity: the first acceptance point of
the exact sequential test with K=2 that rules out 5%, 2% and 1% at 95% confidence (5-verdicts)."""
ASSUMED_SEVERITY = "medium"
"""Of a case that states none."""


def run_trials(count: int, trial: Callable[[int], JudgedReplay]) -> tuple[JudgedReplay, ...]:
    """Run trials until one does not pass.

    Args:
        count: Most trials, at least 1.
        trial: Runs one, given its number from 1.
    """
    done: list[JudgedReplay] = []
    for number in range(1, count + 1):
        done.append(trial(number))
        if not passed(done[-1]):
            break
    return tuple(done)


def passed(judged: JudgedReplay) -> bool:
    """Whether every assertion of a trial has a score that is a pass."""
    completed = judged.replay.outcome in ("completed", "stopped")
    return completed and bool(judged.scores) and all(isinstance(s, Score) and s.passed is True for s in judged.scores)


def trials_needed(severity: str) -> int:
    """Return how many trials without a failure it takes to call a fix fixed."""
    return CERTIFYING[severity or ASSUMED_SEVERITY]


def verdict_of_trials(
    scorers: Sequence[Scorer],
    trace: Trace,
    baseline: JudgedReplay | None,
    trials: Sequence[JudgedReplay],
    severity: str,
) -> TraceVerdict:
    """Return the verdict over one trace from its trials.

    It is that of the trial that did not pass; when all passed, ``fixed`` needs as many as the severity asks for, and
    fewer are ``cannot_judge``.
    """
    verdict = trace_verdict(scorers, trace, baseline, trials[-1])
    answered = [each for each in trials if each.replay.outcome != "unanswered"]
    failures = sum(1 for each in answered if not passed(each))
    at_most = failure_rate_at_most(failures, len(answered), CONFIDENCE)
    rate = Rate(failures=failures, trials=len(answered), at_most=at_most, confidence=CONFIDENCE)
    told = f"{failures}/{rate.trials} trials failed: failure rate at most {at_most:.0%} ({CONFIDENCE:.0%} confidence)"
    needed = trials_needed(severity)
    if verdict.verdict == "fixed" and len(trials) < needed:
        reason = f"{told}; too few: {severity or ASSUMED_SEVERITY} severity asks for {needed} without a failure"
        return msgspec.structs.replace(
            verdict, trials=tuple(trials), rate=rate, verdict="cannot_judge", scope=None, reason=reason
        )
    if verdict.verdict == "cannot_judge":
        told = f"trial {len(trials)} could not be decided"
    if verdict.verdict == "error":
        told = f"trial {len(trials)} did not run to its end"
    return msgspec.structs.replace(verdict, trials=tuple(trials), rate=rate, reason=f"{told}; {verdict.reason}")
