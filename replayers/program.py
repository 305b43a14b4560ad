"""Program: one run of a program of the team's, fed, read and timed; what it prints is bounded."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from .exit_status import told

MAX_OUTPUT_BYTES = 16 * 1024 * 1024
"""Most a program may print as its answer."""
_TAIL_BYTES = 4000
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """How a program came to its end."""

    returncode: int | None
    """None when it was ended from here."""
    output: bytes
    """Its standard output."""
    complaints: str
    """The end of its standard error."""
    timed_out: bool = False
    flooded: bool = False
    """Whether it printed more than an answer may have."""
    left_behind: tuple[str, ...] | None = ()
    """The names of the processes that were still at work a moment after it had ended; None where that is not known."""

    @property
    def failure(self) -> str:
        """Say how it failed; empty when it ended well."""
        if self.flooded:
            return f"the program printed more than {MAX_OUTPUT_BYTES >> 20} MB"
        if not self.returncode:
            return ""
        return f"the program ended with {told(self.returncode)}" + (f"\n{self.complaints}" if self.complaints else "")


@dataclass(frozen=True, slots=True)
class Limits:
    """When a program is not waited for any longer."""

    timeout_s: float
    is_over: Callable[[], bool]
    """Whether the replay has come to its end although the program has not."""
    waited_s: Callable[[], float]
    """How long the program has been waiting for a live model, which is not its own time."""
    left_behind: Callable[[], tuple[str, ...] | None]
    """Tells the processes that the program left running, once it has ended; None where that is not known."""


def run_program(process: subprocess.Popen[bytes], text: bytes, limits: Limits) -> Run:
    """Feed a program and read what it prints until it has ended, or need not be waited for.

    Args:
        process: The program, with pipes for its three streams; closed here. It may still run afterwards: whoever
            started it ends it.
        text: What it reads on standard input.
        limits: When it is not waited for any longer.
    """
    with contextlib.closing(_Streams(process, text)) as streams:
        until = time.monotonic() + limits.timeout_s
        while process.poll() is None and not streams.flooded and not limits.is_over():
            if time.monotonic() > until + limits.waited_s():
                return streams.run(None, timed_out=True)
            streams.turn(_POLL_S)
        left_behind = limits.left_behind() if process.returncode == 0 else ()
        streams.drain()
        return streams.run(process.returncode, left_behind=left_behind)


class _Streams:
    """The three streams of a program."""

    def __init__(self, process: subprocess.Popen[bytes], text: bytes) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._files = (process.stdin, process.stdout, process.stderr)
        self._input, self._output, self._errors = self._files
        self._text = memoryview(text)
        self._said, self._complaints = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        for file in self._files:
            os.set_blocking(file.fileno(), False)
            self._selector.register(file, selectors.EVENT_WRITE if file is self._input else selectors.EVENT_READ)

    @property
    def flooded(self) -> bool:
        return len(self._said) > MAX_OUTPUT_BYTES

    def turn(self, timeout_s: float) -> bool:
        """Move what can be moved; return whether anything was."""
        if not self._selector.get_map():
            time.sleep(timeout_s / 10)
            return False
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            if key.fileobj is self._input:
                self._feed()
            else:
                self._read(key.fileobj)
        return bool(ready)

    def drain(self) -> None:
        """Read what has been printed already; a process that still holds the stream is not waited for."""
        while self._reading() and not self.flooded and self.turn(0):
            pass

    def _reading(self) -> bool:
        return any(key.fileobj is not self._input for key in self._selector.get_map().values())

    def _feed(self) -> None:
        try:
            self._text = self._text[os.write(self._input.fileno(), self._text[: 1 << 16]) :]
        except BrokenPipeError:  # it reads no input, which is its own affair
            self._text = memoryview(b"")
        except BlockingIOError:
            return
        if not self._text:
            self._selector.unregister(self._input)
            with contextlib.suppress(BrokenPipeError):
                self._input.close()

    def _read(self, file: Any) -> None:
        try:
            chunk = os.read(file.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not chunk:
            self._selector.unregister(file)
        elif file is self._output:
            self._said += chunk
        else:
            self._complaints += chunk
            del self._complaints[:-_TAIL_BYTES]

    def run(self, returncode: int | None, *, timed_out: bool = False, left_behind: tuple[str, ...] | None = ()) -> Run:
        complaints = bytes(self._complaints).decode("utf-8", "replace")
        return Run(returncode, bytes(self._said), complaints, timed_out, self.flooded, left_behind)

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            with contextlib.suppress(BrokenPipeError):
                file.close()


def read_answer(output: bytes, where: str) -> Any:
    """Return what a program answered: JSON where an object, a list or a text is spelled, else the text.

    Args:
        output: All that it printed.
        where: ``stdout`` for all of it, ``last-line`` for its last line.
    """
    text = output.decode("utf-8", "replace").strip()
    if where == "last-line":
        text = text.rpartition("\n")[2].strip()
    if text[:1] in ("{", "[", '"'):
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(text)
    return text
