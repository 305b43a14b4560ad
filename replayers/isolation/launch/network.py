"""The network inside: nothing but loopback, and listeners that the harness answers."""

from __future__ import annotations

import _socket
import fcntl
import struct

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_BACKLOG = 1024


def raise_loopback() -> None:
    """Bring up ``lo``; it has its addresses by itself."""
    with_name = struct.pack("16sH22x", b"lo", _IFF_UP)
    inside = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        fcntl.ioctl(inside.fileno(), _SIOCSIFFLAGS, with_name)
    finally:
        inside.close()


def listeners(ports: tuple[int, ...]) -> list[_socket.socket]:
    """Return a listening socket on 127.0.0.1 for each port."""
    found = []
    for port in ports:
        one = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        one.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        one.listen(_BACKLOG)
        found.append(one)
    return found
