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
        Unreadable: It is not JSON.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Unreadable("the assessment is not JSON") from error
    stated = str(found.get("urgency", "normal")).lower()
    return stated if stated in URGENCIES else "normal"
