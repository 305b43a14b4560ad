"""The last look at a call before it changes something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

VERSION = "2"
WRITES = frozenset({"update_address", "request_refund"})
MAX_WRITES = 2
"""Changes on one ticket; a confused model repeats itself."""
MAX_TEXT = 300
FROM_THE_CUSTOMER = {"update_address": ("address",), "request_refund": ("order_id",)}
"""Arguments that the customer must have said. What records and documents say informs an answer; it never
gives an order, because anybody may have written it: a sender of gifts, a marketplace seller."""


def objection(name: str, arguments: dict[str, Any], run: Run) -> str:
    """Return why a call must not go through; empty when it may."""
    if name not in WRITES:
        return ""
    if len(run.writes) >= MAX_WRITES:
        return "this ticket has changed enough; hand it over"
    texts = [value for value in arguments.values() if isinstance(value, str)]
    if any(len(text) > MAX_TEXT or not text.isprintable() for text in texts):
        return "an argument is too long or holds control characters"
    foreign = [key for key in FROM_THE_CUSTOMER[name] if not said(str(arguments[key]), run)]
    return f"the customer did not say this {foreign[0]}" if foreign else ""


def said(value: str, run: Run) -> bool:
    """Return whether the customer said a value, whatever its case and punctuation."""
    wanted = plain(value)
    return wanted != " " and any(wanted in plain(words) for words in run.customer_words())


def plain(text: str) -> str:
    """Return the words of a text between single spaces."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])
