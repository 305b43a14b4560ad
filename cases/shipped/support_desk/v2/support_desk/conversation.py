"""The messages a run starts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .run import Run

PROMPTS = Path(__file__).parent / "prompts"


def opening(run: Run, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the system message and the ticket as the first user message."""
    system = "\n\n".join((template("common"), template(run.topic), render_policies(policies)))
    return [{"role": "system", "content": system}, {"role": "user", "content": render_ticket(run)}]


def template(name: str) -> str:
    """Return a prompt file's text."""
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def render_policies(policies: list[dict[str, Any]]) -> str:
    """Return the retrieved policies, best match first, each under its id and version."""
    if not policies:
        return "Policies: none found. Do not state any policy."
    entries = (f"[{each['id']} version {each['version']}] {each['content']}" for each in policies)
    return "Policies, best match first:\n" + "\n".join(entries)


def render_ticket(run: Run) -> str:
    """Return the ticket with the account it came from."""
    ticket = run.ticket
    head = f"Ticket {ticket['id']}, topic {run.topic}, from account {run.customer['id']}, {run.date}"
    return f"{head}\nSubject: {ticket['subject']}\n\n{ticket['body']}"
