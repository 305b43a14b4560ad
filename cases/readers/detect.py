"""Which format a file is of, by its content, and reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..strict_json import DEFAULT, Limits
from ..trace import Trace
from . import agentdojo, chat, langfuse, langsmith, otlp_json, span_attributes, span_exports, tau_bench, whoandwhen
from .reader import Reader
from .source import ReadOptions, SourceFile, open_source
from .summary import TraceSummary, summarise

# The narrower formats first: an AgentDojo run would pass for a chat transcript.
READERS: tuple[Reader, ...] = (
    otlp_json.READER,
    langfuse.READER,
    langsmith.READER,
    span_exports.READER,
    agentdojo.READER,
    tau_bench.READER,
    whoandwhen.READER,
    span_attributes.READER,
    chat.READER,
)


def detect(source: SourceFile, format: str | None = None) -> Reader:
    """Return the reader for a file.

    Args:
        source: The opened file.
        format: Name of a reader to use whatever the content.

    Raises:
        SourceError: No reader recognises the content, or none has the name.
    """
    if format is not None:
        for reader in READERS:
            if reader.name == format:
                return reader
        names = ", ".join(sorted(reader.name for reader in READERS))
        raise SourceError(f"expected a format out of {names}, got {format!r}", where=source.name)
    found = recognised(source)
    if found is not None:
        return found
    looked_for = "; ".join(f"{reader.name}: {reader.expects}" for reader in READERS)
    raise SourceError(
        f"expected a trace in a known format, got {_described(source.sample)}. Looked for {looked_for}",
        where=source.name,
        hint="Name the format with --format if it is one of these",
    )


def recognised(source: SourceFile) -> Reader | None:
    """Return the reader that knows a file by its content; None where it is no trace that is known."""
    return next((reader for reader in READERS if reader.looks_like(source.sample)), None)


def read_traces(
    path: Path | str,
    *,
    format: str | None = None,
    trace_ids: Iterable[str] | None = None,
    skip_broken: bool = False,
    transform: Callable[[Any], Any] | None = None,
    keep_original: bool = True,
    limits: Limits = DEFAULT,
    broken: list[SourceError] | None = None,
) -> Iterator[Trace]:
    """Yield the traces of a file, one at a time.

    Args:
        path: A file in any of the formats.
        format: Name of a reader; None detects it by content.
        trace_ids: Only these; None for all.
        skip_broken: Leave out lines of JSON Lines that cannot be read; each is named in the log and in ``broken``.
        transform: Applied to each parsed record (a document, an item of an array, a line) before a trace is built
            from it, for redaction. It must return a new value, not change the one it is given.
        keep_original: Read strictly, keep each trace's part of the source and the digest of the file. Off for scans
            of large files: three times as fast.
        limits: Size of a document held in memory, and depth.
        broken: Receives the errors of skipped lines.

    Raises:
        SourceError: The file, or one of its records, cannot be read; with file, line and column.
    """
    options = ReadOptions(
        trace_ids=None if trace_ids is None else frozenset(trace_ids),
        skip_broken=skip_broken,
        transform=transform,
        keep_original=keep_original,
        limits=limits,
        broken=[] if broken is None else broken,
    )
    source = open_source(Path(path), options)
    yield from detect(source, format).read(source)


def list_traces(
    path: Path | str,
    *,
    format: str | None = None,
    skip_broken: bool = False,
    limits: Limits = DEFAULT,
    broken: list[SourceError] | None = None,
) -> Iterator[TraceSummary]:
    """Yield what a person needs to choose from the traces of a file; see `read_traces` for the arguments."""
    traces = read_traces(
        path, format=format, skip_broken=skip_broken, keep_original=False, limits=limits, broken=broken
    )
    for trace in traces:
        yield summarise(trace)


def _described(sample: Any) -> str:
    if isinstance(sample, dict):
        return "an object with " + (", ".join(list(sample)[:6]) or "nothing in it")
    if isinstance(sample, list):
        return f"a list whose first item is {_described(sample[0])}" if sample else "an empty list"
    return f"a {type(sample).__name__}"
