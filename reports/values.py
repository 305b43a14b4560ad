"""Recorded values as a page shows them: a short head, the full text folded away, a cap on the whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from .text import excerpt

HEAD = 420
"""Characters of a value that stand on the page unfolded."""
HEAD_LINES = 9
LINE = 72
"""JSON up to this length stays on one line."""
FULL = 20_000
"""Characters of a value that can be unfolded; the JSON of the run has the rest."""
PAGE = 1_500_000
"""Characters of unfolded texts on one page; after that only heads."""


@dataclass(frozen=True, slots=True)
class Value:
    """A recorded value, ready to be shown."""

    head: str
    full: str = ""
    """The text to fold away; empty when the head is all of it."""
    left_out: int = 0
    """Characters that are only in the JSON of the run."""


class Allowance:
    """Turns values into what the page shows of them, within a budget for the page."""

    def __init__(self, page: int = PAGE) -> None:
        self._left = page

    def value(self, raw: Any) -> Value:
        """Return a value, shortened and counted."""
        text = as_text(raw)
        head = _head(text)
        self._left -= len(head)
        if head == text:
            return Value(text)
        full = text[:FULL] if len(text) - len(head) < self._left or self._left > FULL else ""
        self._left -= len(full)
        return Value(head.rstrip() + " …", full, len(text) - len(full or head))


def as_text(raw: Any, *, line: int = LINE) -> str:
    """Return a recorded value as text: text as it is, anything else as JSON, indented beyond ``line`` characters."""
    if isinstance(raw, str):
        return raw
    if raw is None:
        return ""
    try:
        flat = json.dumps(raw, ensure_ascii=False, default=_plain)
        return flat if len(flat) <= line else json.dumps(raw, ensure_ascii=False, indent=2, default=_plain)
    except (RecursionError, ValueError, TypeError):
        return excerpt(raw, FULL)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else str(value)


def _head(text: str) -> str:
    if len(text) <= HEAD and text.count("\n") <= HEAD_LINES:
        return text
    lines = text[:HEAD].split("\n")
    return "\n".join(lines[:HEAD_LINES])
