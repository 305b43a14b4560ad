"""Addresses in the shop's form: ``Flat 3, 12 Mill Lane, Northby``."""

from __future__ import annotations

import re

PARTS = ("unit", "street", "town")
"""In the order they are printed on a label; a house has no unit."""


def joined(parts: dict[str, str], written: str) -> str:
    """Return an address from its parts.

    Args:
        parts: As the model took the address apart: ``unit``, ``street``, ``town``.
        written: The address as it stands in the record.

    Raises:
        ValueError: This is not an address, or not all of the one in the record.
    """
    address = ", ".join(filter(None, (parts[part].strip() for part in PARTS)))
    if not any(char.isdigit() for char in address):
        raise ValueError("there is no number in it")
    if words(address) != words(written):
        raise ValueError("it does not say the same as the record")
    return address


def words(address: str) -> list[str]:
    """Return the words of an address, whatever their order, case and punctuation."""
    return sorted(re.findall(r"[^\W_]+", address.casefold()))
