"""HTTP replay: a running deployment is asked, and its boundaries are answered where it was told to find them.

Nothing of the deployment is started, confined or ended here: what it does beside its boundaries nobody sees, and the
isolation of such a replay is ``external``.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import orjson

from ..cases.errors import ReplayError
from ..cases.trace import Trace
from .calls import Calls
from .clock import going_on
from .finish import Ending, Surroundings, environment, finished
from .live import LiveModel
from .outside import Outside
from .playback import Modes, Playback
from .program import MAX_OUTPUT_BYTES, read_answer
from .replay import Replay
from .system import Checkout, HttpSystem

EXTERNAL = "external"
_POLL_S = 0.02
_in_use: dict[tuple[str, int], threading.Lock] = {}
"""By address: replays of one process take turns at it."""


def replay_http(
    trace: Trace,
    system: HttpSystem,
    checkout: Checkout,
    *,
    turns: Sequence[Any],
    case_id: str = "",
    modes: Modes | None = None,
    preset: str = "code-change",
    model: LiveModel | None = None,
) -> Replay:
    """Ask a running deployment what the recorded system was asked.

    Args:
        trace: The recording.
        system: Where the deployment is, and where it finds its boundaries.
        checkout: The version, which is what people call the deployment.
        turns: What it is sent, one after the other.
        case_id: Id of the case, for the result.
        modes: How boundaries are answered.
        preset: The preset's name, for the result.
        model: Answers the model boundary where the modes have it live.

    Raises:
        ReplayError: The deployment cannot be reached, or the address for its boundaries cannot be listened on:
            nothing was learned about it. Also what a live model failed with.
    """
    started = time.perf_counter()
    calls = Calls(Playback(trace, modes), model)
    outside, trace_id = Outside(calls, trace, system.mcp), secrets.token_hex(16)
    clock = calls.playback.modes.clock
    start_ns = clock.start(trace)
    now = going_on(start_ns) if start_ns is not None else None
    with _listening(system) as listener, outside.serving([listener], frozenset({trace_id}), now):
        ending = _conversation(system, checkout, calls, turns, trace_id)
    if calls.failed is not None:
        raise calls.failed
    return finished(
        calls.playback,
        ending,
        case_id=case_id,
        version=checkout.version,
        replayer="http",
        duration_s=time.perf_counter() - started,
        preset=preset,
        around=Surroundings(
            isolation=EXTERNAL,
            refused=outside.refused,
            faults=tuple(calls.faults),
            unseen=calls.unseen,
            clock_doubt=clock.doubt(""),
            functions=outside.functions_with(system.boundaries),
            environment=environment(),
        ),
    )


@contextlib.contextmanager
def _listening(system: HttpSystem) -> Iterator[socket.socket]:
    """Listen where the deployment looks for its boundaries; one replay at a time."""
    host, port = system.listen
    with _in_use.setdefault(system.listen, threading.Lock()):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ReplayError(
                f"expected to listen on {host}:{port}, got {error.strerror or error}",
                where=f"system {system.name}",
                hint="Another replay may be using it: the deployment finds its boundaries there, one replay at a time",
            ) from error
        with listener:
            yield listener


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes


def _conversation(system: HttpSystem, checkout: Checkout, calls: Calls, turns: Sequence[Any], trace_id: str) -> Ending:
    """Send every turn and return how that ended; of several answers the output is a list."""
    outputs = []
    for turn in turns:
        response = _asked(system, checkout, calls, turn, trace_id)
        if calls.playback.stopped:
            return Ending("stopped", error=calls.playback.stopped)
        if calls.endless:
            return Ending("crashed", error=calls.endless)
        if isinstance(response, Ending):
            return response
        if not 200 <= response.status < 300:
            told = response.body[:2000].decode("utf-8", "replace")
            return Ending("crashed", error=f"the deployment answered HTTP {response.status}: {told}")
        outputs.append(read_answer(response.body, "stdout"))
    return Ending("completed", outputs if len(turns) > 1 else outputs[0])


def _asked(system: HttpSystem, checkout: Checkout, calls: Calls, turn: Any, trace_id: str) -> _Response | Ending:
    """Send one turn; the end of the replay is not waited out."""
    url = urlsplit(_url(system, checkout))
    answers: queue.SimpleQueue[_Response | Exception] = queue.SimpleQueue()
    connection = _connection(url)
    headers = {**system.headers, "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    work = threading.Thread(target=_post, args=(connection, url, turn, headers, answers), daemon=True)
    work.start()
    until = time.monotonic() + system.timeout_s
    try:
        while time.monotonic() < until + calls.waited_s:
            with contextlib.suppress(queue.Empty):
                return _told(answers.get(timeout=_POLL_S), system, url)
            if calls.stopped.is_set():
                return Ending("stopped")
    finally:
        _hang_up(connection)
    return Ending("timed_out", error=f"no answer within {system.timeout_s:g} s")


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """End a connection, also under a thread that reads from it."""
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


def _url(system: HttpSystem, checkout: Checkout) -> str:
    return checkout.url or system.url


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port)


def _post(
    connection: http.client.HTTPConnection,
    url: SplitResult,
    turn: Any,
    headers: Mapping[str, str],
    answers: queue.SimpleQueue[_Response | Exception],
) -> None:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    is_text = isinstance(turn, str)
    body = turn.encode() if is_text else orjson.dumps(turn)
    kind = "text/plain; charset=utf-8" if is_text else "application/json"
    try:
        connection.request("POST", target, body, {"content-type": kind, **headers})
        response = connection.getresponse()
        answers.put(_Response(response.status, response.read(MAX_OUTPUT_BYTES + 1)))
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:  # hung up under our hands, too
        answers.put(error)


def _told(answer: _Response | Exception, system: HttpSystem, url: SplitResult) -> _Response | Ending:
    if isinstance(answer, (ConnectionRefusedError, socket.gaierror)):
        raise ReplayError(
            f"expected a deployment at {url.geturl()}, got {answer}",
            where=f"system {system.name}",
            hint="Start it, or name another one with --candidate URL",
        )
    if isinstance(answer, Exception):
        return Ending("crashed", error=f"the deployment ended the connection: {type(answer).__name__}: {answer}")
    if len(answer.body) > MAX_OUTPUT_BYTES:
        return Ending("crashed", error=f"the deployment answered more than {MAX_OUTPUT_BYTES >> 20} MB")
    return answer
