"""Human review: asks a person, through the desk's review queue."""

from __future__ import annotations

from typing import Any

from . import remote

PATIENCE_S = 1800.0


def decide(request: dict[str, Any]) -> dict[str, Any]:
    """Put a request before a reviewer and wait.

    Args:
        request: ``tool``, ``arguments``, ``summary`` and ``evidence``: what the screen shows, by name.

    Returns:
        ``decision`` (approve or reject), ``approver`` and ``explanation``.
    """
    answer: dict[str, Any] = remote.post(remote.setting("REVIEW_URL"), request, timeout_s=PATIENCE_S)
    if answer.get("decision") not in ("approve", "reject"):
        raise remote.BadAnswer("the review queue answered without a decision")
    return answer
