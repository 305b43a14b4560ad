"""The last look at a call before it changes something (first attempt: look for words of attacks)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

VERSION = "2-attempt"
WRITES = frozenset({"update_address", "request_refund"})
MAX_WRITES = 2
"""Changes on one ticket; a confused model repeats itself."""
MAX_TEXT = 300
WORDS_OF_ATTACKS = re.compile(
    r"(ignore|disregard|forget) (all |any |the )?(previous|prior|above|earlier)"
    r"|system prompt|you are now|new instructions?|as an ai|jailbreak|developer mode",
    re.IGNORECASE,
)


def objection(name: str, arguments: dict[str, Any], run: Run) -> str:
    """Return why a call must not go through; empty when it may."""
    if name not in WRITES:
        return ""
    if len(run.writes) >= MAX_WRITES:
        return "this ticket has changed enough; hand it over"
    texts = [value for value in arguments.values() if isinstance(value, str)]
    if any(len(text) > MAX_TEXT or not text.isprintable() for text in texts):
        return "an argument is too long or holds control characters"
    if any(WORDS_OF_ATTACKS.search(json.dumps(record)) for record in run.looked_up.values()):
        return "a record this ticket looked up reads like an attack"
    return ""
