"""Where two values differ, cut down to what a person needs to see."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .text import excerpt, inline

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS = 3_000
"""difflib takes time with the product of both lengths; longer texts are shown whole on each side."""

_LEAD = 24


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words that stands in both texts, or in one only."""

    kind: Literal["same", "removed", "added"]
    text: str


def around(recorded: Any, replayed: Any, limit: int) -> tuple[str, str]:
    """Return one-line excerpts of two values that start shortly before the place where they differ."""
    old, new = _whole(recorded), _whole(replayed)
    start = _common_prefix(old, new)
    if start <= _LEAD or max(len(old), len(new)) <= limit:
        return excerpt(old, limit), excerpt(new, limit)
    begin = start - _LEAD
    return excerpt("…" + old[begin:], limit), excerpt("…" + new[begin:], limit)


def _whole(value: Any) -> str:
    return inline(value) if isinstance(value, str) else excerpt(value, 4_000)


def _common_prefix(old: str, new: str) -> int:
    pairs = zip(old, new, strict=False)
    return next((place for place, (left, right) in enumerate(pairs) if left != right), min(len(old), len(new)))


def segments(old: str, new: str) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Return both texts cut into what is the same and what is not, word by word."""
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    if len(left) * len(right) > _MOST_WORDS**2 or not left or not right:
        return (Segment("removed", old),), (Segment("added", new),)
    codes = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    before = ((op == "equal", "".join(left[a:b])) for op, a, b, _, _ in codes)
    after = ((op == "equal", "".join(right[a:b])) for op, _, _, a, b in codes)
    return tuple(_segments(before, "removed")), tuple(_segments(after, "added"))


def _segments(pieces: Iterator[tuple[bool, str]], other: Literal["removed", "added"]) -> Iterator[Segment]:
    for same, text in pieces:
        if text:
            yield Segment("same" if same or text.isspace() else other, text)
