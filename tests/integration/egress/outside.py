"""The outside: listeners on the host that count who gets there. They stand for everything a replay must not reach."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import socket
import threading
from pathlib import Path

ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Outside:
    """Listeners over TCP, UDP and Unix sockets; each arrival is counted, and connections are answered and closed.

    Args:
        hidden: A folder for a socket such as Docker's, where services have theirs (below ``/tmp`` here).
        plain: A folder for one where nothing is hidden.
    """

    def __init__(self, hidden: Path, plain: Path) -> None:
        self.arrivals: list[str] = []
        mark = secrets.token_hex(4)
        self._paths = [hidden / f"d-{mark}.sock", plain / f"p-{mark}.sock"]
        self._paths += [Path(f"{self._paths[1]}.datagram"), plain / f"r-{mark}.sock"]
        self._sockets = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(type=socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "plain unix": socket.socket(socket.AF_UNIX),
            "datagram": socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
            "relative unix": socket.socket(socket.AF_UNIX),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        self._sockets["udp"].bind(("127.0.0.1", 0))
        for name, path in zip(("unix", "plain unix", "datagram"), self._paths[:3], strict=True):
            self._sockets[name].bind(str(path))
        bind_relative(self._sockets["relative unix"], self._paths[3])
        self._sockets["abstract"].bind(f"\0{mark}")
        for name in ("unix", "plain unix", "relative unix", "abstract"):
            self._sockets[name].listen()
        self.env = {
            "PROBE_TCP": str(self._sockets["tcp"].getsockname()[1]),
            "PROBE_UDP": str(self._sockets["udp"].getsockname()[1]),
            "PROBE_UNIX": str(self._paths[0]),
            "PROBE_PLAIN_UNIX": str(self._paths[1]),
            "PROBE_RELATIVE_UNIX": str(self._paths[3]),
            "PROBE_ABSTRACT": mark,
        }
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Count what has arrived until now, and end."""
        self._stop.set()
        self._thread.join()
        for each in self._sockets.values():
            each.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def _serve(self) -> None:
        names = {each: name for name, each in self._sockets.items()}
        while True:
            is_last = self._stop.is_set()
            ready, _, _ = select.select(list(names), [], [], 0.02)
            for each in ready:
                self._take(each)
                self.arrivals.append(names[each])
            if is_last and not ready:
                return

    def _take(self, one: socket.socket) -> None:
        if one.type == socket.SOCK_DGRAM:
            one.recv(2048)
            return
        connection, _ = one.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(0.5)
            connection.sendall(ANSWER)


def bind_relative(one: socket.socket, path: Path) -> None:
    """Bind a Unix socket by its name alone: the kernel lists it without its folder."""
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        one.bind(path.name)
    finally:
        os.chdir(before)
