"""Exact JSON: an object in which a key stands twice means one thing to one reader and another to the next."""

from __future__ import annotations

import json
from typing import Any


def repeated_key(data: bytes) -> str | None:
    """Return a key that stands twice in one object of a valid document; None where there is none.

    Args:
        data: A JSON document in UTF-8 that nests no deeper than the standard library reads.
    """
    try:
        # Numbers stay text: the standard library refuses those of more than 4300 digits.
        json.loads(data.decode(), object_pairs_hook=_once, parse_int=str, parse_float=str, strict=False)
    except _RepeatedKeyError as error:
        return error.key
    return None


class _RepeatedKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _RepeatedKeyError(key)
        seen.add(key)
