"""What may leave for the customer."""

from __future__ import annotations

import re

from .run import Run

MARK = "[internal]"
"""How colleagues mark a line that is for colleagues."""
SHARED_WORDS = 4
"""So many words in a row that also stand in an internal note: the sentence repeats it."""


def release(reply: str, run: Run) -> str:
    """Return what may be sent of a reply; empty when nothing may.

    Args:
        reply: What the assistant wrote.
        run: The run it was written in.
    """
    internal = {each for note in internal_notes(run) for each in phrases(note)}
    lines = [line for line in reply.splitlines() if not line.lstrip().lower().startswith(MARK)]
    return "\n".join(without(line, internal) for line in lines).strip()


def internal_notes(run: Run) -> list[str]:
    """Return the notes of looked-up records that are not labelled for customers; no label is not for them."""
    notes = [note for record in run.looked_up.values() for note in record.get("notes", ())]
    return [str(note["text"]) for note in notes if note.get("audience") != "customer"]


def without(line: str, internal: set[str]) -> str:
    """Return a line without the sentences that repeat something internal."""
    sentences = re.split(r"(?<=[.!?])\s+", line)
    kept = [each for each in sentences if not any(phrase in plain(each) for phrase in internal)]
    return line if len(kept) == len(sentences) else " ".join(kept)


def phrases(note: str) -> set[str]:
    """Return every run of ``SHARED_WORDS`` words of a note; all of a shorter one."""
    words = plain(note).split()
    starts = range(max(len(words) - SHARED_WORDS, 0) + 1)
    return {plain(" ".join(words[start : start + SHARED_WORDS])) for start in starts} if words else set()


def plain(text: str) -> str:
    """Return the words of a text between single spaces."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])
