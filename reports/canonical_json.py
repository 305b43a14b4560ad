"""Canonical JSON (RFC 8785): the same value is always the same bytes, so that a digest can stand for it.

Numbers there are IEEE doubles. Integers beyond ±(2^53−1) would lose digits, so they are written as decimal strings.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from ..cases import strict_json
from ..cases.errors import SourceError

_SAFE = 2**53 - 1
LIMITS = strict_json.Limits(document_bytes=64 * 1024 * 1024)


class DuplicateKeyError(ValueError):
    """An object has a key twice: two readers could see two documents."""


class NotCanonicalError(ValueError):
    """The bytes are JSON, but not the canonical form of it: they were not written by this project."""


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of builtins, structs and dataclasses.

    Raises:
        ValueError: A number is not finite, or a text is not Unicode.
    """
    import rfc8785

    try:
        return rfc8785.dumps(_portable(msgspec.to_builtins(value)))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"expected a value that JSON can hold exactly, got: {error}") from None


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def read_canonical(data: bytes, where: str) -> Any:
    """Return the value of canonical JSON.

    Args:
        data: The bytes.
        where: Name of the file for messages.

    Raises:
        SourceError: It is not JSON, or over a limit.
        DuplicateKeyError: A key stands twice in one object.
        NotCanonicalError: It is not the canonical form of what it says.
    """
    strict_json.parse(data, where=where, limits=LIMITS)
    value = json.loads(data, object_pairs_hook=_unique, parse_int=_number)
    try:
        same = canonical(value) == data
    except ValueError as error:
        raise SourceError(str(error), where=where) from None
    if not same:
        raise NotCanonicalError("the bytes are not canonical JSON")
    return value


def _number(digits: str) -> int | float:
    """Return a number as a reader of RFC 8785 has it: large doubles are written without an exponent up to 1e21."""
    number = int(digits) if len(digits) < 18 else float(digits)
    return number if isinstance(number, int) and abs(number) <= _SAFE else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DuplicateKeyError(f"the key {twice[:80]!a} stands twice in one object")
    return value


def _portable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _portable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE:
        return str(value)
    return value
