"""Finds the values of many patterns in a text: one pass says which patterns occur, then only those are run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import re2

from .errors import ConfigError
from .patterns import PATTERNS, TYPES, Pattern

_REST_OF_WORD = re.compile(rb"\w+")
_SET_MEMORY = 256 * 1024 * 1024
"""A set that ran out of memory for its automaton would report nothing. Measured use is below 16 MiB."""


@dataclass(frozen=True, slots=True)
class Span:
    """One value found, in bytes of UTF-8."""

    type: str
    start: int
    end: int
    canonical: str
    """Equal for every way of writing the same value."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One value found, in characters of a text."""

    type: str
    start: int
    end: int
    canonical: str


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _SET_MEMORY
    options.log_errors = False
    return options


class Scanner:
    """A set of patterns, compiled once.

    Args:
        patterns: In order of precedence.
    """

    def __init__(self, patterns: Sequence[Pattern] = PATTERNS) -> None:
        self.patterns = tuple(patterns)
        self._compiled = [re2.compile(pattern.regex, _options()) for pattern in self.patterns]
        self._set = re2.Set.SearchSet(_options())
        for pattern in self.patterns:
            self._set.Add(pattern.regex)
        self._set.Compile()

    def spans(self, blob: bytes, *, prefilter: bool = True) -> list[Span]:
        """Return the values in a text, in order, none overlapping.

        Args:
            blob: UTF-8.
            prefilter: False runs every pattern, as a check on the set.
        """
        present: Iterable[int] = sorted(self._set.Match(blob) or ()) if prefilter else range(len(self.patterns))
        found: list[tuple[int, int, int, str]] = []
        for order in present:
            found += self._run(order, blob)
        return self._without_overlaps(found)

    def _run(self, order: int, blob: bytes) -> list[tuple[int, int, int, str]]:
        pattern, compiled = self.patterns[order], self._compiled[order]
        group = compiled.groups
        found = []
        position = 0
        while match := compiled.search(blob, position):
            start, end = match.span(group) if group and match.group(1) is not None else match.span()
            hit = pattern.check(blob, start, end)
            if hit:
                found.append((order, *hit))
                position = max(hit[1], match.start() + 1)
            else:
                position = _inside(blob, match.start()) if pattern.bounded else match.end()
        return found

    def _without_overlaps(self, found: list[tuple[int, int, int, str]]) -> list[Span]:
        return [Span(self.patterns[order].type, start, end, text) for order, start, end, text in _drop_overlaps(found)]


def _inside(blob: bytes, start: int) -> int:
    """Return where to go on after a refused candidate: no value starts after a digit of the same word."""
    if not blob[start : start + 1].isdigit():
        return start + 1
    rest = _REST_OF_WORD.match(blob, start)
    return rest.end() if rest else start + 1


def _drop_overlaps(found: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int, str]]:
    """Keep, of overlapping values, the one of the earlier pattern; in order of place."""
    kept: list[tuple[int, int, int, str]] = []
    for each in sorted(found, key=lambda each: (each[1], each[0])):
        while kept and each[1] < kept[-1][2] and each[0] < kept[-1][0]:
            kept.pop()
        if not kept or each[1] >= kept[-1][2]:
            kept.append(each)
    return kept


@cache
def scanner_for(types: frozenset[str]) -> Scanner:
    """Return a scanner for some of the built-in types.

    Raises:
        ConfigError: A type is unknown.
    """
    unknown = sorted(types - set(TYPES))
    if unknown:
        raise ConfigError(f"expected patterns among {', '.join(TYPES)}, got {', '.join(unknown)}")
    return Scanner([pattern for pattern in PATTERNS if pattern.type in types])


def find(text: str, types: Collection[str] = TYPES) -> list[Finding]:
    """Return the values of some types in a text, in order.

    Args:
        text: Any text.
        types: Names among ``patterns.TYPES``.
    """
    blob = text.encode("utf-8", "surrogatepass")
    found = scanner_for(frozenset(types)).spans(blob)
    if text.isascii():
        return [Finding(each.type, each.start, each.end, each.canonical) for each in found]
    return [
        Finding(each.type, _characters(blob, each.start), _characters(blob, each.end), each.canonical) for each in found
    ]


def _characters(blob: bytes, end: int) -> int:
    return len(blob[:end].decode("utf-8", "surrogatepass"))
