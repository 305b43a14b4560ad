"""Which facts a recovery needs at each severity. Pure.

They are what an approver has to know in order to answer for the decision, and nobody but people can supply them. A
report is written without them, so that the gap is seen; it cannot be approved (`harness.sign_off`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..cases.case import Case
from ..scorers.recovery import MissingFact

SEVERITIES = ("low", "medium", "high", "critical")
"""From the least to the worst."""

_LOW = {
    "owners.engineering": "who owns the fix",
    "remediation": "what was changed",
}
_MEDIUM = {
    **_LOW,
    "owners.business": "who owns the process the system serves",
    "failure.summary": "what happened",
    "failure.cause": "what made it happen, as a hypothesis or confirmed",
    "residual_risk": "what may still happen",
}
_HIGH = {
    **_MEDIUM,
    "owners.risk": "who owns the risk",
    "severity_factors": "what the severity was judged by",
    "affected": "who and what was affected",
    "rollback": "when and how to go back",
    "monitoring": "what is watched in addition",
}
REQUIRED: dict[str, dict[str, str]] = {"low": _LOW, "medium": _MEDIUM, "high": _HIGH, "critical": _HIGH}
"""Keys of case.yaml and what they say, by severity."""


def worst_severity(severities: Sequence[str | None]) -> str:
    """Return the worst of some severities; critical where one is not stated."""
    ranked = [SEVERITIES.index(each) if each in SEVERITIES else len(SEVERITIES) - 1 for each in severities]
    return SEVERITIES[max(ranked, default=len(SEVERITIES) - 1)]


def missing_of(case: Case) -> tuple[MissingFact, ...]:
    """Return the facts that a case lacks at its severity; at that of critical where it states none."""
    severity = case.severity or "critical"
    lacking = [(key, words) for key, words in REQUIRED[severity].items() if not _value(case, key)]
    if case.severity is None:
        lacking.insert(0, ("severity", "how bad it is: low, medium, high or critical"))
    reason = f"needed at severity {case.severity}" if case.severity else "needed while no severity is stated"
    return tuple(MissingFact(case_id=case.id, key=key, reason=f"{words} ({reason})") for key, words in lacking)


def missing_authors(authors: Sequence[str]) -> tuple[MissingFact, ...]:
    """Return the missing fact that nobody is named as author: who made the fix may not approve it."""
    if any(each.strip() for each in authors):
        return ()
    return (MissingFact(case_id="", key="--author", reason="who made the fix, and may therefore not approve it"),)


def _value(case: Case, key: str) -> Any:
    value: Any = case
    for name in key.split("."):
        value = getattr(value, name, None)
    return value
