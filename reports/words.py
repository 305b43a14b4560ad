"""The words and colours every report uses for verdicts, scopes, matches and grades."""

from __future__ import annotations

from ..replayers.replay import Grade
from ..scorers.score import Scope, Score, ScorerFailure
from ..scorers.verdict import CaseVerdict, VerdictWord

VERDICTS: dict[VerdictWord, str] = {
    "fixed": "Fixed",
    "still_failing": "Still failing",
    "cannot_reproduce": "Cannot reproduce",
    "cannot_judge": "Cannot judge",
    "error": "Error",
}

COLOURS: dict[VerdictWord, str] = {
    "fixed": "green",
    "still_failing": "red",
    "cannot_reproduce": "blue",
    "cannot_judge": "yellow",
    "error": "magenta",
}
"""One accent a verdict; the words say the same, so that nothing rests on colour alone."""

SCOPES: dict[Scope, str] = {"recorded_action": "recorded action", "whole_run": "whole run"}

SCOPE_MEANINGS: dict[Scope, str] = {
    "recorded_action": "The recorded action is prevented. What a live model would try next is not covered.",
    "whole_run": "Every answer was valid to the end of the run.",
}

GRADES: dict[Grade, str] = {
    "noise": "noise only",
    "order": "other order",
    "changed_request_same_answer_valid": "changed, same answer valid",
    "changed_outcome": "other outcome",
    "changed_request": "changed request",
    "unrecorded_call": "not in the recording",
    "missing_call": "not called",
}

OUTCOMES = {
    "completed": "ran to its end",
    "stopped": "stopped: the recording had no answer",
    "crashed": "crashed",
    "timed_out": "timed out",
    "unanswered": "the live model did not answer",
}

LIVE_OUTCOMES = {
    "": "",
    "same": "same answer",
    "same_normalised": "same answer once normalised",
    "changed": "another answer",
}
"""How a live or given answer compares with the recorded one."""

STATES = ("present", "inferred", "missing", "not applicable")
"""States of an evidence item, best first."""


def verdict_label(word: VerdictWord, scope: Scope | None = None) -> str:
    """Return ``Fixed · recorded action``."""
    return VERDICTS[word] + (f" · {SCOPES[scope]}" if scope else "")


def stands_in(verdict: CaseVerdict) -> str:
    """Return what stands in for a baseline that was not named: the recording, or nothing but what people state."""
    return "stated" if verdict.digests.get("trace") == "" else "recording"


def score_mark(score: Score | ScorerFailure | None) -> str:
    """Return ``pass``, ``fail``, ``undecided``, ``crashed`` or ``absent``."""
    if score is None:
        return "absent"
    if isinstance(score, ScorerFailure):
        return "crashed"
    return {True: "pass", False: "fail", None: "undecided"}[score.passed]


def duration(seconds: float) -> str:
    """Return a length of time for people: ``38 ms``, ``1.24 s``, ``3 min 20 s``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def money(cost_usd: float) -> str:
    """Return a cost with enough digits to tell it from nothing: ``12.40 USD``, ``0.0031 USD``."""
    if cost_usd >= 1 or not cost_usd:
        return f"{cost_usd:,.2f} USD"
    return f"{cost_usd:.2g} USD" if cost_usd >= 0.0001 else "less than 0.0001 USD"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 trace``, ``2 traces``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
