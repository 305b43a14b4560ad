"""HTTP replay: a running deployment is asked, and its boundaries are answered where it was told to find them.

Nothing of the deployment is started, confined or ended here: what it does beside its boundaries nobody sees, and the
isolation of such a replay is ``external``.
"""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..cases.errors import UnableToReplayError
from ..cases.trace import Trace
from .calls import Calls
from .clock import going_on
from .finish import Ending, Surroundings, environment, finished
from .given_input import plain_of
from .live import LiveModel
from .outside import Outside
from .playback import Modes, Playback
from .posting import CONNECT_S, BrokenOff, Outcome, Posting, Response, Unreached
from .program import MAX_OUTPUT_BYTES, read_answer
from .replay import Replay
from .system import Checkout, HttpSystem

EXTERNAL = "external"
_POLL_S = 0.02
_QUIET_S = 1.0
"""A deployment that has answered may go on in the background: its calls are served until none came for so long."""
_GRACE_S = 5.0
"""At most so long, as for the threads of a Python callable."""
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
        UnableToReplayError: The deployment cannot be reached or sent the input, or the address for its boundaries
            cannot be listened on: nothing was learned about it.
        ReplayError: A live model failed.
    """
    started = time.perf_counter()
    calls = Calls(Playback(trace, modes), model)
    outside = Outside(calls, trace, system.mcp)
    clock = calls.playback.modes.clock
    start_ns = clock.start(trace)
    now = going_on(start_ns) if start_ns is not None else None
    conversation = _Conversation(system, checkout.url or system.url, calls, case_id)
    with _listening(system) as listener, outside.serving([listener], frozenset({conversation.trace_id}), now):
        ending = conversation.ending(turns)
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
            unfinished=conversation.unfinished,
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
            raise UnableToReplayError(
                f"expected to listen on {host}:{port}, got {error.strerror or error}",
                where=f"system {system.name}",
                hint="Another replay may be using it: the deployment finds its boundaries there, one replay at a time",
            ) from error
        with listener:
            yield listener


class _Conversation:
    """The turns of one replay, sent one after the other."""

    def __init__(self, system: HttpSystem, url: str, calls: Calls, case_id: str) -> None:
        self.trace_id = secrets.token_hex(16)
        self._system, self._url, self._calls, self._case_id = system, url, calls, case_id
        self._outputs: list[Any] = []
        self.unfinished: tuple[str, ...] = ()
        """What the deployment asked for after its last answer."""

    def ending(self, turns: Sequence[Any]) -> Ending:
        """Send every turn and return how that ended; of several answers the output is a list.

        Raises:
            UnableToReplayError: A turn cannot be sent, or there is no deployment.
        """
        for turn in turns:
            answer = self._answer(turn)
            if isinstance(answer, Ending):
                return self._over() or answer
            self._outputs.append(read_answer(answer.body, "stdout"))
        self.unfinished = _asked_late(self._calls)
        return self._over() or Ending("completed", self._outputs if len(turns) > 1 else self._outputs[0])

    def _over(self) -> Ending | None:
        """Return the ending where the recording had no more answers, whatever the deployment made of that."""
        if self._calls.playback.stopped:
            return Ending("stopped", error=self._calls.playback.stopped)
        return Ending("crashed", error=self._calls.endless) if self._calls.endless else None

    def _answer(self, turn: Any) -> Response | Ending:
        """Send one turn; the end of the replay is not waited out."""
        timeout_s = self._system.timeout_s
        until = time.monotonic() + timeout_s
        with self._posted(turn, min(timeout_s, CONNECT_S)) as work:
            while time.monotonic() < until + self._calls.waited_s:
                outcome = work.outcome(_POLL_S)
                if self._calls.stopped.is_set():
                    return Ending("stopped")
                if outcome is not None:
                    return self._taken(outcome)
            if not work.is_connected:
                return self._taken(Unreached(f"no connection within {timeout_s:g} s"))
        return Ending("timed_out", error=f"no answer within {timeout_s:g} s")

    @contextlib.contextmanager
    def _posted(self, turn: Any, connect_s: float) -> Iterator[Posting]:
        kind = "text/plain; charset=utf-8" if isinstance(turn, str) else "application/json"
        traceparent = f"00-{self.trace_id}-{secrets.token_hex(8)}-01"
        own = {name.lower(): value for name, value in self._system.headers.items()}
        headers = {"content-type": kind, **own, "traceparent": traceparent}
        body = plain_of(turn, self._case_id)
        try:
            work = Posting.of(urlsplit(self._url), body, headers, connect_s)
        except (ValueError, http.client.HTTPException) as error:
            raise UnableToReplayError(
                f"expected a request that can be sent, got {error}",
                where=f"system {self._system.name}",
                hint="Check `url` and `headers` in unrepeat.toml",
            ) from error
        with contextlib.closing(work):
            yield work

    def _taken(self, outcome: Outcome) -> Response | Ending:
        match outcome:
            case Unreached() if not self._outputs:
                raise UnableToReplayError(
                    f"expected a deployment at {self._url}, got {outcome.why}",
                    where=f"system {self._system.name}",
                    hint="Start it, or name another one with --candidate URL",
                )
            case Unreached():
                return Ending("crashed", error=f"the deployment cannot be reached any more: {outcome.why}")
            case BrokenOff():
                return Ending("crashed", error=f"the deployment ended the connection: {outcome.why}")
            case Response() if len(outcome.body) > MAX_OUTPUT_BYTES:
                return Ending("crashed", error=f"the deployment answered more than {MAX_OUTPUT_BYTES >> 20} MB")
            case Response() if not 200 <= outcome.status < 300:
                told = outcome.body[:2000].decode("utf-8", "replace")
                return Ending("crashed", error=f"the deployment answered HTTP {outcome.status}: {told}")
        return outcome


def _asked_late(calls: Calls) -> tuple[str, ...]:
    """Serve until nothing has been asked for a moment; return what was, after the last answer."""
    events = calls.playback.events
    first, at_work = len(events), (len(events), calls.waited_s)
    quiet = time.monotonic() + _QUIET_S
    until = time.monotonic() + _GRACE_S - calls.waited_s
    while time.monotonic() < min(quiet, until + calls.waited_s) and not calls.stopped.is_set():
        time.sleep(_POLL_S)
        if at_work != (at_work := (len(events), calls.waited_s)):
            quiet = time.monotonic() + _QUIET_S
    late = dict.fromkeys(f"{event.kind} {event.name}" for event in events[first:])
    return tuple(f"the part of the deployment that asks for {what}" for what in late)
