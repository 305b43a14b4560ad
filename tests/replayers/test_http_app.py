"""A running deployment is asked over HTTP, and asks back where it was told to: a real server on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.replayers.programs import DESK
from tests.replayers.recordings import refund_trace

from unrepeat.cases.errors import ReplayError, UnableToReplayError
from unrepeat.replayers.clock import ClockMode
from unrepeat.replayers.http_app import replay_http
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.posting import Posting
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.system import Checkout, HttpSystem


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Deployment:
    """The refund desk behind a server; it finds its model and its tools at one fixed place, in ``outside``."""

    def __init__(self, program: str) -> None:
        self.outside = free_port()
        self.seen: list[Any] = []
        self.status, self.wait_s = 200, 0.0
        self.forwards = True
        self.late_s: float | None = None
        self.ends = False
        deployment = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                deployment._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.desk: dict[str, Any] = {"__name__": "desk"}
        exec(program, self.desk)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tickets?tenant=1"

    def _answer(self, handler: Any) -> None:
        import json

        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.seen.append((handler.path, dict(handler.headers), body))
        self.desk["os"] = self._surroundings(handler.headers["traceparent"] if self.forwards else "00-" + "1" * 32)
        time.sleep(self.wait_s)
        try:
            answer, status = json.dumps({"said": self.desk["handle"](json.loads(body)["text"])}).encode(), self.status
        except Exception as error:
            answer, status = str(error).encode(), 500
        if self.ends:
            self.server.socket.shutdown(socket.SHUT_RDWR)
        handler.send_response(status)
        handler.send_header("content-length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)
        handler.wfile.flush()
        if self.late_s is not None:
            threading.Thread(target=self._later, args=(dict(self.desk),)).start()

    def _later(self, desk: dict[str, Any]) -> None:
        time.sleep(self.late_s or 0)
        with contextlib.suppress(Exception):
            desk["tool"]("pay", {"amount": 10})

    def _surroundings(self, traceparent: str) -> Any:
        base = f"http://127.0.0.1:{self.outside}"

        class Surroundings:
            environ = {
                "OPENAI_BASE_URL": f"{base}/v1",
                "UNREPEAT_BOUNDARY_URL": f"{base}/boundary",
                "TRACE": traceparent,
            }

        return Surroundings


@contextlib.contextmanager
def full() -> Iterator[socket.socket]:
    """Yield a listener at which a connection waits, and to which no further one gets through meanwhile."""
    with socket.socket() as listener, socket.socket() as one, socket.socket() as two:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (one, two):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener


def received(listener: socket.socket) -> bytes:
    """Accept a connection and return what is sent over it."""
    listener.settimeout(5)
    accepted, _ = listener.accept()
    with accepted:
        accepted.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            return accepted.recv(1000)
    return b""


TRACED = DESK.replace(
    '{"content-type": "application/json"}', '{"content-type": "application/json", "traceparent": os.environ["TRACE"]}'
)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    made = Deployment(TRACED)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def asked(deployment: Deployment, **more: Any) -> Replay:
    trace = refund_trace()
    described = {"boundaries": {"tool": ("get_order", "refund")}, "timeout_s": 20.0, **more}
    turns = described.pop("turns", [trace.input])
    url, modes = described.pop("url", deployment.url), described.pop("modes", None)
    system = HttpSystem(name="desk", url=url, listen=("127.0.0.1", deployment.outside), **described)
    return replay_http(
        trace, system, Checkout(version=Version(label="staging"), folder=Path()), turns=turns, modes=modes
    )


def test_deployment_is_asked_what_the_system_was_and_answered_as_recorded(deployment):
    replay = asked(deployment, headers={"authorization": "Bearer staging"})
    assert (replay.outcome, replay.trace.output) == ("completed", {"said": "Done, refunded."}), replay.error
    assert not replay.divergences
    assert (replay.isolation, replay.replayer, replay.refused) == ("external", "http", ())
    path, headers, body = deployment.seen[0]
    assert (path, headers["authorization"]) == ("/tickets?tenant=1", "Bearer staging")
    assert body == b'{"text":"Refund order ord_1 please"}'


def test_several_turns_are_sent_one_after_the_other(deployment):
    replay = asked(deployment, turns=[{"text": "Refund order ord_1 please"}, {"text": "again"}])
    assert replay.outcome == "stopped"
    assert len(deployment.seen) == 2


def test_calls_of_another_request_are_not_taken_for_this_one(deployment):
    deployment.forwards = False
    replay = asked(deployment)
    assert replay.outcome == "crashed"
    assert not replay.events
    assert replay.faults
    assert not replay.refused


def test_error_of_the_deployment_is_its_crash(deployment):
    deployment.status = 503
    replay = asked(deployment)
    assert (replay.outcome, replay.error[:31]) == ("crashed", "the deployment answered HTTP 50")


def test_silence_is_timed_out(deployment):
    deployment.wait_s = 5
    replay = asked(deployment, timeout_s=0.5)
    assert (replay.outcome, replay.error) == ("timed_out", "no answer within 0.5 s")


def test_call_after_the_answer_is_a_step_and_told(deployment):
    deployment.late_s = 0.5
    replay = asked(deployment)
    assert replay.events[-1].name == "pay"
    assert (replay.outcome, "call of pay" in replay.error) == ("stopped", True)
    assert replay.unfinished == ("the part of the deployment that asks for tool pay",)


def test_deployment_that_is_done_is_not_waited_for_long(deployment):
    began = time.monotonic()
    assert not asked(deployment).unfinished
    assert time.monotonic() - began < 4


def test_values_beyond_usual_json_are_sent(deployment):
    turn = {"text": "Refund order ord_1 please", "n": 2**70, "half": "\ud800"}
    assert asked(deployment, turns=[turn]).outcome == "completed"
    assert deployment.seen[0][2].endswith(b'"n":1180591620717411303424,"half":"\\ud800"}')


def test_input_that_cannot_be_sent_is_no_verdict(deployment):
    began = time.monotonic()
    with pytest.raises(UnableToReplayError, match="UTF-8 can say, got half of a surrogate pair"):
        asked(deployment, turns=["\ud800"])
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("more", [{"headers": {"authorization": "Bearer a\nb"}}, {"url": "http://127.0.0.1:1/\xe4"}])
def test_request_that_cannot_be_made_is_no_verdict(deployment, more):
    with pytest.raises(UnableToReplayError, match="expected a request that can be sent"):
        asked(deployment, **more)


def test_deployment_without_the_tls_that_its_url_says_is_no_verdict(deployment):
    with pytest.raises(UnableToReplayError, match=r"expected a deployment at https://.*, got .*SSL"):
        asked(deployment, url=deployment.url.replace("http:", "https:"))


def test_deployment_that_accepts_nothing_is_no_verdict(deployment):
    with full() as listener, pytest.raises(UnableToReplayError, match=r"expected a deployment at .*, got"):
        asked(deployment, url=f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.5)


def test_deployment_that_is_gone_for_the_second_turn_crashed(deployment):
    deployment.ends = True
    deployment.desk["complete"] = lambda messages: {"content": "hello"}
    replay = asked(deployment, turns=[{"text": "one"}, {"text": "two"}])
    assert (replay.outcome, replay.error[:46]) == ("crashed", "the deployment cannot be reached any more: [Er")


def test_nothing_is_sent_once_nobody_waits():
    with full() as listener:
        work = Posting.of(urlsplit(f"http://127.0.0.1:{listener.getsockname()[1]}/"), b"ord_1", {}, 20)
        time.sleep(0.1)
        work.close()
        assert [received(listener) for _ in range(3)] == [b"", b"", b""]


def test_missing_deployment_is_no_verdict_on_it(deployment):
    with pytest.raises(ReplayError, match="expected a deployment at"):
        asked(deployment, url=f"http://127.0.0.1:{free_port()}/")


def test_address_that_is_taken_is_told(deployment):
    with socket.create_server(("127.0.0.1", deployment.outside)), pytest.raises(ReplayError, match="Another replay"):
        asked(deployment)


def test_replays_of_one_process_take_turns(deployment):
    found: list[Replay] = []
    threads = [threading.Thread(target=lambda: found.append(asked(deployment))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.outcome for each in found] == ["completed"] * 3
    assert not any(each.divergences for each in found)


@pytest.mark.parametrize("start_ns", [1_700_000_000_000_000_000, None])
def test_deployment_can_ask_for_the_time_of_the_case_where_there_is_one(deployment, start_ns):
    clock = ClockMode("static", start_ns) if start_ns else ClockMode("live")
    exec("def handle(text): return get(os.environ['UNREPEAT_BOUNDARY_URL'] + '/clock')", deployment.desk)
    deployment.desk["get"] = lambda url: httpx.get(url, trust_env=False).text
    replay = asked(deployment, modes=Modes(clock=clock))
    assert ("2023-11-14T22:13" if start_ns else "no_clock") in str(replay.trace.output)
