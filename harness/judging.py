"""Judging replays: the scores of one replay, and the verdict over one trace."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..cases.trace import Trace
from ..replayers.replay import Replay
from ..scorers.judgement import judge
from ..scorers.registry import applies, score_trace
from ..scorers.score import Score, Scorer, ScorerFailure, Violation
from ..scorers.verdict import JudgedReplay, TraceVerdict
from .verdict import decide

Recorded = Sequence[Score | ScorerFailure]


def judged(
    scorers: Sequence[Scorer],
    trace: Trace,
    replay: Replay,
    *,
    deterministic: bool | None = None,
    recorded: Recorded | None = None,
) -> JudgedReplay:
    """Return a replay with its scores.

    Args:
        scorers: The compiled assertions of the case, in order.
        trace: The recording.
        replay: A replay of it.
        deterministic: Whether a second replay did the same; None when there was none.
        recorded: The assertions on the recording, where they are known already.
    """
    known = {score.assertion: score for score in (score_trace(scorers, trace) if recorded is None else recorded)}
    scores = [
        judge(scorer, index, trace, _violations(known.get(index)), replay)
        for index, scorer in enumerate(scorers)
        if applies(scorer, trace.trace_id)
    ]
    return JudgedReplay(replay=replay, scores=tuple(scores), deterministic=deterministic)


def _violations(score: Score | ScorerFailure | None) -> tuple[Violation, ...]:
    return score.violations if isinstance(score, Score) else ()


def trace_verdict(
    scorers: Sequence[Scorer],
    trace: Trace,
    baseline: JudgedReplay | None,
    candidate: JudgedReplay | None,
    *,
    recorded: Recorded | None = None,
) -> TraceVerdict:
    """Return the verdict over one trace; see ``harness.verdict`` for the rules.

    The preserved source stays in the case: a result carries the recording without it.
    """
    known = tuple(score_trace(scorers, trace) if recorded is None else recorded)
    expected = sum(1 for scorer in scorers if applies(scorer, trace.trace_id))
    decision = decide(known, baseline, candidate, expected)
    return TraceVerdict(
        recording=msgspec.structs.replace(trace, original=None),
        recorded_scores=known,
        verdict=decision.verdict,
        reason=decision.reason,
        scope=decision.scope,
        baseline=baseline,
        candidate=candidate,
    )
