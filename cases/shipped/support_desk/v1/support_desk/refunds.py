"""How much a refund is."""

from __future__ import annotations

from typing import Any

REVIEW_ABOVE_CENTS = 5000
"""Larger refunds need a person's approval."""


def amount_cents(order: dict[str, Any], lines: list[str]) -> int:
    """Return what to pay back for some lines of an order.

    Args:
        order: As ``tools.get_order`` returns it; prices in cents.
        lines: Ids of the lines to refund; unknown ones are ignored.
    """
    return sum(int(line["price_cents"]) for line in order["lines"] if line["id"] in lines)
