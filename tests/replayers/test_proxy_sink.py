"""A proxy that lets nothing through notes every attempt, however it is made."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from unrepeat.replayers import proxy_sink
from unrepeat.replayers.proxy_sink import ProxySink, sinking

CONNECT = b"CONNECT api.example.com:443 HTTP/1.1\r\nUser-Agent: curl/8.5.0\r\n\r\n"


class Proxy:
    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = self.listener.getsockname()
        self.held: list[socket.socket] = []

    def connection(self, said: bytes = b"") -> socket.socket:
        made = socket.create_connection(self.address, timeout=5)
        self.held.append(made)
        made.sendall(said)
        return made


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    for each in [*made.held, made.listener]:
        each.close()


def noted(sink: ProxySink, count: int, timeout_s: float = 3) -> list[str]:
    until = time.monotonic() + timeout_s
    while len(sink.attempts) < count and time.monotonic() < until:
        time.sleep(0.01)
    return sink.attempts


def test_request_is_refused_and_noted_with_who_asked(proxy):
    with sinking(proxy.listener) as sink:
        assert proxy.connection(CONNECT).recv(100).startswith(b"HTTP/1.1 403 ")
    assert sink.attempts == ["CONNECT api.example.com:443 by curl/8.5.0"]


def test_idle_connection_keeps_nobody_waiting(proxy):
    with sinking(proxy.listener) as sink:
        proxy.connection()
        proxy.connection(CONNECT)
        assert len(noted(sink, 1)) == 1


def test_what_waits_at_the_end_is_noted_and_the_end_is_prompt(proxy):
    idle = [proxy.connection() for _ in range(20)]
    for number in range(50):
        proxy.connection(b"GET http://%d.example.com/ HTTP/1.1\r\n\r\n" % number)
    began = time.monotonic()
    with sinking(proxy.listener) as sink:
        pass
    assert len(sink.attempts) == 50
    assert time.monotonic() - began < 2
    assert idle[0].recv(100)


def test_head_in_pieces_is_put_together(proxy):
    with sinking(proxy.listener) as sink:
        client = proxy.connection(CONNECT[:20])
        time.sleep(0.1)
        client.sendall(CONNECT[20:])
        assert client.recv(100)
    assert sink.attempts == ["CONNECT api.example.com:443 by curl/8.5.0"]


def test_head_that_breaks_off_is_noted_when_its_time_is_up(proxy, monkeypatch):
    monkeypatch.setattr(proxy_sink, "_TIMEOUT_S", 0.2)
    with sinking(proxy.listener) as sink:
        proxy.connection(b"CONNECT slow.example.com:443 HTTP/1.1\r\n")
        assert noted(sink, 1) == ["CONNECT slow.example.com:443"]


def test_head_of_a_client_that_resets_is_noted(proxy):
    with sinking(proxy.listener) as sink:
        client = proxy.connection(b"GET http://gone.example.com/ HT")
        time.sleep(0.2)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert noted(sink, 1) == ["GET http://gone.example.com/"]


def test_connections_are_bounded(proxy, monkeypatch):
    monkeypatch.setattr(proxy_sink, "_MAX_CONNECTIONS", 3)
    with sinking(proxy.listener):
        first, *_ = (proxy.connection() for _ in range(4))
        assert first.recv(100)  # it made room
    assert not any(thread.name == "unrepeat-proxy" for thread in threading.enumerate())
