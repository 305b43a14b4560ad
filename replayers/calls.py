"""Calls: the boundary calls of one replay, asked from however many threads and connections at once.

A playback is one sequence of calls. A Python app asks over its pipe, any other over connections, several at a time:
one of them is answered after the other. A live model is asked one thing at a time too, but nobody else waits for that.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .boundary import RecordedCall
from .live import LiveModel
from .playback import Playback, Reply
from .replay import BoundaryKind

_MOST = 10_000
"""Most boundary calls of one replay, besides ten for each recorded one: an app that asks for ever ends there."""
_MOST_BYTES = 1 << 30
"""Most bytes of all bodies that come to the wire server in one replay, so that an app cannot fill the memory."""
_MOST_REQUESTS = 10
"""Most requests to the wire server for each boundary call that is allowed: lists, counts and times make no step."""
_MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """What one boundary call was answered with."""

    seq: int
    """The step it became."""
    reply: Reply
    recorded: RecordedCall | None
    """The recorded call it stands for; None when the recording has no such call."""
    text: str = ""
    """The text a served tool result was recorded as; empty if none."""


class Calls:
    """Asks a playback on behalf of an app."""

    def __init__(self, playback: Playback, model: LiveModel | None = None) -> None:
        """Begin a replay.

        Args:
            playback: Answers the calls.
            model: Answers the model boundary where the playback has it live.
        """
        self.playback = playback
        self.model = model
        self.stopped = threading.Event()
        """Set once the recording has no answer, or the app asks for ever: the replay is to end."""
        self.failed: BaseException | None = None
        """What a live model failed with; it ends the replay, and is raised by who runs it."""
        self.faults: list[str] = []
        """What was asked in no form that is understood, in words; at most 100 of them."""
        self._thinking = 0
        """How many calls of a live model are under way."""
        self._thinking_since = self._thought_s = 0.0
        self._doubts: dict[str, str] = {}
        self._received = self._requests = 0
        self._lock = threading.RLock()
        self._most = _MOST + 10 * len(playback.index.calls)
        self._most_requests = _MOST_REQUESTS * self._most

    @property
    def waited_s(self) -> float:
        """How long live models have been waited for, which is not the app's time: calls side by side count once."""
        with self._lock:
            return self._thought_s + (time.monotonic() - self._thinking_since if self._thinking else 0.0)

    @property
    def endless(self) -> str:
        """Say that the app asks for ever, or for too much; empty while it does not."""
        if self._received > _MOST_BYTES:
            return f"the system asks for too much: more than {_MOST_BYTES >> 20} MiB in one replay"
        if self._requests > self._most_requests:
            return f"the system asks for ever: more than {self._most_requests} requests in one replay"
        return f"more than {self._most} boundary calls" if len(self.playback.events) > self._most else ""

    def _over(self) -> str:
        """Return why the replay is to end; empty while it is not."""
        return self.playback.stopped or self.endless

    @property
    def unseen(self) -> tuple[str, ...]:
        """What nobody knows of the calls once the replay is over, in words."""
        names = {seq: self.playback.events[seq - 1].name for seq in self.playback.open_steps}
        told = (f"step {seq}: nobody told what the live boundary {name} answered" for seq, name in names.items())
        return (*told, *self._doubts.values())

    def ask(
        self,
        kind: BoundaryKind,
        name: str,
        arguments: Mapping[str, Any],
        call_path: Sequence[str] | None = (),
        takes: frozenset[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> Answered:
        """Answer one boundary call.

        Args:
            kind: The boundary.
            name: The tool's name; for other boundaries it is only shown.
            arguments: The call's arguments by name; of a model the body of its request, in any provider's words.
            call_path: Enclosing boundary calls as ``kind:name``, outermost first; None when nobody knows.
            takes: The parameters of a model function; None when it takes any.
            defaults: Defaults of parameters; those that the recording spells out count as given.

        Returns:
            The reply. ``call`` asks for the real thing, whose answer ``answered`` wants; a live model is never left
            to the caller. Once the replay is to end, every call is told to ``stop``, and becomes no step.
        """
        with self._lock:
            playback = self.playback
            if why := self._over():  # what comes now depends on how soon the app is ended
                return Answered(len(playback.events), Reply("stop", error=why), None)
            path = tuple(call_path) if call_path is not None else None
            named = {**_known(playback, kind, name, path, defaults, arguments), **arguments} if defaults else arguments
            request = playback.prepared(kind, named, takes)
            seq, reply = playback.ask(kind, name, request, path)
            recorded = playback.counterparts[seq - 1]
            text = playback.recorded_text(seq) if reply.action == "answer" else ""
            if self._over():
                self.stopped.set()
        if reply.action == "call" and kind == "model" and self.model is not None:
            reply = Reply("answer", self._thought(self.model, seq, request.request))
        return Answered(seq, reply, recorded, text)

    def _thought(self, model: LiveModel, seq: int, request: Any) -> Any:
        try:
            with self._waiting():
                answer = model.answer(request)
        except BaseException as error:
            self.failed = error
            self.stopped.set()
            raise
        with self._lock:
            self.playback.answered(seq, answer)
        return answer

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._lock:
            if not self._thinking:
                self._thinking_since = time.monotonic()
            self._thinking += 1
        try:
            yield
        finally:
            with self._lock:
                self._thinking -= 1
                if not self._thinking:
                    self._thought_s += time.monotonic() - self._thinking_since

    def answered(self, seq: int, answer: Any, error: str = "") -> Reply | None:
        """Store what a live boundary answered; None where that step waits for no answer."""
        with self._lock:
            return self.playback.answered(seq, answer, error) if self.playback.is_open(seq) else None

    def received(self, size: int) -> bool:
        """Count bytes that the app sent; whether that is still what one replay may ask. If not, the replay ends."""
        self._count(size, 0)
        return self._received <= _MOST_BYTES

    def requested(self) -> bool:
        """Count a request of the app; whether one replay may send that many. If not, the replay ends."""
        self._count(0, 1)
        return self._requests <= self._most_requests

    def _count(self, size: int, requests: int) -> None:
        with self._lock:
            was_within = not self.endless
            self._received += size
            self._requests += requests
            if self.endless and was_within:
                self.fault(self.endless)
                self.stopped.set()

    def doubt(self, about: str, why: str) -> None:
        """Note why nobody knows whether all calls were the app's; of the same thing the last word."""
        with self._lock:
            self._doubts[about] = why

    def fault(self, what: str) -> None:
        """Note a request that is none."""
        with self._lock:
            if len(self.faults) < _MAX_FAULTS:
                self.faults.append(what)


def _known(
    playback: Playback,
    kind: BoundaryKind,
    name: str,
    path: tuple[str, ...] | None,
    defaults: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the defaults that the recording spells out, so that leaving out a default is no difference."""
    absent = {key: value for key, value in defaults.items() if key not in arguments}
    if not absent:
        return {}
    recorded = playback.index.expected_arguments(kind, name, path or ())
    return {key: value for key, value in absent.items() if key in recorded}
