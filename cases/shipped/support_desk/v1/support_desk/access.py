"""Who may do what: the signed-in account against the records a call names."""

from __future__ import annotations

from typing import Any

POLICY = "desk-access"
POLICY_VERSION = "1"
NEEDS_VERIFIED = frozenset({"update_address", "request_refund"})


def objection(name: str, arguments: dict[str, Any], customer: dict[str, Any]) -> str:
    """Return why an account may not make a call; empty when it may.

    Args:
        name: Name of the tool.
        arguments: What the tool is to be called with.
        customer: The signed-in account; see ``app.handle``.
    """
    if name in NEEDS_VERIFIED and not customer.get("verified"):
        return f"{name} needs a verified account"
    return ""
