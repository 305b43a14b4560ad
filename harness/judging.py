"""Judging replays: the scores of one replay, and the verdict over one trace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

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
    witnessed: Collection[str] = (),
) -> JudgedReplay:
    """Return a replay with its scores.

    Args:
        scorers: The compiled assertions of the case, in order.
        trace: The recording.
        replay: A replay of it.
        deterministic: Whether a second replay did the same; None when there was none.
        recorded: The assertions on the recording, where they are known already.
        witnessed: Tools that the baseline's replay has asked for at the boundary.
    """
    mine = [(index, scorer) for index, scorer in enumerate(scorers) if applies(scorer, trace.trace_id)]
    known = {score.assertion: score for score in (score_trace(scorers, trace) if recorded is None else recorded)}
    did_its_work = cache(lambda: _did_its_work(mine, replay))
    scores = [
        judge(
            scorer,
            index,
            trace,
            _violations(known.get(index)),
            replay,
            did_its_work=did_its_work,
            witnessed=witnessed,
        )
        for index, scorer in mine
    ]
    return JudgedReplay(replay=replay, scores=tuple(scores), deterministic=deterministic)


def _did_its_work(scorers: Sequence[tuple[int, Scorer]], replay: Replay) -> bool:
    """Whether a replay fulfils an assertion that a run without any work would break."""
    nothing = Trace(trace_id=replay.trace.trace_id, source=replay.trace.source)
    return any(_holds(scorer, replay.trace) and _holds(scorer, nothing) is False for _, scorer in scorers)


def _holds(scorer: Scorer, trace: Trace) -> bool | None:
    """Whether an assertion holds over a trace; None where it cannot tell."""
    try:
        return not scorer.find(trace)
    except Exception:  # where that counts, the assertion's own score is the failure
        return None


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
