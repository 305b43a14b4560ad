"""The last look at a call before it changes something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

VERSION = "1"
WRITES = frozenset({"update_address", "request_refund"})
MAX_WRITES = 2
"""Changes on one ticket; a confused model repeats itself."""
MAX_TEXT = 300


def objection(name: str, arguments: dict[str, Any], run: Run) -> str:
    """Return why a call must not go through; empty when it may."""
    if name not in WRITES:
        return ""
    if len(run.writes) >= MAX_WRITES:
        return "this ticket has changed enough; hand it over"
    texts = [value for value in arguments.values() if isinstance(value, str)]
    if any(len(text) > MAX_TEXT or not text.isprintable() for text in texts):
        return "an argument is too long or holds control characters"
    return ""
