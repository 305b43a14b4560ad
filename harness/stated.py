"""Cases without a trace: the failure is stated by a person, not recorded, so only live runs can judge it.

1. Without a live model nothing can run: ``cannot_judge``, with the command that would judge it.
2. Red first: a baseline must show the failure with the live model at least once. While it has not, and where no
   baseline is named, nothing is proven: ``cannot_reproduce``, however good the candidate looks.
3. A candidate that shows the failure is ``still_failing``, with or without a baseline: it reproduces it itself.
4. A trial that asked for an answer that nobody gave (no trace, no static value, not allowed to run for real), or
   that never asked the model, decides nothing: ``cannot_judge``.
5. Then the rules of ``harness.trials``; the scope is the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from ..cases.trace import Source, Trace
from ..replayers.replay import Replay
from ..replayers.system import Checkout
from ..scorers.registry import applies
from ..scorers.score import Scope, Score, Scorer, ScorerFailure
from ..scorers.verdict import JudgedReplay, TraceVerdict, VerdictWord
from .judging import judged
from .live_trials import Session
from .replaying import STATED
from .trials import Trials, over_trials, rate_of, rate_words
from .verdict import replay_problem

RECORDING = Trace(trace_id=STATED, source=Source(format=STATED))
"""Stands where other cases have their recording."""
_ONLY_LIVE = "the case has no trace, so only a live model can judge it"
_NO_BASELINE = "the failure is stated, not recorded, and no baseline was named that shows it: --baseline VERSION"


def without_model() -> TraceVerdict:
    """Return the verdict where no live model was named."""
    return TraceVerdict(recording=RECORDING, recorded_scores=(), verdict="cannot_judge", reason=_ONLY_LIVE)


def prove_stated(
    session: Session, scorers: tuple[Scorer, ...], baseline: Checkout | None, candidate: Checkout
) -> TraceVerdict:
    """Judge a case without a trace; see the top of this module for the rules."""
    expected = sum(1 for scorer in scorers if applies(scorer, STATED))
    before = Trials(())
    if baseline is not None:
        before = session.trials("baseline", RECORDING, baseline, partial(_judged, scorers, RECORDING))
        if not any(map(is_red, before.done)):
            return _not_shown(before, expected)
    red = next(filter(is_red, before.done), None)
    shown = msgspec.structs.replace(red.replay.trace, trace_id=STATED) if red is not None else RECORDING
    trials = session.trials("candidate", RECORDING, candidate, partial(_judged, scorers, shown))
    verdict = over_trials(_verdict(red, trials, expected), trials, session.what.loaded.case.severity or "")
    return msgspec.structs.replace(verdict, baseline=red, baseline_trials=before.done)


def is_red(trial: JudgedReplay) -> bool:
    """Whether a trial that ran shows the failure."""
    ran = trial.replay.outcome in ("completed", "stopped")
    return ran and any(isinstance(each, Score) and each.passed is False for each in trial.scores)


def _judged(scorers: Sequence[Scorer], shown: Trace, replay: Replay) -> JudgedReplay:
    """Judge a trial; what the baseline showed tells whether this version could have shown it at all."""
    replay = msgspec.structs.replace(replay, divergences=())  # there is no recording to depart from
    return decided(judged(scorers, shown if replay.limit is None else RECORDING, replay))


def decided(trial: JudgedReplay) -> JudgedReplay:
    """Return a trial in which nothing passes that could not be seen: see rule 4."""
    replay = trial.replay
    why = ""
    if replay.limit is not None:
        event = replay.events[replay.limit - 1]
        words = f"{event.kind} {event.name}".strip()
        why = (
            f"step {replay.limit} asked {words}, which nothing answers: state a static value, or name it in allow_live"
        )
    elif not any(event.kind == "model" and event.mode == "live" for event in replay.events):
        why = "the run never asked the live model"
    if not why:
        return trial
    return msgspec.structs.replace(trial, scores=tuple(_undecided(each, why) for each in trial.scores))


def _undecided(score: Score | ScorerFailure, why: str) -> Score | ScorerFailure:
    if isinstance(score, ScorerFailure) or score.passed is False:
        return score
    return msgspec.structs.replace(score, passed=None, scope=None, reason=f"undecided: {why}")


def _not_shown(before: Trials, expected: int) -> TraceVerdict:
    """Return the verdict where the baseline did not show the failure."""
    last = before.done[-1] if before.done else None
    broken = replay_problem("baseline", last, expected) if last is not None else ""
    undecided = _first(last, None)
    word: VerdictWord = "cannot_reproduce"
    if broken:
        word, reason = "error", broken
    elif before.capped:
        word, reason = "cannot_judge", f"{before.capped} before the baseline had shown the failure"
    elif undecided is not None:
        reason = f"the baseline did not show the stated failure; trial {len(before.done)}: {undecided.reason}"
    else:
        reason = f"the baseline did not show the stated failure: {rate_words(rate_of(before.done))}"
    return TraceVerdict(
        recording=RECORDING,
        recorded_scores=(),
        verdict=word,
        reason=reason,
        baseline=last,
        baseline_trials=before.done,
    )


def _verdict(red: JudgedReplay | None, trials: Trials, expected: int) -> TraceVerdict:
    """Return the verdict over the trial that ended the trials."""
    last = trials.done[-1] if trials.done else None
    broken = replay_problem("candidate", last, expected) if last is not None else ""
    failing, undecided = _first(last, False), _first(last, None)
    word: VerdictWord = "cannot_judge"
    scope: Scope | None = None
    reason = "no trial was finished"
    if broken:
        word, reason = "error", broken
    elif failing is not None:
        word, reason = "still_failing", failing.reason
    elif red is None:
        word, reason = "cannot_reproduce", _NO_BASELINE
    elif undecided is not None:
        reason = undecided.reason
    elif last is not None:
        word, scope, reason = "fixed", "whole_run", "holds to the end of the run"
    return TraceVerdict(
        recording=RECORDING, recorded_scores=(), verdict=word, scope=scope, reason=reason, candidate=last
    )


def _first(trial: JudgedReplay | None, passed: bool | None) -> Score | None:
    scores = trial.scores if trial is not None else ()
    return next((score for score in scores if isinstance(score, Score) and score.passed is passed), None)
