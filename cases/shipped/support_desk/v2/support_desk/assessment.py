"""Reads the model's assessment of a ticket."""

from __future__ import annotations

import json

URGENCIES = ("high", "normal", "low")


class Unreadable(Exception):
    """The assessment is not one."""


def urgency(text: str) -> str:
    """Return how urgent a ticket is, one of ``URGENCIES``.

    Args:
        text: What the model answered.

    Raises:
        Unreadable: It is not the JSON that was asked for; nothing is assumed in its place.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Unreadable("the assessment is not JSON") from error
    stated = found.get("urgency") if isinstance(found, dict) else None
    if stated not in URGENCIES:
        raise Unreadable("the assessment does not say how urgent the ticket is")
    return str(stated)
