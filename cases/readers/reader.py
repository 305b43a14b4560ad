"""The one small interface of all formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError
from ..trace import Trace
from .source import SourceFile, SourceRecord


@dataclass(frozen=True)
class Reader:
    """A format of trace files."""

    name: str
    """The word for ``--format``."""
    expects: str
    """What it recognises a file by, for the message about a file that nothing matches."""
    looks_like: Callable[[Any], bool]
    """Tells from the first record whether a file is of this format."""
    read: Callable[[SourceFile], Iterator[Trace]]
    """Yields the traces of a file."""


BuildTrace = Callable[[SourceFile, SourceRecord], Trace | None]


def record_reader(
    name: str,
    expects: str,
    *,
    looks_like: Callable[[Any], bool],
    build: BuildTrace,
    splits: Callable[[Any], bool] = lambda sample: isinstance(sample, list),
) -> Reader:
    """Return a reader for a format in which one record is one trace.

    Args:
        name: The word for ``--format``.
        expects: What the format is recognised by.
        looks_like: Tells it from the first record.
        build: Makes the trace of one record; None for a record that is beside the traces, such as a header.
        splits: Tells from the first record whether the items of an array are the records.
    """

    def read(source: SourceFile) -> Iterator[Trace]:
        for record in source.records(split=splits(source.sample)):
            try:
                trace = _built(source, record)
            except SourceError as error:
                if source.framing != "lines":
                    raise
                source.options.skip(error)
                continue
            if trace is not None and source.options.wants(trace.trace_id):
                yield trace

    def _built(source: SourceFile, record: SourceRecord) -> Trace | None:
        try:
            return build(source, record)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            got = f"a record that does not read as one ({type(error).__name__}: {error})"
            raise SourceError(f"expected {expects}, got {got}", where=record.where) from error

    return Reader(name=name, expects=expects, looks_like=looks_like, read=read)
