"""The desk's agent loop: one ticket in, one answer out."""

from __future__ import annotations

import json
import os
from typing import Any

from . import actions, conversation, intake, knowledge, llm, outgoing, toolbox, tools
from .run import Run

MAX_TURNS = 8
HANDOVER = "I could not finish this myself and have passed it to a colleague, who will write to you."


def handle(ticket: dict[str, Any], customer: dict[str, Any]) -> dict[str, Any]:
    """Answer one ticket.

    Args:
        ticket: ``id``, ``topic``, ``subject``, ``body`` and ``received_at`` (RFC 3339, UTC); ``headers`` of
            its mail by lower-case name, where it came as one.
        customer: The signed-in account as the shop's session service states it: ``id``, ``name``,
            ``verified`` and ``orders`` (the ids of its orders).

    Returns:
        ``ticket_id``, ``status`` (answered, escalated or aside), ``reply`` (the text that was sent) and
        ``actions`` (names of the tools that changed something).
    """
    objection = intake.objection(ticket)
    if objection:
        tools.set_queue(ticket["id"], "aside", objection)
        return {"ticket_id": ticket["id"], "status": "aside", "reply": "", "actions": []}
    run = Run(ticket, customer)
    policies = knowledge.search(run.question(), {"topic": run.topic, "as_of": run.date})
    messages = conversation.opening(run, policies)
    for _ in range(MAX_TURNS):
        answer = llm.complete(model_name(), list(messages), toolbox.SCHEMAS, 0.0)
        messages.append(answer)
        calls = answer.get("tool_calls") or []
        if not calls:
            return close(run, answer.get("content") or HANDOVER, "answered")
        messages.extend(tool_message(call, actions.perform(call, run)) for call in calls)
    return close(run, HANDOVER, "escalated")


def model_name() -> str:
    """Return the model this deployment uses."""
    return os.environ.get("MODEL") or "desk-small-1"


def tool_message(call: dict[str, Any], result: Any) -> dict[str, Any]:
    """Return the message that gives a tool's result back to the model."""
    return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result, sort_keys=True)}


def close(run: Run, reply: str, status: str) -> dict[str, Any]:
    """Send what may leave of the reply and sum the run up."""
    text = outgoing.release(reply, run)
    if not text:
        text, status = HANDOVER, "escalated"
    tools.send_reply(run.ticket["id"], text)
    return {"ticket_id": run.ticket["id"], "status": status, "reply": text, "actions": list(run.writes)}
