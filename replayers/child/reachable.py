"""What of the network can be reached: the harness's own servers on this machine, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Spellings that clients use for this machine; looking them up asks no other."""


def reached(servers: Collection[tuple[str, int]]) -> dict[str, Callable[..., bool]]:
    """Return, by audit event of sockets, whether its arguments lead to one of the servers.

    Args:
        servers: Host and port of each.
    """
    ports = {port for _, port in servers}
    hosts = {*_LOOPBACK, *(host for host, _ in servers)} if servers else set()

    def is_known(host: Any, port: Any) -> bool:
        named = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        return type(named) is str and named.lower() in hosts and type(port) is int and port in ports

    def may_connect(sock: Any, address: Any) -> bool:
        # Of a TCP address, a tuple of host, port and, for IPv6, two numbers more.
        return _is_tcp(sock) and isinstance(address, tuple) and len(address) >= 2 and is_known(*address[:2])

    def may_look_up(host: Any, port: Any = None, *_: Any) -> bool:
        # Clients look up a host together with its port, which some of them hold as text.
        number = int(port) if isinstance(port, (str, bytes)) and port.isdigit() else port
        return is_known(host, number) or (not port and bool(ports) and is_known(host, next(iter(ports))))

    return {
        "socket.connect": may_connect,
        "socket.getaddrinfo": may_look_up,
        "socket.gethostbyname": may_look_up,
        # Without an address it goes where its socket is connected to. asyncio sends everything that way.
        "socket.sendmsg": lambda sock, address: address is None,
    }


def _is_tcp(sock: Any) -> bool:
    import _socket  # the app's own module named socket must not be loaded by us

    return sock.family in (_socket.AF_INET, _socket.AF_INET6) and sock.type == _socket.SOCK_STREAM
