"""Posting: one request to a deployment, in a thread of its own, broken off once nobody waits for the answer."""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from .program import MAX_OUTPUT_BYTES

CONNECT_S = 10.0
"""How long a deployment may take to accept a connection, TLS included."""
_END_S = 1.0


@dataclass(frozen=True, slots=True)
class Response:
    """What a deployment answered."""

    status: int
    body: bytes
    """At most one byte more than an answer may have."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """There was no connection: nothing was asked."""

    why: str


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """The connection ended before the answer did."""

    why: str


Outcome = Response | Unreached | BrokenOff


class Posting:
    """A request under way."""

    def __init__(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        self._connection, self._body = connection, body
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False
        self.is_connected = False
        """Whether there was a connection."""
        self._thread = threading.Thread(target=self._work, name="unrepeat-posting", daemon=True)
        self._thread.start()

    def outcome(self, timeout_s: float) -> Outcome | None:
        """Return how it ended; None where it has not within a time."""
        with contextlib.suppress(queue.Empty):
            return self._outcomes.get(timeout=timeout_s)
        return None

    @classmethod
    def of(cls, url: SplitResult, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Posting:
        """Begin to send a request.

        Args:
            url: Where to.
            body: What to send.
            headers: Headers, by lower-case name.
            timeout_s: Longest time until there is a connection.

        Raises:
            ValueError, http.client.HTTPException: No request can be made of these.
        """
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=timeout_s)
        connection.auto_open = 0  # once only: what was hung up stays so
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.putrequest("POST", target, "host" in headers, "accept-encoding" in headers)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            connection.putheader(name, value)
        return cls(connection, body)

    def close(self) -> None:
        """End it: nothing is sent after this, also where the connection comes about only now."""
        with self._lock:
            self._is_over = True
            connected = self._connection.sock
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        self._thread.join(_END_S)
        self._connection.close()

    def _work(self) -> None:
        try:
            self._connection.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._outcomes.put(Unreached(_words(error)))
            return
        with self._lock:
            self.is_connected = True
            if self._is_over:
                self._connection.close()
                return
        try:
            self._connection.sock.settimeout(None)  # how long an answer takes is for others to limit
            self._connection.endheaders(self._body)
            response = self._connection.getresponse()
            self._outcomes.put(Response(response.status, response.read(MAX_OUTPUT_BYTES + 1)))
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # Closed under our hands, http.client stumbles over what is None by then.
            self._outcomes.put(BrokenOff(f"{type(error).__name__}: {error}"))


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
