"""Addresses in the shop's form: ``12 Mill Lane, Northby``."""

from __future__ import annotations

PARTS = ("street", "town")
"""In the order they are printed on a label."""


def joined(parts: dict[str, str], written: str) -> str:
    """Return an address from its parts.

    Args:
        parts: As the model took the address apart: ``unit``, ``street``, ``town``.
        written: The address as it stands in the record.

    Raises:
        ValueError: This is not an address.
    """
    address = ", ".join(parts[part].strip() for part in PARTS)
    if not any(char.isdigit() for char in address):
        raise ValueError("there is no number in it")
    return address
