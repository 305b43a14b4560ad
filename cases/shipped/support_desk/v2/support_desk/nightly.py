"""The nightly job that tidies delivery addresses, one account at a time."""

from __future__ import annotations

import json
from typing import Any

from . import addresses, app, conversation, llm, tools


def tidy(customer_id: str) -> dict[str, Any]:
    """Bring the address of an account into the shop's form and save it.

    Args:
        customer_id: The account.

    Returns:
        ``customer_id``, ``status`` (saved, unchanged or left) and ``reason``.
    """
    customer = tools.get_customer(customer_id)
    if "error" in customer:
        return left(customer_id, customer["error"])
    written = customer["address"]
    answer = llm.complete(app.model_name(), opening(customer_id, written), [], 0.0)
    try:
        address = addresses.joined(json.loads(answer.get("content") or ""), written)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        return left(customer_id, str(problem))
    if address == written:
        return {"customer_id": customer_id, "status": "unchanged", "reason": ""}
    tools.update_address(customer_id, address)
    return {"customer_id": customer_id, "status": "saved", "reason": ""}


def left(customer_id: str, reason: str) -> dict[str, Any]:
    """Return the outcome for an account that stays as it is; the morning's report lists it for a person."""
    return {"customer_id": customer_id, "status": "left", "reason": reason}


def opening(customer_id: str, address: str) -> list[dict[str, Any]]:
    """Return the messages that ask for the parts of an address."""
    return [
        {"role": "system", "content": conversation.template("addresses")},
        {"role": "user", "content": f"Address of account {customer_id}: {address}"},
    ]
