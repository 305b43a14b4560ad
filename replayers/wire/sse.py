"""Server-sent events, and where a recorded answer is cut into pieces to be streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from .response import dumps

_WORDS = re.compile(r"\s*\S+\s*\Z|\s*\S+|\s+")
_MOST_PIECES = 8
"""A stream of more pieces shows a client nothing new, and costs time."""
_FIELDS = ("data:", "event:", "id:", "retry:", ":")


def event(value: Any, name: str = "") -> bytes:
    """Return one event with a JSON value; with a name where the protocol names its events."""
    data = b"data: " + dumps(value) + b"\n\n"
    return b"event: " + name.encode() + b"\n" + data if name else data


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that end between words; none of an empty text. Joined they are the text."""
    words = _WORDS.findall(text)
    at_once = -(-len(words) // _MOST_PIECES)
    for start in range(0, len(words), at_once or 1):
        yield "".join(words[start : start + at_once])


def recorded_events(frames: Sequence[str], *, named: bool) -> list[bytes]:
    """Return recorded frames as they go over the wire.

    Args:
        frames: Events verbatim, or only the JSON of each.
        named: Whether the protocol names its events by their type.
    """
    return [_framed(frame, named) for frame in frames]


def _framed(frame: str, named: bool) -> bytes:
    if frame.startswith(_FIELDS):
        return frame.rstrip("\r\n").encode() + b"\n\n"
    payload = frame.strip()
    value = payload_of(frame)
    head = f"event: {value['type']}\n" if named and isinstance(value, Mapping) and "type" in value else ""
    lines = "".join(f"data: {line}\n" for line in payload.splitlines())
    return f"{head}{lines}\n".encode()


def payload_of(frame: str) -> Any:
    """Return the JSON value of a recorded frame; None where it has none."""
    data = frame
    if frame.startswith(_FIELDS):
        lines = [line[5:].removeprefix(" ") for line in frame.splitlines() if line.startswith("data:")]
        data = "\n".join(lines)
    try:
        return msgspec.json.decode(data.encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
