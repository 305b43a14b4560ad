"""Alignment: which items of two lists stand for each other, where they differ.

Lists are compared in order. At a difference the nearest place where they agree again decides what it was: an item
that changed, some that were added, or some that were removed. Linear in the length of the lists, so that a
divergence in 100 KB is explained at once; a shortest edit script takes quadratic time for lists that share little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

REACH = 40
"""How many items further the lists are searched for a place where they agree again."""

Pair = tuple[int | None, int | None]
"""Index in the old and in the new list; None where the item was added or removed."""


def differing(old: Sequence[Any], new: Sequence[Any]) -> Iterator[Pair]:
    """Yield the places in which two lists differ, in order.

    Args:
        old: The recorded list.
        new: The replayed list.

    Yields:
        Both indices for an item that changed, one for an item that was removed or added.
    """
    left, right = 0, 0
    old_end, new_end = _without_shared_end(old, new)
    while left < old_end and right < new_end:
        if old[left] == new[right]:
            left, right = left + 1, right + 1
            continue
        removed, added = _until_equal(old[left : min(left + REACH, old_end)], new[right : min(right + REACH, new_end)])
        if removed == added:
            yield from zip(range(left, left + removed), range(right, right + added), strict=True)
        else:
            yield from ((index, None) for index in range(left, left + removed))
            yield from ((None, index) for index in range(right, right + added))
        left, right = left + removed, right + added
    yield from ((index, None) for index in range(left, old_end))
    yield from ((None, index) for index in range(right, new_end))


def _without_shared_end(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """Return the lengths of both lists without the items that they have in common at the end."""
    old_end, new_end = len(old), len(new)
    while old_end and new_end and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    return old_end, new_end


def _until_equal(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """Return how many items to leave out on either side until the next ones are equal; one of each if none are."""
    for step in range(1, max(len(old), len(new))):
        if step < len(old) and step < len(new) and old[step] == new[step]:
            return step, step
        if step < len(new) and old[0] == new[step]:
            return 0, step
        if step < len(old) and old[step] == new[0]:
            return step, 0
    return 1, 1
