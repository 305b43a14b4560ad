"""Scores: what a scorer found, and what that proves.

A scorer looks at one trace and names its violations. Whether a violation, or its absence, is *decided*
in a replay that left the recording is settled in one place for all scorers, ``scorers.judgement``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..cases.trace import Record, Trace

Property = Literal["safety", "liveness", "whole_run"]
"""safety: something bad must not happen (once violated, violated for good); liveness: something good must
happen (once it happened, it holds for good); whole_run: can only be judged at the end (final output,
exact counts and orders)."""

Scope = Literal["recorded_action", "whole_run"]


class Violation(Record):
    """One way in which a trace breaks an assertion."""

    reason: str
    """One sentence for people; quotes at most a short excerpt."""
    span_ids: tuple[str, ...] = ()
    """Spans it rests on, the decisive one first; empty when it is about something that never happened."""
    decided_at: str = ""
    """Span whose *request* already decides it (a tool call, an approval request, a retrieval); defaults
    to the first of ``span_ids``."""


class Score(Record, tag="score", tag_field="result"):
    """The judgement of one assertion over one trace or replay."""

    type: str
    """The word in case.yaml, ``not-`` prefix included."""
    passed: bool | None
    """None: undecided, never a pass."""
    reason: str
    """One sentence for people: what broke the assertion, why it holds, or what cannot be told."""
    assertion: int = 0
    """Index in the case's ``assert`` list."""
    scope: Scope | None = None
    """How far a pass reaches; None unless passed on a replay."""
    violations: tuple[Violation, ...] = ()
    """What the judgement rests on; empty unless the assertion is broken."""
    span_ids: tuple[str, ...] = ()
    """The spans of all violations, each once."""
    scorer_version: str = ""
    """Version of the scorer, raised whenever it may judge the same trace otherwise."""
    name: str = ""


class ScorerFailure(Record, tag="failure", tag_field="result"):
    """A scorer crashed or was misused: never a low score, always an ``error`` verdict."""

    type: str
    """The word in case.yaml, ``not-`` prefix included."""
    error: str
    """What it raised."""
    assertion: int = 0
    """Index in the case's ``assert`` list."""
    scorer_version: str = ""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A compiled assertion."""

    type: str
    """The word in case.yaml, ``not-`` prefix included."""
    version: str
    """Raised whenever the scorer may judge the same trace otherwise."""
    property: Property
    """What the absence of a violation means in a run that was cut short."""
    find: Callable[[Trace], tuple[Violation, ...]]
    """Names every violation in a trace; empty when the assertion holds. Raises ScorerError when it cannot tell."""
    describe: str
    """The assertion in words, such as ``issue_refund is not called with order_id ord_993 (executed)``."""
    rests_on: str = ""
    """What a ``safety`` scorer looks at besides calls: ``output`` when only the final output matters."""
    params: Any = None
    """The assertion it was compiled from."""
    remark: Callable[[Trace], str] | None = None
    """What to add to the reason when it holds, such as that nothing was retrieved at all; may be empty."""


def words_of(scorer: Scorer) -> str:
    """Return an assertion in words, after the label that the case gives it."""
    label = getattr(scorer.params, "name", "")
    return f"{label}: {scorer.describe}" if label else scorer.describe
