"""The channel: JSON lines to and from the harness, over two inherited file descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from .clock import Clock


class ReplayStopped(BaseException):
    """The recording has no answer; not an Exception, so that an app's own handlers let it through."""


class Channel:
    """JSON lines to and from the harness; one question at a time."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._reader = os.fdopen(read_fd, "rb")
        self._writer = os.fdopen(write_fd, "wb", buffering=0)
        self._lock = threading.RLock()
        self._owner = os.getpid()
        self._live = 0
        self._deferred: list[Mapping[str, Any]] = []
        self.clock: Clock | None = None
        """The time that the app sees; None: its own."""
        self.app_paths: tuple[str, ...] = ()
        """Where the app's own code lies."""
        self.has_returned = False
        """Whether the harness was told what the entry returned."""
        self.is_ending = False
        """Whether the process has come to what ``atexit`` holds."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        if os.getpid() != self._owner:
            raise ReplayStopped("a forked process reached a boundary")
        line = json.dumps(message, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        with self._lock:
            view = memoryview(line)
            while view:
                view = view[self._writer.write(view) :]

    def receive(self) -> dict[str, Any]:
        """Return the next message; the harness going away ends the process."""
        line = self._reader.readline()
        if not line:
            os._exit(70)
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a question and return its answer."""
        with self._lock:
            self.flush()
            self.send(message)
            reply = self.receive()
        if self.clock is not None:
            self.clock.move_to(reply.get("ended_ns"))
        return reply

    def defer(self, message: Mapping[str, Any]) -> None:
        """Keep a question whose answer does not matter for the next time that one can be sent."""
        self._deferred.append(message)

    def flush(self) -> None:
        """Send the questions that were kept."""
        with self._lock:
            while self._deferred:
                self.send(self._deferred.pop(0))
                self.receive()

    def fail(self, why: str) -> NoReturn:
        """End the replay as an error: going on would give the app something the recording does not hold."""
        self.send({"op": "crashed", "error": why, "traceback": ""})
        raise ReplayStopped(why)

    @property
    def is_live(self) -> bool:
        """Whether a boundary is running for real now: what it is made of runs then too, in whatever thread."""
        return self._live > 0

    @contextlib.contextmanager
    def live_call(self) -> Iterator[None]:
        """Let what a boundary is made of run for real."""
        with self._lock:
            self._live += 1
        try:
            yield
        finally:
            with self._lock:
                self._live -= 1
