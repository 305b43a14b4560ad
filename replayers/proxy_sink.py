"""Proxy sink: a proxy that lets nothing through and notes who asked for what.

Most clients go by the proxy variables of their environment. Where they do, an attempt to get out is told by the name
of the host, before any packet is.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_MAX_HEAD = 8192
_TIMEOUT_S = 5.0
_MAX_ATTEMPTS = 100
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
        """Note a request by its head."""
        lines = head.decode("latin-1").split("\r\n")
        target = " ".join(lines[0].split(" ")[:2])[:200]
        agent = next((line[11:].strip() for line in lines if line.lower().startswith("user-agent:")), "")
        attempt = f"{target} by {agent[:100]}" if agent else target
        if target and attempt not in self.attempts and len(self.attempts) < _MAX_ATTEMPTS:
            self.attempts.append(attempt)


@contextlib.contextmanager
def sinking(listener: socket.socket) -> Iterator[ProxySink]:
    """Refuse what comes to a listening socket, in a thread; both are gone at the end."""
    sink, ending = ProxySink(), threading.Event()
    thread = threading.Thread(target=_serve, args=(listener, sink, ending), name="unrepeat-proxy", daemon=True)
    listener.settimeout(0.1)
    thread.start()
    try:
        yield sink
    finally:
        ending.set()
        thread.join(_TIMEOUT_S + 1)
        listener.close()


def _serve(listener: socket.socket, sink: ProxySink, ending: threading.Event) -> None:
    while not ending.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_TIMEOUT_S)
            sink.note(_head(connection))
            connection.sendall(_REFUSAL)


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD:
        chunk = connection.recv(_MAX_HEAD)
        if not chunk:
            break
        head += chunk
    return head
