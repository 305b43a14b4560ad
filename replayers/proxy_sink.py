"""Proxy sink: a proxy that lets nothing through and notes who asked for what.

Most clients go by the proxy variables of their environment. Where they do, an attempt to get out is told by the name
of the host, before any packet is.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_HEAD = 8192
_TIMEOUT_S = 5.0
"""How long a connection may take with its request."""
_MAX_CONNECTIONS = 256
"""Most at once: the one that came first makes room for the next."""
_MAX_WAITING = 2048
"""Most that are taken at once: more than may wait. A client that goes on for ever does not keep the end from coming."""
_MAX_ATTEMPTS = 100
_POLL_S = 0.2
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def proxy_environment(port: int) -> dict[str, str]:
    """Return the variables that make clients ask the sink."""
    return dict.fromkeys(_VARIABLES, f"http://127.0.0.1:{port}")


class ProxySink:
    """What was asked of it so far."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        """Attempts in words, each once: ``CONNECT api.example.com:443 by curl/8.5.0``; at most 100."""

    def note(self, head: bytes) -> None:
        """Note a request by its head, or by what came of it."""
        lines = head.decode("latin-1").split("\r\n")
        target = " ".join(lines[0].split(" ")[:2])[:200]
        agent = next((line[11:].strip() for line in lines if line.lower().startswith("user-agent:")), "")
        attempt = f"{target} by {agent[:100]}" if agent else target
        if target and attempt not in self.attempts and len(self.attempts) < _MAX_ATTEMPTS:
            self.attempts.append(attempt)


@contextlib.contextmanager
def sinking(listener: socket.socket) -> Iterator[ProxySink]:
    """Refuse what comes to a listening socket, in a thread; both are gone at the end.

    Whatever was sent by then is noted, also where it waits to be accepted.
    """
    sink = ProxySink()
    ours, theirs = socket.socketpair()
    with listener, ours, theirs:
        listener.setblocking(False)
        work = _Serving(listener, theirs, sink)
        thread = threading.Thread(target=work.serve, name="unrepeat-proxy", daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            ours.close()
            thread.join()


@dataclass(slots=True)
class _Connection:
    """One client and what it has said."""

    socket: socket.socket
    until: float = field(default_factory=lambda: time.monotonic() + _TIMEOUT_S)
    head: bytes = b""

    def read(self) -> bool:
        """Read what is there; return whether nothing more is wanted of it."""
        try:
            while len(self.head) < _MAX_HEAD and b"\r\n\r\n" not in self.head:
                chunk = self.socket.recv(_MAX_HEAD)
                if not chunk:
                    return True
                self.head += chunk
        except BlockingIOError:
            return False
        except OSError:  # reset
            return True
        return True


class _Serving:
    """One thread for all connections: a client that says nothing keeps nobody else waiting."""

    def __init__(self, listener: socket.socket, end: socket.socket, sink: ProxySink) -> None:
        self._listener, self._end, self._sink = listener, end, sink
        self._selector = selectors.DefaultSelector()
        self._open: dict[socket.socket, _Connection] = {}
        """In the order in which they came."""

    def serve(self) -> None:
        """Refuse every request until the other end of ``end`` is closed."""
        with self._selector:
            for each in (self._listener, self._end):
                self._selector.register(each, selectors.EVENT_READ)
            while not self._turn():
                pass
            self._accept()
            for connection in [*self._open.values()]:
                connection.read()
                self._finish(connection)

    def _turn(self) -> bool:
        """Take what has come; return whether the end has."""
        ready = {key.fileobj for key, _ in self._selector.select(_POLL_S)}
        for connection in [each for each in self._open.values() if each.socket in ready]:
            if connection.read():
                self._finish(connection)
        if self._listener in ready:
            self._accept()
        now = time.monotonic()
        for connection in [each for each in self._open.values() if each.until < now]:
            self._finish(connection)
        return self._end in ready

    def _accept(self) -> None:
        """Take every connection that waits; the program may be gone that made them."""
        for _ in range(_MAX_WAITING):
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError:  # no more open files: soon there may be some
                time.sleep(_POLL_S / 10)
                return
            accepted.setblocking(False)
            connection = _Connection(accepted)
            if connection.read():
                self._finish(connection)
                continue
            self._open[accepted] = connection
            self._selector.register(accepted, selectors.EVENT_READ)
            if len(self._open) > _MAX_CONNECTIONS:
                self._finish(next(iter(self._open.values())))

    def _finish(self, connection: _Connection) -> None:
        """Note what a client said, refuse it, and hang up."""
        if self._open.pop(connection.socket, None) is not None:
            self._selector.unregister(connection.socket)
        self._sink.note(connection.head)
        with connection.socket, contextlib.suppress(OSError):
            connection.socket.send(_REFUSAL)
