"""What clients do wrong: every fault is answered, noted, and does not disturb the next request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from tests.replayers.recordings import refund_trace, text
from tests.replayers.wire.served import HELLO, Served, listening, recorded, says, served, word

from unrepeat.cases.trace import ModelCall, Source, Span, Trace
from unrepeat.replayers import calls
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Playback
from unrepeat.replayers.wire import application, repetitions, server
from unrepeat.replayers.wire.exchange import Exchange
from unrepeat.replayers.wire.response import Response
from unrepeat.replayers.wire.server import serving

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "m1", "messages": HELLO}).encode()


def answers_still(desk: Served) -> bool:
    """Whether the recorded request is answered after whatever was before."""
    return desk.openai().chat.completions.create(model="m1", messages=HELLO).choices[0].message.content == "hi"


def send(desk: Served, data: bytes, *, answered: bool = True) -> bytes:
    """Send bytes over a connection of their own and return what comes back."""
    with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as connection:
        connection.sendall(data)
        return connection.recv(65536) if answered else b""


def head(path: str = CHAT, length: int | None = None, method: str = "POST") -> bytes:
    sized = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{sized}\r\n".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"model": "m1"}',
        b'{"messages": null}',
        b'{"messages": "\xff"}',
        b'{"messages": NaN}',
        b'{"messages": [], "messages": []}',
        b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"messages": ' + b"[" * 300 + b"]" * 300 + b"}",
    ],
    ids=["empty", "cut off", "list", "number", "no messages", "null", "not UTF-8", "NaN", "twice", "too deep", "deep"],
)
def test_malformed_body_is_refused(body: bytes) -> None:
    with served(says(word("hi"))) as desk:
        answer = httpx.post(desk.root + CHAT, content=body)
        assert answer.status_code == 400
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert len(desk.calls.faults) == 1
        assert answers_still(desk)


@pytest.mark.parametrize(
    "messages",
    [3, {}, [3], [[]], [{}], [{"role": 3}], [{"role": "user", "content": 3}], [None], ["x"], [{"content": [None]}],
     [{"role": "assistant", "tool_calls": [3]}], [{"role": "tool", "content": {"a": 1}}], "hello"],
)  # fmt: skip
def test_odd_messages_are_a_changed_request_and_no_failure(messages: object) -> None:
    with served(says(word("hi"))) as desk:
        for path, field in (("/chat/completions", "messages"), ("/responses", "input"), ("/messages", "messages")):
            answer = httpx.post(f"{desk.root}/v1{path}", json={"model": "m1", field: messages, "tools": 3, "stop": 3})
            assert answer.status_code in (200, 422), answer.text
        assert desk.calls.failed is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/audio/speech", 404),
        ("GET", "/", 404),
        ("GET", "/v1/realtime", 404),
        ("POST", "/v1/messages/batches", 404),
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models/m1", 405),
        ("PUT", "/boundary/tool/x", 405),
        ("POST", "/boundary/clock", 405),
    ],
)
def test_unknown_endpoint_or_method_is_refused(method: str, path: str, status: int) -> None:
    with served(says(word("hi"))) as desk:
        answer = httpx.request(method, desk.root + path)
        assert (answer.status_code, "error" in answer.json()) == (status, True)
        assert len(desk.calls.faults) == 1
        assert answers_still(desk)


def test_body_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "MAX_BODY", 1_000_000)
    with served(says(word("hi"))) as desk:
        stated = httpx.post(desk.root + CHAT, content=b"x" * 1_000_001)
        in_pieces = httpx.post(desk.root + CHAT, content=(b"x" * 100_000 for _ in range(11)))
        assert (stated.status_code, in_pieces.status_code) == (413, 413)
        assert len(desk.calls.faults) == 2
        assert answers_still(desk)


def test_limit_is_64_megabytes() -> None:
    with served(says(word("hi"))) as desk:
        assert b"413" in send(desk, head(length=64 * 1024 * 1024 + 1))


def test_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "_BODY_WITHIN_S", 0.2)
    with served(says(word("hi"))) as desk:
        assert b"408" in send(desk, head(length=100) + b"{")
        assert answers_still(desk)


def test_client_that_leaves_in_mid_request_is_noted() -> None:
    with served(says(word("hi"))) as desk:
        send(desk, head(length=100) + b"{", answered=False)
        assert answers_still(desk)
        assert "went away" in noted(desk)[0]


def test_client_that_leaves_in_mid_stream_has_a_valid_answer_in_part() -> None:
    with served(says(word("long " * 4_000_000), times=1)) as desk:
        body = json.dumps({"model": "m1", "messages": HELLO, "stream": True}).encode()
        send(desk, head(length=len(body)) + body)
        assert httpx.get(f"{desk.root}/v1/models").status_code == 200
        assert desk.faultless()
        assert desk.calls.failed is None


def noted(desk: Served) -> list[str]:
    """Wait for a fault."""
    until = time.monotonic() + 10
    while not desk.calls.faults and time.monotonic() < until:
        time.sleep(0.01)
    return desk.calls.faults


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n"])
def test_connection_that_speaks_no_http_is_noted(data: bytes) -> None:
    with served(says(word("hi"))) as desk:
        assert b"400" in send(desk, data + b"\r\n" * 2)
        assert len(desk.calls.faults) == 1
        assert answers_still(desk)


def test_headers_without_an_end_are_refused() -> None:
    with served(says(word("hi"))) as desk:
        with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            with contextlib.suppress(ConnectionError):
                for _ in range(100):
                    connection.sendall(b"x" * 65536)
        assert "headers too long" in noted(desk)[0]
        assert answers_still(desk)


@pytest.mark.parametrize("path", ["/v1/\xff", "/boundary/tool/%ff%00", "//v1//", "/v1/chat/completions/..", "*"])
def test_odd_path_is_refused(path: str) -> None:
    with served(says(word("hi"))) as desk:
        answer = send(desk, f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n".encode("latin-1") + b"{}")
        assert answer.split()[1] in (b"400", b"404", b"422")
        assert desk.calls.failed is None


def test_repeated_request_is_the_same_call() -> None:
    with served(says(word("hi"), times=2)) as desk:
        first = httpx.post(desk.root + CHAT, content=BODY, headers={"x-stainless-retry-count": "0"})
        again = httpx.post(desk.root + CHAT, content=BODY, headers={"x-stainless-retry-count": "1"})
        assert again.json() == first.json()
        assert len(desk.playback.events) == 1


def numbers(*given: int) -> list[dict[str, str]]:
    """Return headers that say how often a request was sent before."""
    return [{"x-stainless-retry-count": str(number)} for number in given]


def test_repetitions_of_calls_that_asked_the_same_get_their_own_answers() -> None:
    turns = [([text("user", "hello")], [text("assistant", said)]) for said in ("one", "two")]
    with served(recorded(*turns)) as desk:
        found = [httpx.post(desk.root + CHAT, content=BODY, headers=each) for each in numbers(0, 0, 1, 1, 2)]
        said = [each.json()["choices"][0]["message"]["content"] for each in found]
        assert said == ["one", "two", "one", "two", "one"]
        assert len(desk.playback.events) == 2


def test_repetition_is_of_the_call_whose_client_left() -> None:
    turns = [([text("user", "hello")], [text("assistant", said)]) for said in ("one", "two " * 2_000_000)]
    with served(recorded(*turns)) as desk:
        body = json.dumps({"model": "m1", "messages": HELLO, "stream": True}).encode()
        counts = b"Content-Length: %d\r\nx-stainless-retry-count: 0\r\n\r\n" % len(body)
        first = httpx.post(desk.root + CHAT, content=body, headers={"x-stainless-retry-count": "0"}, timeout=60)
        assert '"one"' in first.text
        send(desk, head()[:-2] + counts + body)
        time.sleep(0.3)
        again = httpx.post(desk.root + CHAT, content=body, headers={"x-stainless-retry-count": "1"}, timeout=60)
        assert "two " in again.text
        assert len(desk.playback.events) == 2


def test_call_elsewhere_that_asks_the_same_is_no_repetition() -> None:
    with served(says(word("hi"), times=2)) as desk:
        httpx.post(desk.root + CHAT, content=BODY, headers={"x-stainless-retry-count": "0", "x-unrepeat-path": ""})
        elsewhere = {"x-stainless-retry-count": "1", "x-unrepeat-path": "tool:plan"}
        httpx.post(desk.root + CHAT, content=BODY, headers=elsewhere)
        assert len(desk.playback.events) == 2


@pytest.mark.parametrize(("bound", "most"), [("_MOST", 2), ("_MOST_BYTES", 700)])
def test_answers_kept_for_repetitions_are_bounded(monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    monkeypatch.setattr(repetitions, bound, most)
    kept = repetitions.Repetitions()
    asked = [Exchange("POST", CHAT, {b"x-stainless-retry-count": b"0"}, b"%d" % number) for number in range(10)]
    for exchange in asked:
        kept.keep(exchange, None, Response(200, (b"x" * 300,)))
    again = [Exchange("POST", CHAT, {b"x-stainless-retry-count": b"1"}, each.body) for each in asked]
    assert [number for number, each in enumerate(again) if kept.answer_to(each, None)] == [8, 9]


def test_bytes_of_all_requests_are_bounded_and_end_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_MOST_BYTES", 1 << 20)
    with served(says(word("hi"), times=9)) as desk:
        statuses = [httpx.post(desk.root + CHAT, content=b"x" * 400_000).status_code for _ in range(4)]
        assert statuses == [400, 400, 413, 413]
        assert desk.calls.stopped.is_set()
        assert "asks for too much: more than 1 MiB" in desk.calls.endless
        assert [each for each in desk.calls.faults if "too much" in each] == [desk.calls.endless]


def test_many_bodies_at_once_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_MOST_BYTES", 1 << 20)
    with served(says(word("hi"))) as desk, contextlib.ExitStack() as stack:
        for _ in range(40):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", desk.port), timeout=10))
            each.sendall(head(length=100_000) + b"x" * 50_000)  # none of them ever ends
        assert desk.calls.stopped.wait(10)


def test_count_of_repetitions_in_another_form_is_a_first_request() -> None:
    with served(says(word("hi"), times=3)) as desk:
        for count in ("x", "-1", "1" * 5000):
            answer = httpx.post(desk.root + CHAT, content=BODY, headers={"x-stainless-retry-count": count})
            assert answer.status_code == 200
        assert desk.calls.failed is None


def test_request_that_never_arrived_is_answered_when_it_is_repeated() -> None:
    with served(says(word("hi"))) as desk:
        answer = httpx.post(desk.root + CHAT, content=BODY, headers={"x-stainless-retry-count": "1"})
        assert answer.json()["choices"][0]["message"]["content"] == "hi"


@pytest.mark.parametrize(
    ("error", "attributes", "status", "kind"),
    [
        ("RateLimitError: slow down", {}, 429, openai.RateLimitError),
        ("boom", {"http.response.status_code": 503}, 503, openai.InternalServerError),
        ("openai.BadRequestError: Error code: 400 - {...}", {}, 400, openai.BadRequestError),
        ("ValueError: what", {}, 500, openai.InternalServerError),
        ("failed", {"error.type": "context_length_exceeded.BadRequestError"}, 400, openai.BadRequestError),
    ],
)
def test_recorded_error_of_the_provider_is_served_with_its_status(
    error: str, attributes: dict, status: int, kind: type[openai.APIStatusError]
) -> None:
    span = Span(span_id="s1", error=error, attributes=attributes, view=ModelCall(request_model="m1", input=(0,)))
    trace = Trace(trace_id="t", source=Source(format="test"), spans=(span,), messages=(text("user", "hello"),))
    with served(trace) as desk:
        with pytest.raises(kind) as caught:
            desk.openai().chat.completions.create(model="m1", messages=HELLO)
        assert caught.value.status_code == status
        assert len(desk.playback.events) == 1
        assert not desk.calls.faults


def numbered(count: int) -> Trace:
    """Return a trace of so many calls, each with its number as question and answer."""
    return recorded(*[([text("user", f"{n}")], [text("assistant", f"answer {n}")]) for n in range(count)])


def test_parallel_conversations_get_their_own_answers() -> None:
    def ask(number: int) -> str:
        asked = [{"role": "user", "content": f"{number}"}]
        return client.chat.completions.create(model="m1", messages=asked).choices[0].message.content or ""

    with served(numbered(200)) as desk:
        client = desk.openai(max_retries=0)
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(ask, reversed(range(200))))
        assert found == [f"answer {n}" for n in reversed(range(200))]
        assert {each.grade for each in desk.playback.divergences} <= {"order"}


def test_a_thousand_connections_at_once_are_answered() -> None:
    async def ask(desk: Served, number: int, all_open: asyncio.Event) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        open_connections.append(writer)
        if len(open_connections) == 1000:
            all_open.set()
        await all_open.wait()
        body = json.dumps({"model": "m1", "messages": [{"role": "user", "content": f"{number}"}]}).encode()
        writer.write(head(length=len(body)) + body)
        return await reader.readuntil(b"}]}")

    async def ask_all(desk: Served) -> list[bytes]:
        all_open = asyncio.Event()
        return await asyncio.gather(*(ask(desk, number, all_open) for number in range(1000)))

    open_connections: list = []
    with served(numbered(1000)) as desk:
        found = asyncio.run(asyncio.wait_for(ask_all(desk), 60))
        assert all(f'"answer {number}"'.encode() in answer for number, answer in enumerate(found))
        assert not desk.calls.faults


def test_end_is_prompt_and_leaves_nothing() -> None:
    threads = set(threading.enumerate())
    with listening() as listener:
        port = listener.getsockname()[1]
        with serving(Calls(Playback(says(word("hi " * 2_000_000)))), [listener]):
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
            streaming = socket.create_connection(("127.0.0.1", port))
            body = json.dumps({"model": "m1", "messages": HELLO, "stream": True}).encode()
            streaming.sendall(head(length=len(body)) + body)
            assert streaming.recv(100)
            started = time.monotonic()
        assert time.monotonic() - started < 1
        assert listener.fileno() == -1
        assert set(threading.enumerate()) <= threads
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        for each in (*idle, streaming):
            each.close()


def test_server_ends_where_the_block_fails() -> None:
    with (
        pytest.raises(RuntimeError, match="app"),
        listening() as listener,
        serving(Calls(Playback(says())), [listener]),
    ):
        raise RuntimeError("app")
    assert not [each for each in threading.enumerate() if each.name.startswith("unrepeat")]


def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    with served(says(word("hi"), times=20)) as desk:
        client = desk.openai()
        started = time.monotonic()
        for _ in range(20):
            client.chat.completions.create(model="m1", messages=HELLO)
        assert time.monotonic() - started < 20 * 0.04


def test_interruption_of_the_start_leaves_no_thread(monkeypatch):
    start = server._Listener.start

    def interrupted(self):
        monkeypatch.setattr(self._ready, "wait", _interrupt)
        start(self)

    monkeypatch.setattr(server._Listener, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), served(refund_trace()):
        pass
    assert not [each for each in threading.enumerate() if each.name.startswith("unrepeat")]


def _interrupt():
    raise KeyboardInterrupt
