"""The tools: every public function here is one, and each goes to the shop's records."""

from __future__ import annotations

from typing import Any

from . import store


def get_customer(customer_id: str) -> dict[str, Any]:
    """Return an account's name and delivery address."""
    return store.current().read("customers", customer_id)


def get_order(order_id: str) -> dict[str, Any]:
    """Return an order with its lines, payment and notes."""
    return store.current().read("orders", order_id)


def get_shipment(order_id: str) -> dict[str, Any]:
    """Return what the carrier reports about an order's parcel."""
    return store.current().read("shipments", order_id)


def get_return(order_id: str) -> dict[str, Any]:
    """Return what the warehouse reports about an order's return."""
    return store.current().read("returns", order_id)


def update_address(customer_id: str, address: str) -> dict[str, Any]:
    """Change the delivery address of an account."""
    customer = store.current().read("customers", customer_id)
    if "error" in customer:
        return customer
    store.current().write("customers", customer_id, {**customer, "address": address})
    return {"updated": customer_id, "address": address}


def draft_refund(order_id: str, amount_cents: int, reason: str, idempotency_key: str) -> dict[str, Any]:
    """Put a refund down without paying it; the reviewer opens it from there."""
    if "error" not in store.current().read("refunds", idempotency_key):
        return {"draft": idempotency_key}
    draft = {"order_id": order_id, "amount_cents": amount_cents, "reason": reason, "state": "draft"}
    store.current().write("refunds", idempotency_key, draft, once=idempotency_key)
    return {"draft": idempotency_key}


def issue_refund(order_id: str, amount_cents: int, reason: str, idempotency_key: str) -> dict[str, Any]:
    """Pay a refund, once for each idempotency key.

    Returns:
        What was refunded; or ``error: timeout``, after which nobody knows whether it was paid.
    """
    paid = {"order_id": order_id, "amount_cents": amount_cents, "reason": reason, "state": "paid"}
    try:
        if store.current().read("refunds", idempotency_key).get("state") != "paid":
            store.current().write("refunds", idempotency_key, paid, once=idempotency_key, reversible=False)
    except TimeoutError:
        return {"error": "timeout", "reason": "the payment service did not answer in time"}
    return {"refunded": order_id, "amount_cents": amount_cents}


def send_reply(ticket_id: str, text: str) -> dict[str, Any]:
    """Send the customer the answer to a ticket."""
    store.current().write("replies", ticket_id, {"id": ticket_id, "text": text}, reversible=False)
    return {"sent": ticket_id}


def set_queue(ticket_id: str, queue: str, reason: str) -> dict[str, Any]:
    """Put a ticket into a queue: ``desk`` (the assistant), ``people``, or ``aside`` (nobody answers)."""
    store.current().write("tickets", ticket_id, {"id": ticket_id, "queue": queue, "reason": reason})
    return {"ticket_id": ticket_id, "queue": queue}
