"""What a reviewer sees before deciding."""

from __future__ import annotations

from typing import Any

from .run import Run


class MissingEvidence(Exception):
    """A reviewer must not be asked yet."""


def build(payment: dict[str, Any], summary: str, order: dict[str, Any], run: Run) -> dict[str, Any]:
    """Return the review request for a payment.

    Args:
        payment: What ``tools.issue_refund`` is to be called with.
        summary: The assistant's own words.
        order: The order as it was looked up.
        run: The run so far.

    Raises:
        MissingEvidence: The request cannot be put before a person yet.
    """
    if not summary.strip():
        raise MissingEvidence("say in a summary why this refund is due")
    return {
        "ticket_id": run.ticket["id"],
        "tool": "issue_refund",
        "arguments": payment,
        "summary": summary,
        "evidence": {"paid_cents": order["paid_cents"]},
    }
