"""The child process of a Python replay: started with a scrubbed environment, spoken to over pipes, ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..cases.errors import ReplayError
from .child_messages import NO_MESSAGE, parsed
from .finish import Ending
from .leftovers import Mark, end_marked, new_mark
from .system import Checkout, PythonSystem

CHILD = Path(__file__).parent / "child" / "start.py"
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH")
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_STDERR_TAIL = 2000


class ChildProcess:
    """The child process and the two pipes to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], read_fd: int, write_fd: int, log: IO[bytes], timeout_s: float
    ) -> None:
        self.process = process
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._log = log
        self._deadline = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._buffer = bytearray()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a child that is gone, or reads nothing until its time is up, shows at ``receive``."""
        view = memoryview(json.dumps(message, ensure_ascii=True).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while view and self._in_time(self._write_fd, select.POLLOUT):
                view = view[os.write(self._write_fd, view) :]

    def hurry(self, timeout_s: float) -> None:
        """Bring the deadline forward."""
        self._deadline = min(self._deadline, time.monotonic() + timeout_s)

    def allow(self, seconds: float) -> None:
        """Put the deadline off: what a live model takes is not the app's time."""
        self._deadline += seconds

    def _in_time(self, fd: int, event: int) -> bool:
        """Wait until an end is ready; False when the time is up."""
        waiting = select.poll()
        waiting.register(fd, event)
        left = self._deadline - time.monotonic()
        return left > 0 and bool(waiting.poll(left * 1000))

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
        how = f"signal {_signal_name(-code)}" if code < 0 else f"exit code {code}"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _STDERR_TAIL))
        tail = self._log.read().decode("utf-8", "replace")
        return f"the process ended with {how}" + (f"\n{tail}" if tail else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)


@contextlib.contextmanager
def running(system: PythonSystem, checkout: Checkout) -> Iterator[ChildProcess]:
    """Start the child in a process group of its own; nothing of it is left at the end."""
    with contextlib.ExitStack() as stack:
        pipes = stack.enter_context(_pipes())
        to_child_read, to_child_write, from_child_read, from_child_write, life, _ = pipes.fds
        os.set_blocking(to_child_write, False)
        scratch = tempfile.mkdtemp(prefix="app-")
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        log = stack.enter_context(tempfile.TemporaryFile())
        mark = new_mark() if system.allow_subprocess else None
        process = _start(system, checkout, (to_child_read, from_child_write, life), scratch, log, mark)
        stack.callback(_end, process, mark)
        pipes.close(to_child_read, from_child_write, life)
        yield ChildProcess(process, from_child_read, to_child_write, log, system.timeout_s)


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


def _start(
    system: PythonSystem,
    checkout: Checkout,
    ends: tuple[int, int, int],
    scratch: str,
    log: IO[bytes],
    mark: Mark | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [system.interpreter, str(CHILD), *map(str, ends)],
            cwd=checkout.folder,
            env={**_environment(system, checkout, scratch), **dict([mark] if mark else [])},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=ends,
            start_new_session=True,
        )
    except OSError as error:
        raise ReplayError(
            f"expected to start {system.interpreter} in {checkout.folder}, got {error}",
            where=f"system {system.name}",
            hint="check `interpreter` in unrepeat.toml",
        ) from error


def _end(process: subprocess.Popen[bytes], mark: Mark | None) -> None:
    """Give the child a moment to leave by itself, then end its whole process group and what left that."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if mark:
        end_marked(mark)


def _environment(system: PythonSystem, checkout: Checkout, scratch: str) -> dict[str, str]:
    """Return the scrubbed environment: no keys of the caller, a home and a temp folder of its own."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {
        **kept,
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **system.env,
        **checkout.env,
    }
