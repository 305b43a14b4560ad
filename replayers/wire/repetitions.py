"""Repetitions: requests that a client sent once more because it saw no answer, told by what its SDK counts."""

from __future__ import annotations

import hashlib
import threading

from .exchange import Exchange
from .response import Response

_RETRY_COUNT = b"x-stainless-retry-count"
_KEY_HEADER = b"idempotency-key"
_MOST = 1000


class Repetitions:
    """The answers given lately, each to be given again to the same call."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, bytes], Response] = {}
        self._lock = threading.Lock()

    def answer_to(self, exchange: Exchange) -> Response | None:
        """Return the answer that a repeated request had; None of a request that is new."""
        count = exchange.headers.get(_RETRY_COUNT, b"0")
        if not count.isdigit() or not count.strip(b"0"):
            return None
        return self._given.get(_key(exchange))

    def keep(self, exchange: Exchange, response: Response) -> None:
        """Keep an answer of a client that would count its repetitions."""
        if _RETRY_COUNT not in exchange.headers:
            return
        key = _key(exchange)
        with self._lock:
            self._given.pop(key, None)
            self._given[key] = response
            if len(self._given) > _MOST:
                del self._given[next(iter(self._given))]


def _key(exchange: Exchange) -> tuple[str, bytes]:
    stated = exchange.headers.get(_KEY_HEADER, b"")
    return exchange.path, hashlib.sha256(stated + b"\0" + exchange.body).digest()
