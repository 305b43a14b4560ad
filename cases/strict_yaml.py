"""YAML for files that people write: what it says is what is read, or it is refused with file and line.

A subset of YAML 1.2: one document; no aliases, anchors, tags or merge keys; no key twice; keys are text.
Of unquoted scalars only these are not text: ``null``, ``~`` and nothing; ``true`` and ``false``; decimal
integers without leading zero that fit 64 bits; decimal fractions that fit a double. So ``007``, ``0x1f``,
``1_000``, ``yes``, ``no``, ``off``, ``2026-01-31``, ``12:30`` and ``1.2.3`` stay text. NaN, infinity and numbers
out of range are refused instead of rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from .errors import CaseError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is missing from some builds
"""The one loader of case files: the two of PyYAML do not accept the same texts."""

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
# A number with a fraction or an exponent; without either it has leading zeros and is text.
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER_START = frozenset("+-.0123456789")

JsonPath = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read before a file is refused."""

    max_bytes: int = 1024 * 1024
    max_depth: int = 64


DEFAULT_LIMITS = Limits()


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


@dataclass(slots=True)
class _Reading:
    where: str
    limits: Limits
    events: Iterator[Event]
    places: dict[JsonPath, Place] | None = None
    depth: int = field(default=0)

    def error(self, message: str, event: Event, hint: str = "") -> CaseError:
        line, column = _place(event)
        return CaseError(message, where=f"{self.where}:{line}:{column}", hint=hint)

    def value(self, event: Event, path: JsonPath) -> Any:
        if self.places is not None:
            self.places[path] = _place(event)
        if isinstance(event, ScalarEvent):
            return self.scalar(event)
        if isinstance(event, AliasEvent):
            raise self.error(f"expected no aliases, got *{event.anchor}", event, "Write the value out")
        self.check(event)
        self.depth += 1
        if self.depth > self.limits.max_depth:
            raise self.error(f"expected at most {self.limits.max_depth} levels, got more", event)
        collection = self.mapping(path) if isinstance(event, MappingStartEvent) else self.sequence(path)
        self.depth -= 1
        return collection

    def check(self, event: Any) -> None:
        if event.anchor is not None:
            raise self.error(f"expected no anchors, got &{event.anchor}", event, "Write the value out")
        if event.tag is not None:
            raise self.error(f"expected no tags, got {event.tag}", event, "Remove it")

    def mapping(self, path: JsonPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self.error("expected a key that is text, got something else", event)
            self.check(event)
            key = self.unicode(event)
            if key in result:
                raise self.error(f"expected each key once, got {key!r} again", event)
            if key == "<<" and event.implicit[0]:
                raise self.error("expected no merge keys, got <<", event, "Write the values out")
            here = (*path, key)
            result[key] = self.value(next(self.events), here)
            if self.places is not None:  # errors about an entry point to its key
                self.places[here] = _place(event)
        return result

    def sequence(self, path: JsonPath) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            result.append(self.value(event, (*path, len(result))))
        return result

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            self.check(event)
        if not event.implicit[0]:  # quoted or a block
            return self.unicode(event)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        return self.number(text, event) if text[0] in _NUMBER_START else text

    def unicode(self, event: Any) -> str:
        text: str = event.value
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise self.error("expected Unicode text, got a lone surrogate", event)
        return text

    def number(self, text: str, event: Event) -> Any:
        if _INTEGER.match(text):
            if len(text) > 20 or not -(2**63) <= int(text) < 2**64:
                raise self.error(f"expected a 64-bit integer, got {_short(text)}", event, "Quote it")
            return int(text)
        if _FLOAT.match(text):
            number = float(text)
            if not math.isfinite(number):
                raise self.error(f"expected a finite number, got {_short(text)}", event, "Quote it if it is text")
            return number
        if _NOT_FINITE.match(text):
            raise self.error(f"expected a finite number, got {text}", event, "Quote it if it is text")
        return text


def parse(data: bytes, where: str, *, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Return the one document of a YAML text as JSON values.

    Args:
        data: The file's bytes, UTF-8 with or without byte order mark.
        where: What to call the file in errors.
        limits: Size and depth.

    Returns:
        dict, list, str, int, float, bool or None.

    Raises:
        CaseError: With ``where:line:column``.
    """
    return _read(data, where, limits, None)


def places(data: bytes, where: str, *, limits: Limits = DEFAULT_LIMITS) -> dict[JsonPath, Place]:
    """Return line and column of every value, by its path; of a mapping's entry, where its key stands.

    A second reading, so that the first one stays cheap: it is only needed to report an error.
    """
    found: dict[JsonPath, Place] = {}
    _read(data, where, limits, found)
    return found


def read_limited(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return a file's bytes, of a file within the size limit.

    Raises:
        CaseError: It is larger, missing or unreadable.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise CaseError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
    if len(data) > limits.max_bytes:
        raise CaseError(f"expected at most {limits.max_bytes:,} bytes, got more", where=f"{path}:1:1")
    return data


def _read(data: bytes, where: str, limits: Limits, found: dict[JsonPath, Place] | None) -> Any:
    if len(data) > limits.max_bytes:
        raise CaseError(f"expected at most {limits.max_bytes:,} bytes, got {len(data):,}", where=f"{where}:1:1")
    try:
        events = yaml.parse(_decode(data, where), Loader=LOADER)
        next(events)  # start of the stream
        start = next(events)
        if not isinstance(start, DocumentStartEvent):
            raise CaseError("expected keys and values, got an empty file", where=f"{where}:1:1")
        reading = _Reading(where, limits, events, found)
        value = reading.value(next(events), ())
        next(events)  # end of the document
        extra = next(events)
        if isinstance(extra, DocumentStartEvent):
            raise reading.error("expected one document, got another after ---", extra)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, where) from None
    except yaml.reader.ReaderError as error:
        raise CaseError(f"expected printable text, got {error.reason}", where=where) from None
    return value


def _decode(data: bytes, where: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CaseError("expected UTF-8, got UTF-16", where=f"{where}:1:1", hint="Save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise CaseError(
            f"expected UTF-8, got byte 0x{data[error.start]:02x}", where=f"{where}:{line}:{column}"
        ) from None
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise CaseError(
            f"expected text, got the control character 0x{ord(control.group()):02x}",
            where=f"{where}:{line}:{column}",
        )
    return text


def _syntax_error(error: yaml.MarkedYAMLError, where: str) -> CaseError:
    mark = error.problem_mark or error.context_mark
    place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
    return CaseError(f"expected YAML, got: {error.problem or error.context}", where=place)


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:27]}…"
