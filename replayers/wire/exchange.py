"""One HTTP request as the wire server sees it, and where it says it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ...cases.strict_json import DEFAULT, exceeds_depth
from .exact_json import repeated_key
from .refusals import RefusedError

PATH_HEADER = b"x-unrepeat-path"
"""Enclosing boundary calls, outermost first."""
_TRACE_HEADER = b"traceparent"
_DEEPEST_PATH = 64
_LONGEST_EXACT = 1024 * 1024
"""Longest body of a model request that is searched for keys that stand twice, in bytes: that takes 10 ms."""

CallPath = tuple[str, ...]


@dataclass(slots=True)
class Client:
    """Who asked."""

    left: bool = False
    """Whether it went away before it had all of its answer."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    """By lower-case name."""
    body: bytes = b""
    client: Client = field(default_factory=Client)

    def json(self, *, exact: bool = False) -> dict[str, Any]:
        """Return the body, which is a JSON object.

        Args:
            exact: Refuse a key that stands twice also in a long body; in others it is refused anyway.

        Raises:
            RefusedError: It is none.
        """
        try:
            value = msgspec.json.decode(self.body)  # it keeps integers of any size
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise RefusedError(400, "invalid_json", f"expected a JSON object, got {error}") from error
        brackets = self.body.count(b"[") + self.body.count(b"{")
        if brackets > DEFAULT.depth and exceeds_depth(value, DEFAULT.depth):
            raise RefusedError(400, "invalid_json", f"expected JSON of at most {DEFAULT.depth} levels, got more")
        if not isinstance(value, dict):
            raise RefusedError(400, "invalid_json", f"expected a JSON object, got {type(value).__name__}")
        key = repeated_key(self.body) if exact or len(self.body) < _LONGEST_EXACT else None
        if key is not None:
            raise RefusedError(400, "repeated_key", f"expected every key once, got {key[:80]!r} twice")
        return value

    @property
    def trace(self) -> tuple[str, str]:
        """The trace id and the id of the calling span in ``traceparent``; empty where it has none."""
        return trace_in(self.traceparent or "")

    @property
    def traceparent(self) -> str | None:
        """What says which trace it belongs to; None where nothing does."""
        header = self.headers.get(_TRACE_HEADER)
        return None if header is None else header.decode("latin-1")

    def call_path(self) -> CallPath | None:
        """Return the call path it states in ``x-unrepeat-path``; None where it states none.

        Raises:
            RefusedError: The header holds something else.
        """
        header = self.headers.get(PATH_HEADER)
        return None if header is None else path_in(header)


def trace_in(traceparent: str) -> tuple[str, str]:
    """Return the trace id and the id of the calling span in a ``traceparent``; empty where it has another form."""
    fields = traceparent.strip().split("-")
    if len(fields) < 4 or len(fields[1]) != 32 or len(fields[2]) != 16:
        return "", ""
    return fields[1].lower(), fields[2].lower()


def path_in(header: bytes) -> CallPath:
    """Return the call path in a header: ``kind:name`` separated by commas, or a JSON list.

    Raises:
        RefusedError: It holds something else.
    """
    try:
        text = header.decode().strip()
        items = msgspec.json.decode(text, type=list[str]) if text[:1] == "[" else text.split(",")
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise _no_path(header) from error
    path = tuple(item.strip() for item in items if item.strip())
    if len(path) > _DEEPEST_PATH or any(":" not in item for item in path):
        raise _no_path(header)
    return path


def _no_path(header: bytes) -> RefusedError:
    got = header[:80].decode(errors="replace")
    return RefusedError(400, "invalid_path", f"x-unrepeat-path: expected kind:name, kind:name …, got {got!r}")
