"""Reading untrusted JSON bytes: what cannot be kept exactly is refused with its place.

The fast way is orjson. It silently keeps the last of duplicate keys and rounds integers beyond 64 bits, so
documents that people rely on are read with ``strict=True``, which adds a pass of the standard library.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from .errors import SourceError


@dataclass(frozen=True)
class Limits:
    """What a source may cost before it is refused."""

    document_bytes: int = 256 * 1024 * 1024
    """Largest JSON document that is held in memory, in bytes; also the largest line or streamed item."""
    depth: int = 200
    """Deepest nesting of arrays and objects; orjson writes no more than 254 levels."""


DEFAULT = Limits()


def read(path: Path, *, limits: Limits = DEFAULT, strict: bool = True) -> Any:
    """Parse a whole file.

    Args:
        path: A file of one JSON document.
        limits: Size and depth allowed.
        strict: See `parse`.

    Raises:
        SourceError: The file cannot be read or is not the JSON it must be.
    """
    try:
        size = path.stat().st_size
        if size > limits.document_bytes:
            raise too_large(size, where=path.name, limits=limits)
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"expected a readable file, got {error.strerror}", where=str(path)) from error
    return parse(data, where=path.name, limits=limits, strict=strict)


def parse(data: bytes, *, where: str, limits: Limits = DEFAULT, strict: bool = False, first_line: int = 1) -> Any:
    """Parse one JSON document.

    Args:
        data: The bytes, UTF-8 without a byte order mark.
        where: Name of the file for messages.
        limits: Size and depth allowed.
        strict: Refuse duplicate keys and keep integers of any size exactly.
        first_line: Line of the file on which ``data`` starts.

    Returns:
        The value.

    Raises:
        SourceError: With file, line and column, or the JSON pointer of a duplicate key.
    """
    if len(data) > limits.document_bytes:
        raise too_large(len(data), where=where, limits=limits)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise diagnosed(data, error, where=where, limits=limits, first_line=first_line) from None
    # Counting brackets is 100 times faster than walking, and a document with few of them cannot be deep.
    if data.count(b"[") + data.count(b"{") > limits.depth and exceeds_depth(value, limits.depth):
        raise _too_deep(data, where=where, limits=limits, first_line=first_line)
    return _exact(data, where=where, first_line=first_line) if strict else value


_NESTING = frozenset((dict, list))


def exceeds_depth(value: Any, depth: int) -> bool:
    """Tell whether arrays and objects nest deeper than ``depth`` levels."""
    level = [value] if type(value) in _NESTING else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) in _NESTING
        ]
    return bool(level)


def too_large(size: int, *, where: str, limits: Limits) -> SourceError:
    """Return the error for a document beyond the size limit."""
    return SourceError(
        f"expected at most {limits.document_bytes:,} bytes in one document, got {size:,}",
        where=where,
        hint="Export it as JSON Lines, which are streamed, or raise the limit",
    )


class _DuplicateKey(ValueError):
    """Found one; where it is takes a second pass."""


class _Pairs(list[Any]):
    """An object as its pairs, duplicates included."""


def _exact(data: bytes, *, where: str, first_line: int) -> Any:
    text = data.decode()
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except _DuplicateKey:
        pointer, key = _first_duplicate(json.loads(text, object_pairs_hook=_Pairs), "") or ("", "")
    place = f"{where}:{first_line}" if first_line > 1 else where
    raise SourceError(
        f"expected every key once, got {key!r} twice in the object at {pointer or '/'}",
        where=f"{place}#{pointer}",
        hint="Decide which value is meant and remove the other",
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKey
    return value


def _first_duplicate(value: Any, pointer: str) -> tuple[str, str] | None:
    """Return the pointer of the first object with a duplicate key, and that key."""
    children: list[tuple[Any, Any]] = []
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, _ in value:
            if key in seen:
                return pointer, key
            seen.add(key)
        children = list(value)
    elif isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        found = _first_duplicate(child, f"{pointer}/{escape_pointer(str(key))}")
        if found is not None:
            return found
    return None


def escape_pointer(key: str) -> str:
    """Return a key as a step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
}
_MARKS = {
    b"\xef\xbb\xbf": "UTF-8 with a byte order mark",
    b"\xff\xfe": "UTF-16 (little endian)",
    b"\xfe\xff": "UTF-16 (big endian)",
}


def diagnosed(
    data: bytes, error: orjson.JSONDecodeError, *, where: str, limits: Limits, first_line: int
) -> SourceError:
    """Return the error that says what bytes that are not JSON are instead."""
    line, column = error.lineno + first_line - 1, error.colno
    place = f"{where}:{line}:{column}"
    refused = _encoding_error(data, where=where, first_line=first_line)
    if refused is not None:
        return refused
    if "depth" in error.msg:
        return _too_deep(data, where=where, limits=limits, first_line=first_line)
    rest = data.decode()[error.pos :]
    if not data.strip():
        return SourceError("expected JSON, got nothing", where=f"{where}:{first_line}")
    end = len(data.rstrip())
    if "unexpected end" in error.msg and not rest.strip()[1:]:
        place = _place(data, end, where, first_line)
        return SourceError("expected the rest of the JSON, got its end", where=place, hint="It is truncated")
    if re.match(r"-?(NaN|Infinity|inf|nan)", rest):
        return SourceError("expected a finite number, got NaN or Infinity", where=place)
    if "infinity" in error.msg:
        number = re.match(r"[-+.\deE]*", rest)
        return SourceError(f"expected a finite number, got {number[0][:20] if number else rest[:20]}", where=place)
    if "surrogate" in error.msg or "hex escape" in error.msg:
        return SourceError("expected whole characters, got a lone surrogate escape", where=place)
    return SourceError(f"expected JSON, got {rest[:12]!r} ({error.msg})", where=place)


def _encoding_error(data: bytes, *, where: str, first_line: int) -> SourceError | None:
    for mark, name in (_COMPRESSED | _MARKS).items():
        if data.startswith(mark):
            hint = "Unpack it first" if mark in _COMPRESSED else "Save it as UTF-8 without a byte order mark"
            return SourceError(f"expected JSON in UTF-8, got {name}", where=f"{where}:{first_line}:1", hint=hint)
    head = data[:64]
    half_zero = len(head) > 3 and any(head) and head.count(0) >= len(head) // 2 - 1
    if half_zero and (not any(head[::2]) or not any(head[1::2])):
        hint = "Save it as UTF-8 without a byte order mark"
        return SourceError("expected JSON in UTF-8, got UTF-16", where=f"{where}:{first_line}:1", hint=hint)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        binary = b"\0" in data[: error.start + 512]
        got = "binary data" if binary else f"the byte 0x{data[error.start]:02x}, which is not UTF-8"
        return SourceError(f"expected JSON in UTF-8, got {got}", where=_place(data, error.start, where, first_line))
    if b"\0" in data[:4096]:
        return SourceError("expected JSON, got binary data", where=_place(data, data.index(0), where, first_line))
    return None


_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def _too_deep(data: bytes, *, where: str, limits: Limits, first_line: int) -> SourceError:
    depth = 0
    for token in _TOKENS.finditer(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > limits.depth:
            where = _place(data, token.start(), where, first_line)
            break
    return SourceError(f"expected at most {limits.depth} levels of nesting, got more", where=where)


def _place(data: bytes, at: int, where: str, first_line: int) -> str:
    line_start = data.rfind(b"\n", 0, at) + 1
    column = len(data[line_start:at].decode(errors="replace")) + 1
    return f"{where}:{data.count(10, 0, at) + first_line}:{column}"
