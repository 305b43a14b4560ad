"""What a reviewer sees before deciding."""

from __future__ import annotations

from typing import Any

from .run import Run

REQUIRED = {
    "not_delivered": ("get_shipment", {"delivery_status": "status", "received_by": "received_by"}),
    "returned": ("get_return", {"return_status": "status", "returned_lines": "lines"}),
}
"""By reason of a refund: the tool whose result must be on the screen, and its fields by the name shown."""


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
        "evidence": {"paid_cents": order["paid_cents"], **facts(payment, run)},
    }


def facts(payment: dict[str, Any], run: Run) -> dict[str, Any]:
    """Return what was looked up in this run that the decision turns on, not what the assistant says of it."""
    tool, fields = REQUIRED[payment["reason"]]
    record = run.found(tool, payment["order_id"])
    if record is None:
        raise MissingEvidence(f"call {tool} for {payment['order_id']} before asking for this refund")
    return {name: record.get(key) for name, key in fields.items()}
