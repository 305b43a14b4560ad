"""Questions to the customer, through the shop's chat window."""

from __future__ import annotations

from . import remote

PATIENCE_S = 300.0


def ask_user(question: str) -> str:
    """Ask the customer and return the answer."""
    answer = remote.post(remote.setting("CHAT_URL"), {"question": question}, timeout_s=PATIENCE_S)
    return str(answer["answer"])
