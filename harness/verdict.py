"""The verdict over one trace of a case. Pure; it opens by stating the rules.

Looked at in this order:

1. A scorer that crashed, a baseline or candidate that crashed or timed out, a case without assertions or
   without a candidate: ``error``. A baseline's crash never counts as showing the failure.
2. Red first: if neither the recording nor the baseline breaks any assertion: ``cannot_reproduce``.
3. The candidate breaks an assertion in the part of the run that counts: ``still_failing``.
4. Two replays of the candidate that should be the same are not, or they asked a live model, of which two runs
   show no rate: ``cannot_judge``.
5. An assertion of the candidate is undecided: ``cannot_judge``.
6. All assertions pass: ``fixed``, with the narrowest scope among them.

Nothing missing, empty or undecided leads to 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..scorers.score import Scope, Score, ScorerFailure
from ..scorers.verdict import JudgedReplay, TraceVerdict, VerdictWord

Scores = Sequence[Score | ScorerFailure]

_SEVERITY: tuple[VerdictWord, ...] = ("fixed", "cannot_judge", "cannot_reproduce", "still_failing", "error")
"""From best to worst, for a case of several traces."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict word with its reason and scope."""

    verdict: VerdictWord
    reason: str
    scope: Scope | None = None


def decide(
    recorded: Scores, baseline: JudgedReplay | None, candidate: JudgedReplay | None, assertions: int
) -> Decision:
    """Return the verdict over one trace.

    Args:
        recorded: The assertions on the recording.
        baseline: The replay of the baseline; None when the recording stands in for it.
        candidate: The replay of the candidate; None when there was none.
        assertions: How many assertions are about this trace: each must have its score.
    """
    broken = _harness_problem(recorded, baseline, candidate, assertions)
    if broken:
        return Decision("error", broken)
    shown = [*_failed(recorded), *(_failed(baseline.scores) if baseline is not None else ())]
    if not shown:
        return Decision("cannot_reproduce", _not_shown(baseline))
    if candidate is None:
        return Decision("error", "the candidate was never run")
    failing = _failed(candidate.scores)
    if failing:
        return Decision("still_failing", failing[0].reason)
    if candidate.deterministic is False:
        return Decision("cannot_judge", "two replays of the same candidate differ, so one of them proves nothing")
    if candidate.deterministic is not None and any(
        event.kind == "model" and event.mode == "live" for event in candidate.replay.events
    ):
        return Decision("cannot_judge", "a live model answered: it takes trials to tell how often it fails")
    open_scores = [score for score in candidate.scores if isinstance(score, Score) and score.passed is None]
    if open_scores:
        return Decision("cannot_judge", open_scores[0].reason)
    return _all_passed(candidate.scores)


def _harness_problem(
    recorded: Scores, baseline: JudgedReplay | None, candidate: JudgedReplay | None, assertions: int
) -> str:
    if assertions < 1:
        return "the case asserts nothing about this trace"
    sides = _present(baseline, candidate)
    for label, judged in sides:
        if not _ran(judged):
            return _did_not_run(label, judged)
    scored = (("recording", recorded), *((label, judged.scores) for label, judged in sides))
    problems = (_scoring_problem(label, scores, assertions) for label, scores in scored)
    return next(filter(None, problems), "") or _bare(candidate)


def replay_problem(label: str, judged: JudgedReplay, assertions: int) -> str:
    """Return why a replay cannot be judged: it did not run, or its assertions were not scored; empty when it can.

    Args:
        label: What it is a replay of, for people.
        judged: The replay with its scores.
        assertions: How many assertions are about it: each must have its score.
    """
    if assertions < 1:
        return "the case asserts nothing about this trace"
    if not _ran(judged):
        return _did_not_run(label, judged)
    return _scoring_problem(label, judged.scores, assertions) or _bare(judged)


def _ran(judged: JudgedReplay) -> bool:
    return judged.replay.outcome in ("completed", "stopped")


def _scoring_problem(label: str, scores: Scores, assertions: int) -> str:
    scored = {score.assertion for score in scores}
    if len(scores) != assertions or len(scored) != assertions:
        return f"{len(scored)} of {assertions} assertions were scored on the {label}"
    failures = (score for score in scores if isinstance(score, ScorerFailure))
    return next((f"scorer {each.type} failed on the {label}: {each.error}" for each in failures), "")


def _bare(candidate: JudgedReplay | None) -> str:
    scores = candidate.scores if candidate is not None else ()
    bare = [score.type for score in scores if isinstance(score, Score) and score.passed and score.scope is None]
    return f"{bare[0]} passed without saying how far" if bare else ""


def _did_not_run(label: str, judged: JudgedReplay) -> str:
    first_line = " ".join(judged.replay.error.strip().splitlines()[:1])
    if judged.replay.outcome == "unanswered":
        return f"the live model could not be reached, so the {label} was not judged: {first_line}"
    return f"the {label} {judged.replay.outcome.replace('_', ' ')}: {first_line}"


def _present(baseline: JudgedReplay | None, candidate: JudgedReplay | None) -> list[tuple[str, JudgedReplay]]:
    both = (("baseline", baseline), ("candidate", candidate))
    return [(label, judged) for label, judged in both if judged is not None]


def _failed(scores: Scores) -> list[Score]:
    return [score for score in scores if isinstance(score, Score) and score.passed is False]


def _not_shown(baseline: JudgedReplay | None) -> str:
    who = "neither the recording nor the baseline shows" if baseline is not None else "the recording does not show"
    return f"{who} the failure the case asserts; it proves nothing yet"


def _all_passed(scores: Scores) -> Decision:
    passed = [score for score in scores if isinstance(score, Score) and score.passed is True]
    scopes = [score.scope for score in passed]
    if not passed or len(passed) != len(scores) or None in scopes:
        return Decision("error", "not every assertion has a score with a scope")
    scope: Scope = "recorded_action" if "recorded_action" in scopes else "whole_run"
    narrow = [score for score in passed if score.scope == scope]
    return Decision("fixed", narrow[0].reason, scope)


def worst(traces: Sequence[TraceVerdict]) -> Decision:
    """Return the verdict of a case: the worst of its traces, and of fixed ones the narrowest scope.

    Raises:
        ValueError: There are none; a case without traces has no verdict.
    """
    if not traces:
        raise ValueError("expected at least one trace")
    found = max(traces, key=lambda each: (_SEVERITY.index(each.verdict), each.scope == "recorded_action"))
    return Decision(found.verdict, found.reason, found.scope)
