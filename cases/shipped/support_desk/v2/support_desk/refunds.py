"""How much a refund is."""

from __future__ import annotations

from typing import Any

REVIEW_ABOVE_CENTS = 5000
"""Larger refunds need a person's approval."""


def amount_cents(order: dict[str, Any], lines: list[str]) -> int:
    """Return what to pay back for some lines of an order: their prices less their share of the voucher.

    Args:
        order: As ``tools.get_order`` returns it; prices in cents.
        lines: Ids of the lines to refund; unknown ones are ignored.
    """
    prices = [int(line["price_cents"]) for line in order["lines"]]
    shares = split(int(order["voucher_cents"]), prices)
    rows = zip(order["lines"], prices, shares, strict=True)
    return sum(price - share for line, price, share in rows if line["id"] in lines)


def split(total: int, weights: list[int]) -> list[int]:
    """Return a total split in proportion to weights, to the cent (largest remainder)."""
    whole = sum(weights) or 1
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares
