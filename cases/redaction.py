"""Redaction: personal data and secrets become tokens before anything is written.

All texts and keys of a value are laid end to end and scanned in one go. A key stands before its text, so that
``{"phone": "5551234567"}`` and ``{"version": "1.2.3.4"}`` are read as people read them. Texts in which something was
found are scanned again until nothing more is found, so a second redaction changes nothing.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .errors import EvidenceError
from .message_parts import structured
from .patterns import TOKEN, TYPES
from .pseudonyms import Pseudonyms
from .redaction_rules import (
    FieldRule,
    State,
    compile_rules,
    descend,
    entity_patterns,
    matched,
    start,
)
from .scanning import Scanner, Span, scanner_for

MAX_PLACES = 20
"""Places kept for each type in a report."""
_PASSES = 6
_BATCH_BYTES = 256 * 1024
_LONG_NUMBER = 10**6
"""Smaller integers cannot be a phone or card number."""
_END = b"\x1e"
"""After each text; no pattern crosses it."""
_KEY_END = b"\x1f"
"""Between a key and its text; the patterns that look at what stands before a value see across it."""
_TELLING = re.compile(r"phone|mobile|tel|fax|sms|whatsapp|ssn|social|version|\bver\b|build|release|revision|key", re.I)
_TOKEN = re.compile(TOKEN.pattern.decode())

Unit = tuple[str, str]
"""A text and the key it stands under; the key is empty where it says nothing about the text."""


@dataclass(slots=True)
class RedactionReport:
    """What was replaced."""

    counts: dict[str, int] = field(default_factory=dict)
    """Replacements by type."""
    places: dict[str, list[str]] = field(default_factory=dict)
    """The first places of each type, as JSON pointers or as the caller named them."""

    def add(self, kind: str, place: str, times: int = 1) -> None:
        """Count replacements at one place."""
        self.counts[kind] = self.counts.get(kind, 0) + times
        known = self.places.setdefault(kind, [])
        if len(known) < MAX_PLACES and place not in known:
            known.append(place)

    def summary(self) -> str:
        """Return ``3 email, 1 iban``, or ``nothing``."""
        counted = sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))
        return ", ".join(f"{count} {kind}" for kind, count in counted) or "nothing"


@dataclass(slots=True)
class _Redacted:
    text: str
    types: list[str] = field(default_factory=list)
    """One for each replacement."""


class Redactor:
    """Replaces what the patterns, rules and lists find, and keeps count.

    Args:
        key: The tenant key.
        rules: Fields that are always replaced.
        entities: Names by type that are replaced wherever they stand as words.
        types: Built-in types to look for; all when None.
    """

    def __init__(
        self,
        key: bytes,
        rules: Sequence[FieldRule] = (),
        *,
        entities: Mapping[str, Sequence[str]] | None = None,
        types: Sequence[str] = TYPES,
    ) -> None:
        self._pseudonyms = Pseudonyms(key)
        self._rules = compile_rules(rules)
        own = entity_patterns(entities or {})
        builtin = scanner_for(frozenset(types))  # shared: compiling it takes longer than most files
        self._scanner = Scanner([*builtin.patterns, *own]) if own else builtin
        self._report = RedactionReport()

    def redact_value(self, value: Any, place: str = "") -> Any:
        """Return a JSON value with every text, key and number that was found replaced.

        Args:
            value: Any JSON value; it is not changed.
            place: JSON pointer of the value, for the report.

        Raises:
            EvidenceError: It is nested too deeply.
        """
        found = self._find(list(dict.fromkeys(_units(value))))
        if not found and not self._rules:
            return value
        try:
            return self._rebuild(value, "", place, found, start(self._rules))
        except RecursionError:
            raise EvidenceError("expected fewer nested levels, got too many", where="redaction") from None

    def redact_text(self, text: str, place: str = "") -> str:
        """Return a text with everything that was found replaced.

        Args:
            text: Any text; JSON text stays JSON.
            place: What to call it in the report.
        """
        found = self._find([(text, "")])
        return self._counted(found[text, ""], place) if found else text

    def report(self) -> RedactionReport:
        """Return what was replaced since this redactor was made."""
        return self._report

    def check(self, value: Any) -> None:
        """Refuse a value in which there is still something to replace.

        Runs every pattern on every text, without the set that normally says which to run.

        Args:
            value: A redacted JSON value.

        Raises:
            EvidenceError: Names the types that were found, not the values; or two values share a token.
        """
        left: set[str] = set()
        for blob, ranges in _batches(list(dict.fromkeys(_units(value)))):
            spans = self._scanner.spans(blob, prefilter=False)
            left.update(span.type for _, inside in _by_unit(spans, ranges) for span in inside)
        if left:
            raise EvidenceError(f"expected nothing left to redact, got {', '.join(sorted(left))}", where="redaction")
        if self._pseudonyms.collisions():
            raise EvidenceError("expected distinct values to stay distinct, got one token for two", where="redaction")

    def _find(self, units: Sequence[Unit]) -> dict[Unit, _Redacted]:
        """Return the units in which something was found, with their new text."""
        found: dict[Unit, _Redacted] = {}
        pending = {unit: unit for unit in units}  # what is scanned: the unit it came from
        for _ in range(_PASSES):
            pending = self._pass(pending, found)
            if not pending:
                return found
        for unit in pending.values():  # only texts made to nest forever come here
            token = self._pseudonyms.token("text", unit[0])
            found[unit] = _Redacted(token, [*found[unit].types, "text"])
        return found

    def _pass(self, pending: Mapping[Unit, Unit], found: dict[Unit, _Redacted]) -> dict[Unit, Unit]:
        changed: dict[Unit, Unit] = {}
        units = list(pending)
        offset = 0
        for blob, ranges in _batches(units):
            for index, spans in _by_unit(self._scanner.spans(blob), ranges):
                scanned = units[offset + index]
                origin = pending[scanned]
                known = found.setdefault(origin, _Redacted(origin[0]))
                known.text = self._replace(blob, spans, ranges[index])
                known.types += [span.type for span in spans]
                changed[known.text, scanned[1]] = origin
            offset += len(ranges)
        return changed

    def _replace(self, blob: bytes, spans: Sequence[Span], limits: tuple[int, int]) -> str:
        position, end = limits
        parts: list[bytes] = []
        for span in spans:
            quote = _quote(blob, span, limits)
            token = self._pseudonyms.token(span.type, span.canonical).encode()
            parts += (blob[position : span.start], quote, token, quote)
            position = span.end
        parts.append(blob[position:end])
        return b"".join(parts).decode("utf-8", "surrogatepass")

    def _counted(self, redacted: _Redacted, place: str) -> str:
        for kind in redacted.types:
            self._report.add(kind, place)
        return redacted.text

    def _rebuild(self, value: Any, key: str, place: str, found: Mapping[Unit, _Redacted], state: State) -> Any:
        if isinstance(value, dict):
            return self._rebuild_object(value, place, found, state)
        if isinstance(value, (list, tuple)):
            return [
                self._rebuild(
                    each, key, f"{place}/{index}", found, descend(self._rules, state, index) if state else state
                )
                for index, each in enumerate(value)
            ]
        text = _text_of(value)
        redacted = found.get((text, _telling(key))) if text else None
        kind = matched(self._rules, state) if state else ""
        if kind and not isinstance(value, bool) and value not in (None, ""):
            return self._by_rule(kind, str(value), redacted, place)
        inside = self._inside_of_text(value, place, state) if state and isinstance(value, str) else None
        if inside is not None:
            return inside
        return self._counted(redacted, place) if redacted else value

    def _inside_of_text(self, text: str, place: str, state: State) -> str | None:
        """Apply the field rules to the JSON that a text holds; None where it holds none or no rule fits.

        Tool arguments and results often travel as JSON text: a field in there is the same field.
        """
        held = structured(text)
        if not isinstance(held, (dict, list)):
            return None
        rebuilt = self._rebuild(held, "", place, {}, state)
        if rebuilt == held:
            return None
        spaced = '": ' in text
        written = json.dumps(rebuilt, ensure_ascii=False, separators=(", ", ": ") if spaced else (",", ":"))
        return self.redact_text(written, place)

    def _rebuild_object(
        self, value: Mapping[str, Any], place: str, found: Mapping[Unit, _Redacted], state: State
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, each in value.items():
            redacted = found.get((key, ""))
            new = key
            if redacted:
                new = _free(redacted.text, result, value)
                self._counted(redacted, f"{place}/{_pointer(new)}")
            below = descend(self._rules, state, key) if state else state
            result[new] = self._rebuild(each, key, f"{place}/{_pointer(new)}", found, below)
        return result

    def _by_rule(self, kind: str, text: str, redacted: _Redacted | None, place: str) -> str:
        if _TOKEN.fullmatch(text):
            return text
        if redacted and _TOKEN.fullmatch(redacted.text):
            return self._counted(redacted, place)  # the token the value has elsewhere
        self._report.add(kind, place)
        return self._pseudonyms.token(kind, " ".join(text.split()))


@lru_cache(maxsize=65536)
def _telling(key: str) -> str:
    """Return a key that may say what kind of value stands under it, else an empty text."""
    return key if _TELLING.search(key) else ""


def _text_of(value: Any) -> str:
    """Return a leaf as text to scan; empty where there is nothing to scan."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and value >= _LONG_NUMBER else ""


def _units(value: Any) -> Iterator[Unit]:
    stack: list[tuple[Any, str]] = [(value, "")]
    while stack:
        each, key = stack.pop()
        if isinstance(each, dict):
            for name, inner in each.items():
                yield name, ""
                stack.append((inner, name))
        elif isinstance(each, (list, tuple)):
            stack.extend((inner, key) for inner in each)
        elif text := _text_of(each):
            yield text, _telling(key)


def _batches(units: Sequence[Unit]) -> Iterator[tuple[bytes, list[tuple[int, int]]]]:
    """Yield texts laid end to end, with start and end of each."""
    parts: list[bytes] = []
    ranges: list[tuple[int, int]] = []
    size = 0
    for text, key in units:
        before, data = key.encode("utf-8", "surrogatepass") + _KEY_END, text.encode("utf-8", "surrogatepass")
        parts += (before, data, _END)
        ranges.append((size + len(before), size + len(before) + len(data)))
        size += len(before) + len(data) + 1
        if size >= _BATCH_BYTES:
            yield b"".join(parts), ranges
            parts, ranges, size = [], [], 0
    if ranges:
        yield b"".join(parts), ranges


def _by_unit(spans: Sequence[Span], ranges: Sequence[tuple[int, int]]) -> list[tuple[int, list[Span]]]:
    """Return the spans that lie inside a text, by the index of that text."""
    found: dict[int, list[Span]] = {}
    starts = [start for start, _ in ranges] if spans else []
    for span in spans:
        index = bisect_right(starts, span.start) - 1
        if index >= 0 and span.end <= ranges[index][1]:
            found.setdefault(index, []).append(span)
    return list(found.items())


def _quote(blob: bytes, span: Span, limits: tuple[int, int]) -> bytes:
    """Return the quotes a token needs where a bare number stood in JSON text, escaped as that text is."""
    start, end = limits
    if blob[start : start + 1] not in (b"{", b"[", b'"') or not blob[span.start : span.end].isdigit():
        return b""
    before, after = blob[start : span.start].rstrip()[-1:], blob[span.end : end].lstrip()[:1]
    if before not in (b":", b",", b"[") or after not in (b",", b"}", b"]"):
        return b""
    quote = blob.rfind(b'"', start, span.start)
    first = quote
    while first > start and blob[first - 1 : first] == b"\\":
        first -= 1
    if quote < 0:
        return b'"'
    escapes = quote - first
    if blob[quote + 1 : quote + 2] in (b"[", b"{"):  # it opens the text around the number: one level up
        escapes = 2 * escapes + 1
    return b"\\" * escapes + b'"'


def _free(key: str, *taken: Mapping[str, Any]) -> str:
    """Return a key that is not taken: two spellings of one value may be keys of one object."""
    candidate, number = key, 2
    while any(candidate in each for each in taken):
        candidate, number = f"{key}-{number}", number + 1
    return candidate


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
