"""A trace file as its records: one document, the items of one array, or JSON Lines."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson

from ..errors import SourceError
from ..original import preserve, preserve_changed
from ..strict_json import DEFAULT, Limits, parse, too_large
from ..trace import Original, Source
from .cursor import JsonCursor

log = logging.getLogger("unrepeat.readers")

STREAM_ABOVE_BYTES = 64 * 1024 * 1024
"""Documents beyond this size are walked instead of held in memory."""

_BUFFER_BYTES = 1 << 18

Framing = Literal["document", "lines"]


@dataclass(frozen=True)
class ReadOptions:
    """What to read of a source, and how."""

    trace_ids: frozenset[str] | None = None
    """Only these traces; all where None."""
    skip_broken: bool = False
    """Leave out lines of JSON Lines that cannot be read, each named in ``broken`` and in the log."""
    transform: Callable[[Any], Any] | None = None
    """Applied to each parsed record before anything is built from it (redaction)."""
    keep_original: bool = True
    """Read strictly, keep the source of each trace and take the digest of the file; off for scans of many traces."""
    limits: Limits = DEFAULT
    broken: list[SourceError] = field(default_factory=list)
    """Receives the error of each line that was skipped."""

    def wants(self, trace_id: str) -> bool:
        """Tell whether a trace was asked for."""
        return self.trace_ids is None or trace_id in self.trace_ids

    def skip(self, error: SourceError) -> None:
        """Note a broken line, or raise it where broken lines are not to be skipped."""
        if not self.skip_broken:
            raise error
        log.warning("skipped a broken line: %s", error)
        self.broken.append(error)


@dataclass(frozen=True)
class SourceRecord:
    """One record of a file, as the readers get it."""

    value: Any
    """Parsed, and transformed where a transformation was asked for."""
    text: bytes
    """Its bytes in the file."""
    where: str
    """File and place, for messages."""
    offset: str = ""
    """Empty for a whole document, else a line (``line 12``) or a JSON pointer (``/3``)."""
    changed: bool = False
    """Whether the transformation changed it."""

    def original(self) -> Original:
        """Return the record in a form that gives its bytes back."""
        return preserve_changed(self.text, self.value) if self.changed else preserve(self.text, self.value)


@dataclass(frozen=True)
class SourceFile:
    """A trace file that was looked at but not yet read."""

    path: Path
    size_bytes: int
    framing: Framing
    sample: Any
    """The first record; of a document too large for memory only its first key or item."""
    options: ReadOptions

    @cached_property
    def name(self) -> str:
        """Base name of the file."""
        return self.path.name

    @property
    def is_large(self) -> bool:
        """Whether a single document is too large to be held in memory."""
        return self.framing == "document" and self.size_bytes > STREAM_ABOVE_BYTES

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def stamp(self, reader: str, offset: str = "", version: str = "") -> Source:
        """Return the origin that a trace of this file carries."""
        digest = self.sha256 if self.options.keep_original else ""
        return Source(format=reader, version=version, file=self.name, sha256=digest, offset=offset)

    def records(self, *, split: bool = False) -> Iterator[SourceRecord]:
        """Yield the records in order.

        Args:
            split: A document that is an array is read item by item.

        Raises:
            SourceError: A record is broken (in JSON Lines: unless broken lines are to be skipped).
        """
        if self.framing == "lines":
            yield from self._line_records()
        elif split:
            yield from self._item_records()
        else:
            yield self.record(self._whole(), 1, "")

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the whole file in pieces of ``size`` bytes; its digest, where it is wanted, is taken on the way."""
        digest = hashlib.sha256() if self.options.keep_original else None
        with self.path.open("rb", buffering=0) as file:
            while chunk := file.read(size):
                if digest is not None:
                    digest.update(chunk)
                yield chunk
        if digest is not None:
            self.__dict__["sha256"] = digest.hexdigest()  # where cached_property looks

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each line, blank ones too."""
        limit = self.options.limits.document_bytes
        with self.path.open("rb", buffering=_BUFFER_BYTES) as file:
            for number, line in enumerate(iter(lambda: file.readline(limit + 1), b""), 1):
                if len(line) > limit:
                    raise too_large(len(line), where=f"{self.name}:{number}", limits=self.options.limits)
                yield number, line

    def record(self, text: bytes, first_line: int, offset: str) -> SourceRecord:
        """Return a part of the file as a record.

        Args:
            text: Its bytes.
            first_line: Line of the file on which it starts.
            offset: What the record is found by: a line or a JSON pointer.
        """
        where = f"{self.name}#{offset}" if offset.startswith("/") else f"{self.name}:{first_line}"
        value = self.parsed(text, first_line)
        if self.options.transform is None:
            return SourceRecord(value, text, where, offset)
        changed = self.options.transform(value)
        return SourceRecord(changed, text, where, offset, changed=changed != self.parsed(text, first_line))

    def parsed(self, text: bytes, first_line: int) -> Any:
        """Parse a part of the file: strictly where the source is kept, else fast."""
        options = self.options
        strict = options.keep_original
        return parse(text, where=self.name, limits=options.limits, strict=strict, first_line=first_line)

    def _whole(self) -> bytes:
        if self.size_bytes > self.options.limits.document_bytes:
            raise too_large(self.size_bytes, where=self.name, limits=self.options.limits)
        return self.path.read_bytes()

    def _line_records(self) -> Iterator[SourceRecord]:
        for number, line in self.lines():
            if line.isspace():
                continue
            try:
                record = self.record(line, number, f"line {number}")
            except SourceError as error:
                self.options.skip(error)
            else:
                yield record

    def _item_records(self) -> Iterator[SourceRecord]:
        with self.path.open("rb") as file:
            cursor = JsonCursor(file, self.name, self.options.limits)
            for index in cursor.items():
                cursor.peek()
                line = cursor.line
                text = cursor.take()[1].encode()
                yield self.record(text, line, f"/{index}")
            cursor.finish()


def open_source(path: Path, options: ReadOptions | None = None) -> SourceFile:
    """Look at a trace file: its framing and its first record.

    Args:
        path: The file.
        options: Limits and the rest of how it will be read.

    Raises:
        SourceError: It cannot be read, is empty, or starts with something that is not JSON.
    """
    options = options or ReadOptions()
    try:
        if not path.is_file():
            got = "something else" if path.exists() else "none"
            raise SourceError(f"expected a file, got {got}", where=str(path))
        size = path.stat().st_size
        with path.open("rb") as file:
            framing, sample = _look(file, path.name, size, options)
    except OSError as error:
        raise SourceError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
    return SourceFile(path=path, size_bytes=size, framing=framing, sample=sample, options=options)


def _look(file: BinaryIO, name: str, size: int, options: ReadOptions) -> tuple[Framing, Any]:
    head = file.read(_BUFFER_BYTES)
    if b"\0" in head:
        parse(head, where=name, limits=options.limits)  # no JSON has one: says what the file is instead
    file.seek(0)
    first = _content_line(file, size, options.limits)
    second = _content_line(file, size, options.limits)
    for line in (first, second):
        value = _object(line)
        if second.strip() and isinstance(value, (dict, list)):
            return "lines", value
    if name.endswith((".jsonl", ".ndjson")) and second.strip():
        sample = _first_object(file, options)
        if sample is None:
            parse(first, where=name, limits=options.limits)  # says what the file is instead
        return "lines", sample
    if size > STREAM_ABOVE_BYTES:
        return "document", _peeked(file, name, options)
    file.seek(0)
    return "document", parse(file.read(), where=name, limits=options.limits)


def _content_line(file: BinaryIO, size: int, limits: Limits) -> bytes:
    """Return the next line that is not blank; of one without an end, which is no line, only its start."""
    line = b""
    while not line.strip() and file.tell() < size:
        start = file.tell()
        line = file.readline(_BUFFER_BYTES)
        if len(line) == _BUFFER_BYTES and not line.endswith(b"\n") and _skip_line(file, limits.document_bytes):
            file.seek(start)
            line = file.readline(limits.document_bytes)
    return line


def _skip_line(file: BinaryIO, limit: int) -> bool:
    """Move to where the line ends, and tell whether it does so within a limit, in bytes."""
    skipped = 0
    while skipped <= limit and (chunk := file.read(_BUFFER_BYTES)):
        if b"\n" in chunk:
            return True
        skipped += len(chunk)
    return False


def _object(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _first_object(file: BinaryIO, options: ReadOptions) -> Any:
    for line in iter(lambda: file.readline(options.limits.document_bytes), b""):
        value = _object(line)
        if value is not None:
            return value
    return None


def _peeked(file: BinaryIO, name: str, options: ReadOptions) -> Any:
    """Return a stand-in for a document that is too large: its first key without value, or its first item."""
    file.seek(0)
    cursor = JsonCursor(file, name, options.limits)
    if cursor.peek() == "{":
        return {next(cursor.members(), ""): None}
    if cursor.peek() == "[":
        return _first_item(cursor)
    raise SourceError("expected an object or an array, got something else", where=f"{name}:1:1")


def _first_item(cursor: JsonCursor) -> list[Any]:
    for _ in cursor.items():
        return [cursor.take()[0]]
    return []
