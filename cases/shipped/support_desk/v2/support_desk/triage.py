"""Sorting new tickets: what cannot wait goes to people at once, the rest to the assistant."""

from __future__ import annotations

from typing import Any

from . import app, assessment, conversation, llm, tools

QUEUES = {"high": "people", "normal": "desk", "low": "desk"}


def sort(ticket: dict[str, Any]) -> dict[str, Any]:
    """Put a new ticket into a queue.

    Args:
        ticket: As ``app.handle`` takes it.

    Returns:
        ``ticket_id``, ``queue`` and ``reason``.
    """
    answer = llm.complete(app.model_name(), opening(ticket), [], 0.0)
    try:
        urgency = assessment.urgency(answer.get("content") or "")
        queue, reason = QUEUES[urgency], f"urgency {urgency}"
    except assessment.Unreadable as problem:
        queue, reason = "people", str(problem)
    tools.set_queue(ticket["id"], queue, reason)
    return {"ticket_id": ticket["id"], "queue": queue, "reason": reason}


def opening(ticket: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that ask how urgent a ticket is."""
    text = f"Ticket {ticket['id']}\nSubject: {ticket['subject']}\n\n{ticket['body']}"
    return [
        {"role": "system", "content": conversation.template("triage")},
        {"role": "user", "content": text},
    ]
