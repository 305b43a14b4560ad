"""Exports whose records are parts of traces, in any order: gathered by trace until the trace is complete.

A first pass notes the record that mentions each trace last; the second gives a trace out as soon as that record was
read. Memory holds the open traces and one place a trace, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from ..errors import SourceError
from ..original import join, preserve_changed
from ..trace import Original, Source, Trace
from .reader import Reader
from .source import SourceFile, SourceRecord

Parts = Callable[[Any], Iterable[tuple[str, Any]]]
"""Yields trace id and part (a run, a span) of one record; nothing for a record that has none."""
Only = Callable[[Any, str], Any]
"""Returns a record with the parts of one trace."""
Build = Callable[[str, list[Any], Source, Original | None], Trace]
"""Makes a trace of its id, its parts in order of the file, where it was read, and its source."""

_WRONG_SHAPE = (TypeError, ValueError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True)
class Gathering:
    """How to read a format whose records are parts of traces."""

    name: str
    """The word for ``--format``."""
    expects: str
    """What the format is recognised by."""
    parts: Parts
    only: Only
    build: Build

    def reader(self, looks_like: Callable[[Any], bool]) -> Reader:
        """Return the reader; ``looks_like`` tells the format from the first record."""
        return Reader(self.name, self.expects, looks_like, self._read)

    def _read(self, source: SourceFile) -> Iterator[Trace]:
        if source.framing == "document" and not (source.is_large and isinstance(source.sample, list)):
            opened = _Open(self, source)
            opened.add(next(source.records()), 1)
            yield from opened.close_all()
        else:
            yield from self._read_pieces(source)

    def _read_pieces(self, source: SourceFile) -> Iterator[Trace]:
        ending = self._last_mentions(source)
        opened = _Open(self, source)
        for number, record in enumerate(source.records(split=True), 1):
            try:
                opened.add(record, number)
            except SourceError as error:
                if source.framing != "lines":
                    raise
                source.options.skip(error)
            for trace_id in ending.pop(record.offset, ()):
                yield from opened.close(trace_id)
        yield from opened.close_all()  # also ids that the redaction changed

    def _last_mentions(self, source: SourceFile) -> dict[str, list[str]]:
        last: dict[str, str] = {}
        for offset, value in _values(source):
            try:
                last.update((trace_id, offset) for trace_id, _ in self.parts(value))
            except _WRONG_SHAPE:
                continue  # the second pass says what is wrong
        ending: dict[str, list[str]] = {}
        for trace_id, offset in last.items():
            ending.setdefault(offset, []).append(trace_id)
        return ending


def _values(source: SourceFile) -> Iterator[tuple[str, Any]]:
    if source.framing == "lines":
        for number, line in source.lines():
            try:
                yield f"line {number}", orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
        return
    plain = replace(source, options=replace(source.options, keep_original=False, transform=None))
    for record in plain.records(split=True):
        yield record.offset, record.value


class _Open:
    """The traces of which more may come."""

    def __init__(self, gathering: Gathering, source: SourceFile) -> None:
        self._gathering = gathering
        self._source = source
        self._parts: dict[str, list[Any]] = {}
        self._offsets: dict[str, str] = {}
        self._slices: dict[str, list[tuple[int, Original]]] = {}

    def add(self, record: SourceRecord, number: int) -> None:
        """Add the parts of a record that were asked for."""
        found = self._found(record)
        if not found:
            raise SourceError(f"expected {self._gathering.expects}, got {_described(record.value)}", where=record.where)
        for trace_id, parts in found.items():
            if not self._source.options.wants(trace_id):
                continue
            self._parts.setdefault(trace_id, []).extend(parts)
            self._offsets.setdefault(trace_id, record.offset)
            if self._source.options.keep_original:
                kept = record.original() if len(found) == 1 else self._only(record, trace_id)
                self._slices.setdefault(trace_id, []).append((number, kept))

    def close(self, trace_id: str) -> Iterator[Trace]:
        """Yield a trace of which no more will come, where any of it was read."""
        parts = self._parts.pop(trace_id, None)
        if parts is None:
            return
        slices = self._slices.pop(trace_id, [])
        original = slices[0][1] if len(slices) == 1 else join(slices) if slices else None
        stamp = self._source.stamp(self._gathering.name, self._offsets.pop(trace_id))
        try:
            yield self._gathering.build(trace_id, parts, stamp, original)
        except _WRONG_SHAPE as error:
            got = f"one that does not read as such ({type(error).__name__}: {error})"
            raise SourceError(
                f"expected {self._gathering.expects} in trace {trace_id}, got {got}", where=self._source.name
            ) from error

    def close_all(self) -> Iterator[Trace]:
        """Yield the traces that are still open."""
        for trace_id in list(self._parts):
            yield from self.close(trace_id)

    def _found(self, record: SourceRecord) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        try:
            for trace_id, part in self._gathering.parts(record.value):
                found.setdefault(trace_id, []).append(part)
        except _WRONG_SHAPE as error:
            got = f"a record that does not read as one ({type(error).__name__}: {error})"
            raise SourceError(f"expected {self._gathering.expects}, got {got}", where=record.where) from error
        return found

    def _only(self, record: SourceRecord, trace_id: str) -> Original:
        return preserve_changed(record.text, self._gathering.only(record.value, trace_id))


def _described(value: Any) -> str:
    keys = ", ".join(list(value)[:5]) if isinstance(value, dict) else type(value).__name__
    return keys or "an empty object"
