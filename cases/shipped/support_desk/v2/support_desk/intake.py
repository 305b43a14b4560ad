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
    if automatic(ticket.get("headers", {})):
        return "a machine wrote it; it is not answered, and nothing in it is a wish"
    return ""


def automatic(headers: dict[str, str]) -> bool:
    """Return whether a mail was sent by a machine: ``auto-submitted`` says anything but no (RFC 3834, 5)."""
    return headers.get("auto-submitted", "no").partition(";")[0].strip().lower() != "no"
