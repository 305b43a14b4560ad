"""The cell: one program at one level of isolation, and nothing of it left at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...cases.errors import UnableToReplayError
from ..leftovers import end_marked, marked, new_mark
from .launcher import Launcher, not_isolated, started
from .view import view_of
from .waiting import has_ended

if TYPE_CHECKING:
    from .levels import Level

_FIRST_PORT_INSIDE = 8101
"""Nothing else is in the new network, so any number is free."""
_BACKLOG = 1024
_END_TIMEOUT_S = 10.0
_LEFT_GRACE_S = 1.0
_LEFT_POLL_S = 0.02

Stream = int | IO[Any] | None
"""What ``subprocess.Popen`` takes as a standard stream."""


class Cell:
    """Where a program runs, from before its start to its last process; made by ``prepared``."""

    def __init__(
        self, level: Level, folder: Path, scratch: Path, reads: Sequence[Path], listeners: int, marked: bool
    ) -> None:
        self.level: Level = level
        """What holds the program."""
        self.sockets: tuple[socket.socket, ...] = ()
        """Once started: listening sockets on 127.0.0.1 as the program sees it, one for each of ``ports``."""
        self._folder, self._scratch, self._reads = folder.resolve(), scratch.resolve(), tuple(reads)
        self._mark = new_mark() if level == "landlock" or (marked and level != "netns") else None
        self._closing = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        if level == "netns":
            self.ports = tuple(range(_FIRST_PORT_INSIDE, _FIRST_PORT_INSIDE + listeners))
            """The ports of ``sockets``, known before the start: they go into the environment."""
        else:
            self.sockets = tuple(_listeners(listeners, self._closing))
            self.ports = tuple(each.getsockname()[1] for each in self.sockets)
        self._launcher = Launcher(level, self.ports) if level in ("netns", "landlock") else None

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        stdin: Stream,
        stdout: Stream,
        stderr: Stream,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start the program, once; its end is that of the process that is returned.

        Args:
            argv: Program and arguments; without a slash, the program is looked for in the ``PATH`` of ``env``.
            env: All of its environment.
            cwd: Its working directory.
            stdin: As for ``subprocess.Popen``; the other two too.
            stdout: See there.
            stderr: See there.
            pass_fds: Open files that it inherits under their numbers.

        Raises:
            ReplayError: The level could not be set up, or there is no such program. It has not run then.
        """
        assert self._process is None, "a cell runs one program"
        environment = {**env, **dict([self._mark] if self._mark else [])}
        streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        if self._launcher is None:
            options = {**streams, "env": environment, "cwd": cwd, "pass_fds": tuple(pass_fds)}
            self._process = started(argv, options)
            return self._process
        try:
            plan = self._plan(argv, environment, Path(cwd))
            self._process = self._launcher.start(plan, streams, pass_fds)
        except OSError as error:  # no more open files, a full disk
            raise not_isolated(self.level, str(error)) from error
        self.sockets = self._launcher.sockets or self.sockets
        return self._process

    def take_attempts(self) -> tuple[str, ...]:
        """Return what was refused because it led out, with who tried, since this was called last.

        At most 100, and a count of the rest.
        """
        return self._launcher.take_attempts() if self._launcher else ()

    def left_behind(self) -> tuple[str, ...] | None:
        """Return the names of the processes that the program left running; None where that is not known.

        The program is waited for, some seconds at most. What it left gets a moment to come to its end, for it may be
        on its way to a call. Where it was not to start any, none is looked for at the weaker levels.
        """
        assert self._process is not None, "nothing has run"
        if not has_ended(self._process, _END_TIMEOUT_S):
            return None
        if self._launcher is not None:
            return self._launcher.left_behind()
        if not self._mark:
            return ()
        if not os.path.exists("/proc/self/environ"):  # where a mark is looked for
            return None
        until = time.monotonic() + _LEFT_GRACE_S
        while (found := tuple(name for _, name in marked(self._mark))) and time.monotonic() < until:
            time.sleep(_LEFT_POLL_S)
        return found

    def _plan(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> dict[str, Any]:
        if self._folder == Path(self._folder.anchor):
            raise UnableToReplayError(f"expected the folder of a version, got {self._folder}", where="isolation")
        shown = view_of(argv, env, cwd, folder=self._folder, scratch=self._scratch, reads=self._reads)
        if self.level == "netns":
            shown["upper"] = self._upper()
        return {
            "level": self.level,
            "argv": [os.fsencode(each) for each in argv],
            "env": {os.fsencode(name): os.fsencode(value) for name, value in env.items()},
            "cwd": os.fsencode(cwd.resolve()),
            "ports": self.ports,
            "view": shown,
        }

    def _upper(self) -> tuple[bytes, bytes]:
        """Make the folders that hold what is written to the version: what was written, and overlayfs's own."""
        written, work = (tempfile.mkdtemp(prefix=f"version-{name}-", dir=self._scratch) for name in ("writes", "work"))
        self._closing.callback(_remove_work, Path(work))
        return os.fsencode(written), os.fsencode(work)

    def close(self) -> None:
        """End every process of the program, and give back all that the cell holds."""
        process = self._process
        if process is not None:
            if self._launcher is not None:
                self._launcher.end(process)
            else:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if self._mark:
                end_marked(self._mark)
        if self._launcher is not None:
            self._launcher.close()
        self._closing.close()


@contextlib.contextmanager
def prepared(
    level: Level,
    *,
    folder: Path,
    scratch: Path,
    reads: Sequence[Path] = (),
    listeners: int = 0,
    allow_subprocess: bool = True,
) -> Iterator[Cell]:
    """Yield a cell for one program; leaving the context ends every process of it, whatever it did to stay.

    Args:
        level: What is to hold it; never weakened here.
        folder: The version. Namespaces have it writable, with what is written kept in ``scratch`` instead (or in
            memory, where its file system cannot carry an overlay); Landlock has it read-only.
        scratch: An existing folder, the only one of the host that the program writes to at these two levels.
        reads: What else it needs to read although it lies below a hidden folder (``/tmp``, ``/run``, …).
        listeners: How many listening sockets the harness has inside.
        allow_subprocess: Whether it may start processes; leftovers are looked for then at the weaker levels.
    """
    cell = Cell(level, folder, scratch, reads, listeners, allow_subprocess)
    try:
        yield cell
    finally:
        cell.close()


def _listeners(count: int, closing: contextlib.ExitStack) -> Iterator[socket.socket]:
    try:
        for _ in range(count):
            yield closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG))
    except OSError as error:
        closing.close()
        raise UnableToReplayError(f"expected {count} listeners on 127.0.0.1, got {error}", where="isolation") from error


def _remove_work(work: Path) -> None:
    """Remove overlayfs's own folder: what it leaves in it has no permissions, and a usual removal stops there."""
    with contextlib.suppress(OSError):
        os.chmod(work / "work", 0o700)
    shutil.rmtree(work, ignore_errors=True)
