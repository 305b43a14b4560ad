"""Keeping the source of a trace so that its very bytes come back.

A source that some JSON writer made is stored as a value plus the layout that gives its bytes again; this is
verified when it is stored. A source in any other shape is stored as its text.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .trace import Original

_COMPACT, _SPACED = (",", ":"), (", ", ": ")


def preserve(text: bytes, value: Any) -> Original:
    """Store a JSON document.

    Args:
        text: The bytes of the document, with whatever white space surrounds it.
        value: What ``text`` parses to, integers exact.

    Returns:
        An original for which ``rebuild`` returns ``text``.
    """
    for layout in _candidates(text):
        if _writes(value, layout, text):
            return Original(layout=layout, value=value)
        spellings = _spellings(text) if _UNUSUAL_NUMBER.search(text) else {}
        if spellings and _writes(value, layout | {"numbers": spellings}, text):
            return Original(layout=layout | {"numbers": spellings}, value=value)
    return preserve_text(text)


def preserve_changed(text: bytes, value: Any) -> Original:
    """Store a value that was changed after ``text`` was parsed (redacted), in the layout of ``text``.

    Nothing of ``text`` but its white space is kept.
    """
    layout = next(_candidates(text), {"kind": "json", "indent": None, "separators": list(_SPACED)})
    return Original(layout=layout, value=value)


def preserve_text(text: bytes) -> Original:
    """Store bytes as text, or in base64 where they are not UTF-8."""
    try:
        return Original(layout={"kind": "text"}, value=text.decode())
    except UnicodeDecodeError:
        return Original(layout={"kind": "base64"}, value=base64.b64encode(text).decode())


def join(slices: Iterable[tuple[int, Original]]) -> Original:
    """Store several slices of one file as one original.

    Args:
        slices: Line number and original of each, in order of the file.
    """
    known = list(slices)
    lines = [{"line": line, **original.layout} for line, original in known]
    return Original(layout={"kind": "lines", "lines": lines}, value=[original.value for _, original in known])


def rebuild(original: Original) -> bytes:
    """Return the bytes that were stored."""
    layout = original.layout
    if layout["kind"] == "lines":
        parts = zip(layout["lines"], original.value, strict=True)
        return b"".join(rebuild(Original(layout=part, value=value)) for part, value in parts)
    if layout["kind"] == "text":
        return str(original.value).encode()
    if layout["kind"] == "base64":
        return base64.b64decode(original.value)
    return _write(original.value, layout)


def _writes(value: Any, layout: dict[str, Any], text: bytes) -> bool:
    try:
        return _write(value, layout) == text
    except (ValueError, TypeError, RecursionError):
        return False  # lone surrogates, or more levels than a writer goes down


def _write(value: Any, layout: dict[str, Any]) -> bytes:
    spellings = layout.get("numbers")
    if spellings:
        value = _marked(value, spellings, itertools.count())
    indent = layout.get("indent")
    item, key = _COMPACT if indent is not None else layout.get("separators") or _COMPACT
    body = json.dumps(value, ensure_ascii=bool(layout.get("ascii")), separators=(item, key)).encode()
    if spellings:
        body = _MARK.sub(rb"\1", body)
    if indent is not None:
        body = _indented(body, indent)
    newline = f"{layout.get('newline', chr(10))}{layout.get('base', '')}".encode()
    if newline != b"\n":
        body = body.replace(b"\n", newline)
    return f"{layout.get('prefix', '')}".encode() + body + f"{layout.get('suffix', '')}".encode()


def _indented(body: bytes, indent: int | str) -> bytes:
    # msgspec lays out encoded JSON in C and leaves the tokens alone; json.dumps(indent=…) is 10 times slower.
    if isinstance(indent, int):
        return msgspec.json.format(body, indent=indent)
    unit = indent.encode()
    spaced = msgspec.json.format(body, indent=1)
    return re.sub(rb"\n( +)", lambda found: b"\n" + unit * len(found[1]), spaced)


_FIRST_BREAK = re.compile(rb"[\[{](\r?\n)([ \t]*)")


def _candidates(text: bytes) -> Iterator[dict[str, Any]]:
    """Yield the layouts that could have written this text, the likelier first."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return
    body = text.strip(b" \t\r\n")
    start = text.find(body)
    layout: dict[str, Any] = {"kind": "json", "ascii": body.isascii() and b"\\u" in body}
    if start:
        layout["prefix"] = text[:start].decode()
    if start + len(body) < len(text):
        layout["suffix"] = text[start + len(body) :].decode()
    opened = _FIRST_BREAK.match(body)
    if opened is None:
        first = body.find(b'":')
        spaced = body[first + 2 : first + 3] == b" " if first >= 0 else b", " in body
        for separators in (_SPACED, _COMPACT) if spaced else (_COMPACT, _SPACED):
            yield layout | {"indent": None, "separators": list(separators)}
        return
    yield layout | _indentation(body, opened[1].decode(), opened[2].decode())


def _indentation(body: bytes, newline: str, inner: str) -> dict[str, Any]:
    last_line = body[body.rfind(b"\n") + 1 :]
    base = last_line[: len(last_line) - len(last_line.lstrip(b" \t"))].decode()
    step = inner[len(base) :]
    found: dict[str, Any] = {"indent": len(step) if step.strip(" ") == "" and step else step or 0}
    if base:
        found["base"] = base
    if newline != "\n":
        found["newline"] = newline
    return found


# Python writes 5e-05 and 1e+16; JavaScript, Go and people write 0.00005, 10000000000000000.0 and 1.50.
_UNUSUAL_NUMBER = re.compile(rb"[:\[,\s]-?\d+(?:\.\d*0[,\s\]}]|\.?\d*[eE]|\.0000)")
_MARK = re.compile(rb'"\\u0000([-+.\deE]+)\\u0000"')


def _spellings(text: bytes) -> dict[str, str]:
    """Return how the floats are written that Python would write otherwise, by their position among all floats."""
    written: list[str] = []

    def note(spelling: str) -> float:
        written.append(spelling)
        return 0.0

    try:
        json.loads(text, parse_float=note)
    except (ValueError, RecursionError):
        return {}
    return {str(position): spelling for position, spelling in enumerate(written) if repr(float(spelling)) != spelling}


def _marked(value: Any, spellings: dict[str, str], positions: Iterator[int]) -> Any:
    if type(value) is float:
        spelling = spellings.get(str(next(positions)))
        return value if spelling is None else f"\0{spelling}\0"
    if isinstance(value, dict):
        return {key: _marked(item, spellings, positions) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, spellings, positions) for item in value]
    return value
