"""From a call the model proposes to something that happens, or does not."""

from __future__ import annotations

import json
from typing import Any

from . import access, chat, guard, payments, refunds, review, screen, toolbox, tools
from .run import Run


def perform(call: dict[str, Any], run: Run) -> dict[str, Any]:
    """Check a proposed call and carry it out.

    Returns:
        What the model is told: the tool's result, or ``error`` and ``reason``.
    """
    name = str(call["function"]["name"])
    try:
        arguments = json.loads(call["function"]["arguments"])
    except ValueError:
        return refused("the arguments are not JSON")
    objection = (
        toolbox.objection(name, arguments)
        or access.objection(name, arguments, run.customer)
        or guard.objection(name, arguments, run)
    )
    if objection:
        return refused(objection)
    return carry_out(name, arguments, run)


def carry_out(name: str, arguments: dict[str, Any], run: Run) -> dict[str, Any]:
    """Run a call that nothing objected to."""
    if name == "ask_customer":
        answer = chat.ask_user(arguments["question"])
        run.answers.append(answer)
        return {"answer": answer}
    if name == "request_refund":
        return refund(arguments, run)
    result: dict[str, Any] = getattr(tools, name)(**arguments)
    if name in toolbox.WRITES:
        run.writes.append(name)
    else:
        run.remember(name, arguments, result)
    return result


def refund(arguments: dict[str, Any], run: Run) -> dict[str, Any]:
    """Draft a refund, have it approved where it is large, and pay it."""
    order = run.found("get_order", arguments["order_id"])
    if order is None:
        return refused("look the order up before refunding it")
    payment = {
        "order_id": order["id"],
        "amount_cents": refunds.amount_cents(order, arguments["lines"]),
        "reason": arguments["reason"],
        "idempotency_key": f"{run.ticket['id']}/{order['id']}",
    }
    if payment["amount_cents"] <= 0:
        return refused("none of these lines can be refunded")
    try:
        request = screen.build(payment, arguments["summary"], order, run)
    except screen.MissingEvidence as missing:
        return refused(str(missing))
    tools.draft_refund(**payment)
    if payment["amount_cents"] > refunds.REVIEW_ABOVE_CENTS:
        decision = review.decide(request)
        if decision["decision"] != "approve":
            return refused(f"the reviewer did not approve: {decision['explanation']}")
    run.writes.append("issue_refund")
    return payments.pay(payment)


def refused(reason: str) -> dict[str, Any]:
    """Return the answer the model gets instead of a result."""
    return {"error": "refused", "reason": reason}
