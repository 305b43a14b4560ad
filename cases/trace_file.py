"""trace.json: the traces of a case as canonical JSON.

Keys stand in the order of the types in ``cases.trace``, recorded mappings keep their own order, indentation is one
space and the file ends in a newline: the same document is always the same bytes, and a difference in git
is readable.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import msgspec

from .errors import CaseError
from .migrations import trace_to_current
from .trace import TRACE_FORMAT, TraceDocument

MAX_BYTES = 2 * 1024**3
NEWLINE = b"\n"

_decoder = msgspec.json.Decoder(TraceDocument)


class _Format(msgspec.Struct):
    format: Any = None


_format_decoder = msgspec.json.Decoder(_Format)


def encode(document: TraceDocument) -> bytes:
    """Return the content of trace.json.

    Raises:
        CaseError: The document holds a number or text that JSON cannot hold, named by its path.
    """
    try:
        problem = _not_json(msgspec.to_builtins(document.traces), "/traces")
    except RecursionError:
        problem = "expected fewer nested levels, got too many"
    if problem:
        raise CaseError(problem, where="trace.json")
    # The version is always written, although the struct leaves out what has its default.
    content = {"format": document.format, "traces": document.traces}
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + NEWLINE


def decode(data: bytes, where: str) -> TraceDocument:
    """Return the document in a trace.json.

    Args:
        data: The file's bytes.
        where: What to call the file in errors.

    Raises:
        CaseError: It is not JSON, not of this format, or a field is not what it must be; with line or path.
    """
    try:
        version = _format_decoder.decode(data).format
        if version != TRACE_FORMAT:
            return _convert(data, where)
        return _decoder.decode(data)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at ")
        raise CaseError(_lowered(text), where=f"{where} at {path.strip('`') or '$'}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"expected JSON, got: {error}", where=_place(data, error, where)) from None
    except RecursionError:
        raise CaseError("expected fewer nested levels, got too many", where=where) from None


def load_trace(path: Path) -> tuple[TraceDocument, str]:
    """Return the document in a trace.json on disk and the SHA-256 of its bytes.

    Raises:
        CaseError: It cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CaseError(f"expected at most {MAX_BYTES:,} bytes, got more", where=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise CaseError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
    return decode(data, str(path)), hashlib.sha256(data).hexdigest()


def _convert(data: bytes, where: str) -> TraceDocument:
    content = msgspec.json.decode(data)
    if not isinstance(content, dict):
        raise CaseError("expected an object, got something else", where=where)
    return msgspec.convert(trace_to_current(content, where), TraceDocument)


def _place(data: bytes, error: Exception, where: str) -> str:
    position = str(error).rpartition("byte ")[2].rstrip(")")
    if not position.isdigit():
        return where
    at = int(position)
    return f"{where}:{data.count(NEWLINE, 0, at) + 1}:{at - data.rfind(NEWLINE, 0, at)}"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _not_json(value: Any, path: str) -> str:
    """Return what JSON would silently change (NaN becomes null) or refuse, or an empty text."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"expected a finite number at {path}, got {value}"
    if isinstance(value, str):
        return "" if value.isascii() or _encodable(value) else f"expected Unicode text at {path}, got a lone surrogate"
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                return f"expected keys that are text at {path}, got {key!r}"
            problem = _not_json(key, f"{path}/{key!a}") or _not_json(each, f"{path}/{key}")
            if problem:
                return problem
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            if problem := _not_json(each, f"{path}/{index}"):
                return problem
    return ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
