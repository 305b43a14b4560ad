"""Whether a ticket is one to be answered at all."""

from __future__ import annotations

from typing import Any


def objection(ticket: dict[str, Any]) -> str:
    """Return why a ticket must not be answered; empty when it may.

    Args:
        ticket: See ``app.handle``.
    """
    if not str(ticket["body"]).strip():
        return "there is nothing to answer"
    return ""
