"""A reviewer and a customer as scripts: example data, no person decided anything here."""

from __future__ import annotations

from typing import Any

from .scenarios import Scenario


def decide(request: dict[str, Any]) -> dict[str, Any]:
    """Decide like a careful reviewer who knows nothing but what is on the screen."""
    amount, evidence = request["arguments"]["amount_cents"], request["evidence"]
    if amount > evidence["paid_cents"]:
        return _decision("reject", "This is more than the customer paid.")
    if evidence.get("delivery_status") == "delivered":
        return _decision("reject", "The carrier has a signature; ask the customer about it first.")
    return _decision("approve", "Plausible, and within what was paid.")


def _decision(decision: str, explanation: str) -> dict[str, Any]:
    return {
        "decision": decision,
        "approver": "reviewer_2",
        "approver_kind": "human",
        "explanation": explanation,
    }


def answer(scenario: Scenario, question: str) -> str:
    """Answer a question of the desk as the scenario's customer."""
    return scenario.customer_answers if question else ""
