"""The child process of a Python replay: started with a scrubbed environment, spoken to over pipes, ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bytecode import compile_once
from .calls import Calls
from .child_messages import NO_MESSAGE, parsed
from .exit_status import told
from .finish import Ending
from .isolation.cell import Cell, prepared
from .isolation.ladder import level_for
from .isolation.levels import Level
from .isolation.waiting import has_ended
from .output_tail import Tail
from .preloading import located
from .scrubbed import scrubbed_environment
from .system import Checkout, PythonSystem

if TYPE_CHECKING:
    from .outside import Outside

CHILD = Path(__file__).resolve().parent / "child" / "start.py"
_POLL_S = 0.2
_STOP_GRACE_S = 5.0
"""How long an app may take to end once the recording has no answer for it."""
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class ChildProcess:
    """The child process and the two pipes to it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        cell: Cell,
        read_fd: int,
        write_fd: int,
        tail: Tail,
        timeout_s: float,
        calls: Calls | None = None,
    ) -> None:
        self.process = process
        self.cell = cell
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._tail = tail
        self._deadline = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._buffer = bytearray()
        self._calls = calls
        self._is_stopping = False

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a child that is gone, or reads nothing until its time is up, shows at ``receive``."""
        view = memoryview(json.dumps(message, ensure_ascii=True).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while view and self._in_time(self._write_fd, select.POLLOUT):
                view = view[os.write(self._write_fd, view) :]

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it reaches what stands for the outside."""
        return self.cell.ports

    def hurry(self, timeout_s: float) -> None:
        """Bring the deadline forward."""
        self._deadline = min(self._deadline, time.monotonic() + timeout_s - self._waited_s())

    def _in_time(self, fd: int, event: int) -> bool:
        """Wait until an end is ready; False when the time is up."""
        waiting = select.poll()
        waiting.register(fd, event)
        while (left := self._left_s()) > 0:
            if waiting.poll(min(left, _POLL_S) * 1000):
                return True
        return False

    def _left_s(self) -> float:
        """Return how much time is left: what a live model takes is not the app's, and one that was stopped over a
        connection may not even tell.
        """
        if self._calls is not None and self._calls.stopped.is_set() and not self._is_stopping:
            self._is_stopping = True
            self.hurry(_STOP_GRACE_S)
        return self._deadline + self._waited_s() - time.monotonic()

    def _waited_s(self) -> float:
        return self._calls.waited_s if self._calls is not None else 0.0

    def receive(self) -> dict[str, Any] | Ending:
        """Return the next message, or how the child ended without one."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not self._in_time(self._read_fd, select.POLLIN):
                return Ending("timed_out", error=f"no answer within {self._timeout_s:g} s")
            chunk = os.read(self._read_fd, 1 << 16)
            if not chunk:
                return Ending("crashed", error=self._death())
            self._buffer += chunk
            if len(self._buffer) > _MAX_MESSAGE_BYTES:
                return Ending("crashed", error=f"a message of more than {_MAX_MESSAGE_BYTES} bytes")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return parsed(line) or Ending("crashed", error=NO_MESSAGE)

    def _death(self) -> str:
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the process closed its connection to the harness"
        tail = self._tail.text()
        return f"the process ended with {told(code)}" + (f"\n{tail}" if tail else "")


@contextlib.contextmanager
def running(
    system: PythonSystem, checkout: Checkout, calls: Calls | None = None, outside: Outside | None = None
) -> Iterator[ChildProcess]:
    """Start the child in a cell of its own; nothing of it is left at the end.

    Args:
        system: What to run.
        checkout: The version.
        calls: The calls of the replay, where it is one: tell when it is over.
        outside: What it reaches over connections; None where it reaches nothing.

    Raises:
        ReplayError: It cannot be started, or not at the isolation asked for.
    """
    level = level_for(system, python=True)
    compile_once(CHILD.parent)
    with contextlib.ExitStack() as stack:
        pipes = stack.enter_context(_pipes())
        to_child_read, to_child_write, from_child_read, from_child_write, life, _ = pipes.fds
        os.set_blocking(to_child_write, False)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="app-", ignore_cleanup_errors=True)))
        tail = stack.enter_context(Tail())
        cell = stack.enter_context(_cell(level, system, checkout, scratch, outside))
        ends = (to_child_read, from_child_write, life)
        own = _environment(system, checkout, scratch)
        path = own.get("PATH", "")
        served = outside.prepare(cell.ports, scratch, path) if outside is not None else {}
        # Without the programs that stand for MCP servers, which are first on the new PATH: one may be named python3.
        interpreter = located(system.interpreter, checkout.folder, path)
        process = cell.start(
            [interpreter, str(CHILD), *map(str, ends)],
            env={**own, **served},
            cwd=checkout.folder,
            stdin=subprocess.DEVNULL,
            stdout=tail.write_fd,
            stderr=tail.write_fd,
            pass_fds=ends,
        )
        stack.callback(_let_leave, process)
        pipes.close(*ends)
        tail.begin()
        if outside is not None:
            stack.enter_context(outside.serving(cell.sockets))
        yield ChildProcess(process, cell, from_child_read, to_child_write, tail, system.timeout_s, calls)


def _cell(
    level: Level, system: PythonSystem, checkout: Checkout, scratch: Path, outside: Outside | None
) -> contextlib.AbstractContextManager[Cell]:
    return prepared(
        level,
        folder=checkout.folder,
        scratch=scratch,
        reads=(*system.reads, CHILD.parent, *((checkout.folder / path).resolve() for path in system.paths)),
        listeners=outside.listeners if outside is not None else 0,
        allow_subprocess=system.allow_subprocess,
    )


def _let_leave(process: subprocess.Popen[bytes]) -> None:
    """Give the child a moment to leave by itself."""
    has_ended(process, 0.2)


class _Pipes:
    """Two pipes to talk, and one that ends with the harness; each end is closed exactly once."""

    def __init__(self) -> None:
        self.fds = (*os.pipe(), *os.pipe(), *os.pipe())
        self._open = set(self.fds)

    def close(self, *fds: int) -> None:
        """Close these ends."""
        for fd in fds:
            self._open.discard(fd)
            os.close(fd)

    def close_all(self) -> None:
        """Close what is still open."""
        self.close(*sorted(self._open))


@contextlib.contextmanager
def _pipes() -> Iterator[_Pipes]:
    pipes = _Pipes()
    try:
        yield pipes
    finally:
        pipes.close_all()


def _environment(system: PythonSystem, checkout: Checkout, scratch: Path) -> dict[str, str]:
    return {
        **scrubbed_environment(str(scratch)),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **system.env,
        **checkout.env,
    }
