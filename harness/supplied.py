"""What people supply beside a trace: a note, a correction, a ticket. Read with limits, redacted, kept as stated."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases import strict_json
from ..cases.custody import utc
from ..cases.errors import CaseError, SourceError
from ..cases.identity import whoami
from ..cases.original import preserve, preserve_changed, rebuild
from ..cases.redaction import Redactor

MAX_BYTES = 4 * 1024 * 1024
"""Largest file that a person supplies; what is longer is no ticket."""
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Supplied:
    """A text or JSON value that somebody supplied, redacted."""

    name: str
    """Its name below ``evidence/``."""
    data: bytes
    """What is stored."""
    value: Any
    """The JSON value, or the text."""

    def stated(self, now: dt.datetime) -> dict[str, str]:
        """Return who stated it, and when, for the custody log."""
        return {"file": f"evidence/{self.name}", "origin": "stated", "by": whoami(), "at": utc(now)}


def read_supplied(path: Path, name: str, redactor: Redactor | None) -> Supplied:
    """Read a file that a person supplies: JSON where it is called so or reads so, else text.

    Args:
        path: The file.
        name: Its name in the evidence, without an ending.
        redactor: What redacts it; None to keep it as it is.

    Raises:
        SourceError: It is no file, too large, not text in UTF-8, empty, or called .json without being JSON.
    """
    data = read_bytes(path)
    if path.suffix.lower() == ".json":
        return _as_json(data, strict_json.parse(data, where=path.name, strict=True), name, redactor)
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            value = strict_json.parse(data, where=path.name, strict=True)
        except SourceError:
            pass  # a text that begins with a bracket
        else:
            return _as_json(data, value, name, redactor)
    return supplied_text(decoded(data, path.name), name, redactor)


def supplied_text(text: str, name: str, redactor: Redactor | None) -> Supplied:
    """Return a text that a person supplies, redacted."""
    cleaned = redactor.redact_text(text) if redactor is not None else text
    _check(cleaned, redactor)
    return Supplied(f"{name}.txt", cleaned.encode("utf-8", "backslashreplace"), cleaned)


def _as_json(data: bytes, value: Any, name: str, redactor: Redactor | None) -> Supplied:
    cleaned = redactor.redact_value(value) if redactor is not None else value
    _check(cleaned, redactor)
    kept = preserve(data, value) if cleaned == value else preserve_changed(data, cleaned)
    return Supplied(f"{name}.json", rebuild(kept), cleaned)


def _check(value: Any, redactor: Redactor | None) -> None:
    if redactor is not None:
        redactor.check(value)


def read_bytes(path: Path) -> bytes:
    """Read a whole file of at most `MAX_BYTES`.

    Raises:
        SourceError: It is no file, cannot be read, or is too large.
    """
    try:
        if not path.is_file():
            got = "something else" if path.exists() else "none"
            raise SourceError(f"expected a file, got {got}", where=str(path))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise SourceError(
            f"expected at most {MAX_BYTES:,} bytes of text, got more",
            where=str(path),
            hint="Cut it down to what was seen",
        )
    return data


def decoded(data: bytes, where: str) -> str:
    """Return text from its bytes.

    Raises:
        SourceError: It is empty, binary, or not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"expected text in UTF-8, got byte 0x{data[error.start]:02x} at {error.start}", where=where, hint=_HINT
        ) from None
    if "\0" in text:
        raise SourceError("expected text, got binary data", where=where, hint=_HINT)
    if not text.strip():
        raise SourceError("expected text, got nothing", where=where)
    return text


_HINT = "Save it as plain text; what a picture shows can be told with --note"


def arguments_of(given: str) -> dict[str, Any]:
    """Return the arguments that a command line gives: a JSON object, or a file with one.

    Raises:
        SourceError: It is not JSON, or cannot be read.
        CaseError: It is JSON, but no object.
    """
    inline = given.lstrip().startswith(("{", "["))
    data = given.encode("utf-8", "surrogateescape") if inline else read_bytes(Path(given))
    value = strict_json.parse(data, where="--input" if inline else Path(given).name, strict=True)
    if not isinstance(value, dict):
        raise CaseError("expected an object: the arguments of the callable by name, got another value", where="--input")
    return value
