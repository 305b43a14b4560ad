"""Repetitions: requests that a client sent once more because it saw no answer, told by what its SDK counts.

Several calls may have asked the same. A repetition is of the one whose client left before it had its answer; else
of the first that was repeated as often as the client says.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import dataclass

from .exchange import CallPath, Client, Exchange
from .response import Response

_RETRY_COUNT = b"x-stainless-retry-count"
_KEY_HEADER = b"idempotency-key"
_MOST = 1000
_MOST_BYTES = 64 * 1024 * 1024
"""Answers that are kept, and the bytes of them; the oldest are forgotten first."""
_Key = tuple[str, CallPath | None, bytes]


@dataclass(slots=True)
class _Given:
    key: _Key
    response: Response
    client: Client
    """Who asked last."""
    repeated: int = 0


class Repetitions:
    """The answers given lately, each to be given again to the same call."""

    def __init__(self) -> None:
        self._by_key: dict[_Key, list[_Given]] = {}
        self._in_order: deque[_Given] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def answer_to(self, exchange: Exchange, path: CallPath | None) -> Response | None:
        """Return the answer that a repeated request had; None of a request that is new.

        Args:
            exchange: The request.
            path: Its call path; None when nobody knows.
        """
        count = _count(exchange)
        if not count:
            return None
        with self._lock:
            given = self._by_key.get(_key(exchange, path))
            if not given:
                return None
            found = min(given, key=lambda each: (not each.client.left, abs(each.repeated - count + 1)))
            found.repeated += 1
            found.client = exchange.client
            return found.response

    def keep(self, exchange: Exchange, path: CallPath | None, response: Response) -> None:
        """Keep an answer of a client that would count its repetitions."""
        if _RETRY_COUNT not in exchange.headers:
            return
        given = _Given(_key(exchange, path), response, exchange.client)
        with self._lock:
            self._by_key.setdefault(given.key, []).append(given)
            self._in_order.append(given)
            self._bytes += response.size
            while len(self._in_order) > _MOST or self._bytes > _MOST_BYTES:
                self._forget(self._in_order.popleft())

    def _forget(self, given: _Given) -> None:
        self._bytes -= given.response.size
        same = self._by_key[given.key]
        same.remove(given)
        if not same:
            del self._by_key[given.key]


def _count(exchange: Exchange) -> int:
    """Return how often a request was sent before; 0 where its client does not say so in a form that is known."""
    stated = exchange.headers.get(_RETRY_COUNT, b"0")
    return int(stated) if stated.isdigit() and len(stated) < 4 else 0


def _key(exchange: Exchange, path: CallPath | None) -> _Key:
    stated = exchange.headers.get(_KEY_HEADER, b"")
    return exchange.path, path, hashlib.sha256(stated + b"\0" + exchange.body).digest()
