"""Responses: what the wire server sends back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

_JSON = b"application/json"
_STREAM = b"text/event-stream; charset=utf-8"
_NO_RETRY = ((b"x-should-retry", b"false"),)
"""Clients send again what was answered with 409, 429 or 5xx, unless they are told not to."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer over HTTP."""

    status: int
    chunks: tuple[bytes, ...]
    """The body; of a stream its pieces."""
    content_type: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_stream: bool = False
    """Whether it goes out in pieces."""

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return sum(map(len, self.chunks))


def json_response(value: Any) -> Response:
    """Return an answer of one JSON value."""
    return Response(200, (dumps(value),))


def stream_response(events: Sequence[bytes]) -> Response:
    """Return an answer of server-sent events."""
    return Response(200, tuple(events), _STREAM, ((b"cache-control", b"no-cache"),), is_stream=True)


def refusal(status: int, body: Any) -> Response:
    """Return an error that no client is to send again by itself."""
    return Response(status, (dumps(body),), headers=_NO_RETRY)


def dumps(value: Any) -> bytes:
    """Return a value as JSON bytes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # integers beyond 64 bits, halves of surrogate pairs
        return json.dumps(value, separators=(",", ":")).encode()
