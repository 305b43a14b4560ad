"""What the desk knows while it works on one ticket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Run:
    """One ticket, the account it came from, and what was looked up, asked and written so far."""

    ticket: dict[str, Any]
    customer: dict[str, Any]
    looked_up: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Results of read tools, by tool name and id."""
    answers: list[str] = field(default_factory=list)
    """What the customer answered to questions of the desk."""
    writes: list[str] = field(default_factory=list)
    """Names of the tools that changed something, in order."""

    @property
    def topic(self) -> str:
        """The topic the customer chose in the contact form."""
        return str(self.ticket["topic"])

    @property
    def date(self) -> str:
        """The day the ticket came in, ``2026-05-04``; policies are applied as of this day."""
        return str(self.ticket["received_at"])[:10]

    def question(self) -> str:
        """Return the words to search policies with."""
        return f"{self.ticket['subject']} {self.ticket['body']}"

    def customer_words(self) -> list[str]:
        """Return everything the customer said: the ticket and the answers to questions."""
        return [str(self.ticket["subject"]), str(self.ticket["body"]), *self.answers]

    def remember(self, tool: str, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        """Keep what a read tool returned."""
        key = arguments.get("order_id") or arguments.get("customer_id") or ""
        self.looked_up[(tool, str(key))] = result

    def found(self, tool: str, key: str) -> dict[str, Any] | None:
        """Return what a read tool returned for an id, or None where it was not asked or had nothing."""
        result = self.looked_up.get((tool, key))
        return None if result is None or "error" in result else result
