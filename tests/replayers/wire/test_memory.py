"""What a program sends does not fill the memory of the harness, measured in a server process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from tests.replayers.wire.served import says, served, word

from unrepeat.replayers import calls, request
from unrepeat.replayers.request import Conversation
from unrepeat.replayers.wire import arriving

CHAT = "/v1/chat/completions"
PIECE = b"x" * (1 << 20)
MODELS = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
SERVER = r"""
import json, re, resource, sys
from pathlib import Path
from tests.replayers.wire.served import served, says, word
with served(says(word("hi"))) as desk:
    print(desk.port, flush=True)
    sys.stdin.read()
# What getrusage says of Linux holds the memory of the process that started this one, too.
status = Path("/proc/self/status")
own = status.exists() and re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
peak = int(own[1]) // 1024 if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
print(json.dumps([peak, desk.calls.faults]))
"""


@dataclass
class Apart:
    """A server in a process of its own; what became of it once it has ended."""

    port: int
    peak_mib: int = 0
    faults: list[str] = field(default_factory=list)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)


@contextlib.contextmanager
def apart() -> Iterator[Apart]:
    """Serve a recording in another process while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = Apart(int(process.stdout.readline()))
        try:
            yield server
        finally:
            said, _ = process.communicate(timeout=10)
        server.peak_mib, server.faults = json.loads(said)


def head(length: int) -> bytes:
    return f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def test_bodies_that_never_end_are_held_up_to_a_bound() -> None:
    with apart() as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(40)]
        for client in clients:
            client.sendall(head(60_000_000))
        for _ in range(16):
            for client in clients:
                client.sendall(PIECE)
    assert server.peak_mib < 480  # 640 MiB were sent
    assert "at most 256 MiB at once" in server.faults[0]


def test_requests_whose_answers_nobody_reads_end_the_connection() -> None:
    with apart() as server, server.connect() as client, contextlib.suppress(OSError):
        for _ in range(300):
            client.sendall(MODELS * 2000)
    assert server.peak_mib < 200
    assert server.faults == ["a connection: more than 100 requests that wait for answers"]


def test_requests_that_make_no_step_are_not_kept() -> None:
    with apart() as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        for number in range(50):
            asked = {"model": "m1", "messages": [{"role": "user", "content": "x" * 3_000_000 + str(number)}]}
            client.request("POST", "/v1/messages/count_tokens", json.dumps(asked).encode())
            assert client.getresponse().read()
        client.close()
    assert server.peak_mib < 350  # 150 MB were sent, and a memo would hold them twice


def test_extension_of_a_chunk_without_an_end_is_refused() -> None:
    with apart() as server, server.connect() as client:
        client.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;".encode())
        with pytest.raises(OSError, match=r"reset|pipe"):
            client.sendall(PIECE * 100)
    assert "a connection: too much around the body" in server.faults


def test_body_in_chunks_of_one_byte_is_read() -> None:
    body = json.dumps({"model": "m1", "messages": [{"role": "user", "content": "x" * 500_000}]}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with served(says(word("hi"))) as desk:
        with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as client:
            client.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks)
            assert b"200 OK" in client.recv(100)
        assert not desk.calls.faults


def test_requests_sent_ahead_are_answered_one_by_one() -> None:
    with served(says(word("hi"))) as desk, socket.create_connection(("127.0.0.1", desk.port), timeout=10) as client:
        client.sendall(MODELS * 90)
        got = b""
        while got.count(b"HTTP/1.1 200") < 90 or not got.endswith(b"}"):
            got += client.recv(65536)
        assert not desk.calls.faults


def test_body_is_let_go_once_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "MOST_AT_ONCE", 1_000_000)
    with served(says(word("hi"))) as desk:
        statuses = [httpx.post(desk.root + CHAT, content=b"x" * 600_000).status_code for _ in range(4)]
        assert statuses == [400] * 4
        assert httpx.post(desk.root + CHAT, content=b"x" * 1_100_000).status_code == 413
        assert httpx.post(desk.root + CHAT, content=b"x" * 600_000).status_code == 400


def test_requests_without_steps_are_counted_and_end_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_MOST", 0)
    monkeypatch.setattr(calls, "_MOST_REQUESTS", 1)
    with served(says(word("hi"))) as desk:
        statuses = [httpx.get(f"{desk.root}/v1/models").status_code for _ in range(12)]
        assert statuses == [200] * 10 + [429] * 2
        assert desk.calls.faults == ["the system asks for ever: more than 10 requests in one replay"]
        assert desk.calls.stopped.is_set()


def test_messages_forgotten_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "_MOST_REMEMBERED", 1000)
    conversation = Conversation()
    asked = [{"role": "user", "content": "x" * 300 + str(number)} for number in range(10)]
    assert conversation.read(asked) == conversation.read(asked) == Conversation().read(asked)
