"""Severity factors, and the severity they suggest.

The suggestion is a rule of thumb for people to start from; the severity in case.yaml is theirs. Each factor
counts 0 to 3, the worst of reach (blast radius, exposure) and the worst of damage (reversibility, data,
decision) count most:

    points = max(blast radius, exposure) + max(reversibility, data, decision) + autonomy + recurrence
             + (1 if it cannot be stopped) + (1 if uncertainty is high)

low up to 3, medium up to 5, high up to 8, critical above. What cannot be undone is never low.
"""

from __future__ import annotations

from typing import Literal

from .documents import Part, TriState
from .vocabulary import Severity

POINTS = {
    "user": 0,
    "segment": 1,
    "workflow": 2,
    "everyone": 3,
    "easy": 0,
    "hard": 2,
    "irreversible": 3,
    "none": 0,
    "internal": 1,
    "partner": 1,
    "customer": 2,
    "public": 3,
    "confidential": 1,
    "personal": 2,
    "special_category": 3,
    "first": 0,
    "second": 1,
    "repeated": 2,
    "suggests": 0,
    "acts_with_approval": 1,
    "acts": 2,
    "operational": 1,
    "financial": 2,
    "legal": 3,
    "safety": 3,
}


class SeverityFactors(Part):
    """What severity is judged by; each may stay unknown."""

    blast_radius: Literal["user", "segment", "workflow", "everyone", "unknown"] = "unknown"
    """Who is affected: one user, one segment, one workflow, everyone."""
    reversibility: Literal["easy", "hard", "irreversible", "unknown"] = "unknown"
    """How well the effects can be undone."""
    exposure: Literal["none", "internal", "partner", "customer", "public", "unknown"] = "unknown"
    """How far out the failure was visible."""
    data_sensitivity: Literal["none", "internal", "confidential", "personal", "special_category", "unknown"] = "unknown"
    """The most sensitive data involved."""
    recurrence: Literal["first", "second", "repeated", "unknown"] = "unknown"
    """Whether it happened before."""
    autonomy: Literal["suggests", "acts_with_approval", "acts", "unknown"] = "unknown"
    """How much the system does on its own."""
    decision_significance: Literal["none", "operational", "financial", "legal", "safety", "unknown"] = "unknown"
    """What the decision is about."""
    stoppable: TriState = "unknown"
    """Whether it can be stopped at once."""
    uncertainty: Literal["low", "medium", "high", "unknown"] = "unknown"
    """How unsure these answers are."""


def severity_of(factors: SeverityFactors) -> Severity:
    """Return the severity that the factors suggest; unknown factors count nothing."""

    def worst(*words: str) -> int:
        return max(POINTS.get(word, 0) for word in words)

    points = (
        worst(factors.blast_radius, factors.exposure)
        + worst(factors.reversibility, factors.data_sensitivity, factors.decision_significance)
        + worst(factors.autonomy)
        + worst(factors.recurrence)
        + (factors.stoppable == "no")
        + (factors.uncertainty == "high")
    )
    if points <= 3:
        return "medium" if factors.reversibility == "irreversible" else "low"
    return "medium" if points <= 5 else "high" if points <= 8 else "critical"
