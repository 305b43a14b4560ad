"""OTLP/JSON: one document, or a Collector's file of one batch a line.

Spans of one trace may be scattered over the file. A first pass over the raw bytes finds the last mention of each
trace id; the second parses, and gives a trace out as soon as that batch was read. Memory holds the open traces and
one number a trace, whatever the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import SourceError
from ..strict_json import parse
from ..trace import Trace
from .otlp_spans import OpenTraces
from .otlp_types import TracesData, convert, decode
from .otlp_walk import batches
from .reader import Reader
from .source import SourceFile, SourceRecord

# Searched by the letter I, which is rare in JSON, where the quotation mark in front is the most frequent character.
_TRACE_ID = re.compile(rb'I(?<="traceI)d"\s*:\s*"([^"]*)"')
_OTHER_SIGNALS = ("resourceLogs", "resourceMetrics", "resourceProfiles")

_UNIT_BYTES = 1 << 18
_OVERLAP_BYTES = 256  # a mention that a unit cuts in two is found in the next one


def looks_like(sample: Any) -> bool:
    """Tell by the outermost key."""
    return isinstance(sample, Mapping) and "resourceSpans" in sample


def read(source: SourceFile) -> Iterator[Trace]:
    """Yield the traces of a file, each as soon as it is complete."""
    if source.framing == "document" and not source.is_large:
        yield from _read_document(source)
    else:
        yield from _read_pieces(source)


class _Piece(NamedTuple):
    """A batch in its bytes: a line, or a part of a document that is too large."""

    number: int
    text: bytes
    offset: str
    first_line: int
    unit: int
    """Every mention before this unit of the first pass has been read with this piece."""


def _pieces(source: SourceFile) -> Iterator[_Piece]:
    if source.framing == "lines":
        position = 0
        for number, line in source.lines():
            position += len(line)
            if line.isspace():
                continue
            yield _Piece(number, line, f"line {number}", number, position // _UNIT_BYTES)
    else:
        for number, (pointer, text) in enumerate(batches(source), 1):
            yield _Piece(number, text.encode(), pointer, 1, number)


def _read_document(source: SourceFile) -> Iterator[Trace]:
    record = next(source.records())
    if not looks_like(record.value):
        raise _no_spans(record.value, record.where)
    traces = OpenTraces(source)
    traces.add(_converted(record), "")
    if source.options.keep_original:
        traces.keep(record, 1)
    yield from traces.close_all()


def _read_pieces(source: SourceFile) -> Iterator[Trace]:
    ending = _last_mentions(source)
    traces = OpenTraces(source)
    done = 0
    for piece in _pieces(source):
        try:
            _add(piece, traces, source)
        except SourceError as error:
            source.options.skip(error)
        while done < piece.unit:
            for trace_id in ending.pop(done, ()):
                trace = traces.close(trace_id.decode(errors="replace"))
                if trace is not None:
                    yield trace
            done += 1
    yield from traces.close_all()  # also ids written with escapes, which the first pass does not see


def _last_mentions(source: SourceFile) -> dict[int, list[bytes]]:
    """Return the trace ids by the unit of the file that mentions them last: maybe too late, never too early."""
    last: dict[bytes, int] = {}
    if source.framing == "lines":
        rest = b""
        for unit, chunk in enumerate(source.chunks(_UNIT_BYTES)):
            text = rest + chunk
            last.update(dict.fromkeys(_TRACE_ID.findall(text), unit))
            rest = text[-_OVERLAP_BYTES:]
    else:
        for piece in _pieces(source):
            last.update(dict.fromkeys(_TRACE_ID.findall(piece.text), piece.unit - 1))
    ending: dict[int, list[bytes]] = {}
    for trace_id, unit in last.items():
        ending.setdefault(unit, []).append(trace_id)
    return ending


def _add(piece: _Piece, traces: OpenTraces, source: SourceFile) -> None:
    options = source.options
    if options.trace_ids is not None and not _mentions(piece.text, options.trace_ids):
        return
    if not options.keep_original and options.transform is None:
        traces.add(_decoded(piece, source), piece.offset)
        return
    record = source.record(piece.text, piece.first_line, piece.offset)
    if looks_like(record.value):
        traces.add(_converted(record), record.offset)
        if options.keep_original:
            traces.keep(record, piece.number)
    elif not (isinstance(record.value, Mapping) and any(key in record.value for key in _OTHER_SIGNALS)):
        raise _no_spans(record.value, record.where)


def _mentions(text: bytes, wanted: frozenset[str]) -> bool:
    named = _TRACE_ID.findall(text)
    return not named or any(trace_id.decode(errors="replace") in wanted for trace_id in named)


def _decoded(piece: _Piece, source: SourceFile) -> TracesData:
    try:
        batch = decode(piece.text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The error of the slower parser names line and column; where it finds none, the shape is wrong.
        parse(piece.text, where=source.name, limits=source.options.limits, first_line=piece.first_line)
        raise SourceError(f"expected OTLP, got: {error}", where=f"{source.name}:{piece.first_line}") from None
    if batch.resource_spans is None:
        value = parse(piece.text, where=source.name, first_line=piece.first_line)
        if not any(key in value for key in (*_OTHER_SIGNALS, "resourceSpans")):
            raise _no_spans(value, f"{source.name}:{piece.first_line}")
    return batch


def _converted(record: SourceRecord) -> TracesData:
    try:
        return convert(record.value)
    except (msgspec.ValidationError, RecursionError) as error:
        raise SourceError(f"expected OTLP, got: {error}", where=record.where) from None


def _no_spans(value: Any, where: str) -> SourceError:
    keys = ", ".join(list(value)[:5]) if isinstance(value, Mapping) else type(value).__name__
    return SourceError(f"expected `resourceSpans`, got {keys or 'an empty object'}", where=where)


READER = Reader("otlp-json", "`resourceSpans` (OTLP/JSON, a document or one batch a line)", looks_like, read)
