"""The cell: one program at one level of isolation, and nothing of it left at the end."""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...cases.errors import ReplayError, UnableToReplayError
from ..leftovers import end_marked, marked, new_mark
from .view import view

if TYPE_CHECKING:
    from .ladder import Level
    from .watch import Attempts, Watch

_START = Path(__file__).parent / "launch" / "start.py"
_FIRST_PORT_INSIDE = 8101
"""Nothing else is in the new network, so any number is free."""
_BACKLOG = 1024
_SETUP_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 10.0
_LEFT_GRACE_S = 1.0
_LEFT_POLL_S = 0.02
_MAX_MESSAGE_BYTES = 1 << 16
_DOCTOR = "See what can be had here with `unrepeat doctor`"

Stream = int | IO[Any] | None
"""What ``subprocess.Popen`` takes as a standard stream."""


class Cell:
    """Where a program runs, from before its start to its last process; made by ``prepared``."""

    def __init__(
        self, level: Level, folder: Path, scratch: Path, reads: Sequence[Path], listeners: int, marked: bool
    ) -> None:
        self.level = level
        """What holds the program."""
        self.sockets: tuple[socket.socket, ...] = ()
        """Once started: listening sockets on 127.0.0.1 as the program sees it, one for each of ``ports``."""
        self._folder, self._scratch, self._reads = folder.resolve(), scratch.resolve(), tuple(reads)
        self._mark = new_mark() if level == "landlock" or (marked and level != "netns") else None
        self._closing = contextlib.ExitStack()
        self._watch: Watch | None = None
        self._attempts: Attempts | None = None
        self._init: int | None = None
        self._left = -1
        self._life: int | None = None
        self._is_life_over = False
        self._is_started = False
        self._process: subprocess.Popen[bytes] | None = None
        if level == "netns":
            self.ports = tuple(range(_FIRST_PORT_INSIDE, _FIRST_PORT_INSIDE + listeners))
            """The ports of ``sockets``, known before the start: they go into the environment."""
        else:
            self.sockets = tuple(_listeners(listeners, self._closing))
            self.ports = tuple(each.getsockname()[1] for each in self.sockets)

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
        if self.level in ("guard", "none"):
            command, given = list(argv), {"env": environment, "cwd": cwd, "pass_fds": tuple(pass_fds)}
            return self._run(command, argv[0], cwd, {**streams, **given})
        try:
            return self._launch(argv, environment, Path(cwd), streams, pass_fds)
        except OSError as error:  # no more open files, a full disk
            raise self._not_isolated(str(error)) from error
        finally:
            if not self._is_started:
                self._close_streams()

    def attempts(self) -> tuple[str, ...]:
        """Return what was refused so far because it led out, with who tried; at most 100, and a count of the rest."""
        return self._attempts.told() if self._attempts else ()

    def left_behind(self) -> tuple[str, ...]:
        """Return the names of the processes that the program, which has ended, left running.

        They get a moment to come to their end, for they may be on their way to a call. Nothing is known of them where a
        program was not to start any.
        """
        if self._left >= 0:  # told by the launcher or the first process of the namespace, at its own end
            ready, _, _ = select.select([self._left], [], [], 2 * _LEFT_GRACE_S)
            told = os.read(self._left, _MAX_MESSAGE_BYTES) if ready else b""
            return tuple(told.decode("utf-8", "replace").splitlines())
        until = time.monotonic() + _LEFT_GRACE_S
        while (found := self._marked()) and time.monotonic() < until:
            time.sleep(_LEFT_POLL_S)
        return found

    def _marked(self) -> tuple[str, ...]:
        own = self._process.pid if self._process is not None else 0
        return tuple(name for pid, name in marked(self._mark) if pid != own) if self._mark else ()

    def _run(self, command: Sequence[str], program: str, cwd: Path | str, options: Any) -> subprocess.Popen[bytes]:
        try:
            self._process = subprocess.Popen(command, start_new_session=True, **options)
        except (OSError, ValueError) as error:
            raise _not_started(program, cwd, str(error)) from error
        return self._process

    def _launch(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, streams: Any, pass_fds: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life_read, life_write = os.pipe()
        self._life = life_write
        self._closing.callback(self._end_life)
        self._left, left_write = os.pipe()
        self._closing.callback(os.close, self._left)
        with ours, theirs, _ending(life_read), _ending(left_write), _plan_file() as plan:
            own = (plan.fileno(), theirs.fileno(), life_read, left_write)
            plan.write(marshal.dumps({**self._plan(argv, env, cwd), "life_fd": life_read, "left_fd": left_write}))
            plan.seek(0)
            command = [sys.executable, "-I", "-S", str(_START), str(plan.fileno()), str(theirs.fileno())]
            linker = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            options = {**streams, "env": linker, "cwd": "/", "pass_fds": (*own, *pass_fds)}
            process = self._run(command, sys.executable, "/", options)
            theirs.close()
            ours.settimeout(_SETUP_TIMEOUT_S)
            self._follow(ours, argv[0], cwd)
            self._is_started = True
        return process

    def _plan(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> dict[str, Any]:
        shown = view(argv, env, cwd, folder=self._folder, scratch=self._scratch, reads=self._reads)
        if self.level == "netns":
            shown["upper"] = self._upper()
        return {
            "level": self.level,
            "argv": [os.fsencode(each) for each in argv],
            "env": {os.fsencode(name): os.fsencode(value) for name, value in env.items()},
            "cwd": os.fsencode(cwd.absolute()),
            "ports": self.ports,
            "view": shown,
        }

    def _upper(self) -> tuple[bytes, bytes]:
        """Make the folders that hold what is written to the version: what was written, and overlayfs's own."""
        written, work = (tempfile.mkdtemp(prefix=f"version-{name}-", dir=self._scratch) for name in ("writes", "work"))
        self._closing.callback(_remove_work, Path(work))
        return os.fsencode(written), os.fsencode(work)

    def _follow(self, control: socket.socket, program: str, cwd: Path) -> None:
        """Take in what the launcher tells until the program begins.

        Raises:
            ReplayError: It told of a failure, or ended without a word.
        """
        is_ready = False
        while True:
            try:
                data, fds, flags, _ = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 64, socket.MSG_CMSG_CLOEXEC)
            except TimeoutError:
                raise self._not_isolated(f"nothing within {_SETUP_TIMEOUT_S:g} s") from None
            if not data:
                break
            if flags & socket.MSG_CTRUNC:
                for fd in fds:
                    os.close(fd)
                raise self._not_isolated("no room for more open files")
            told, *facts = marshal.loads(data)  # from our own launcher, before the program begins
            self._take(told, facts, fds, program, cwd)
            is_ready |= told == "ready"  # not always the last: the launcher and the program's process tell at once
        if not is_ready:
            raise self._not_isolated("the end of its launcher")

    def _take(self, told: str, facts: list[Any], fds: list[int], program: str, cwd: Path) -> None:
        match told:
            case "sockets":
                self.sockets = tuple(self._closing.enter_context(socket.socket(fileno=fd)) for fd in fds)
            case "init":
                (self._init,) = fds
                self._closing.callback(os.close, self._init)
            case "listener":
                from .watch import Attempts, Watch

                self._attempts = Attempts()
                self._watch = Watch(fds[0], self.level, self.ports, self._attempts)
            case "failed":
                reason = f": {os.strerror(facts[1])}" if facts[1] else ""
                raise self._not_isolated(f"a refusal to {facts[0]}{reason}")
            case "not started":
                raise _not_started(program, cwd, os.strerror(facts[1]) if facts[1] else "no program of that name")

    def _not_isolated(self, got: str) -> UnableToReplayError:
        return UnableToReplayError(
            f"expected isolation at level {self.level}, got {got}", where="isolation", hint=_DOCTOR
        )

    def close(self) -> None:
        """End every process of the program, and give back all that the cell holds."""
        process = self._process
        if process is not None:
            self._end(process)
        if self._init is not None:
            _wait_until_gone(self._init)
        if self._mark and process is not None:
            end_marked(self._mark)
        if self._watch is not None:
            self._watch.stop()
        self._closing.close()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if self.level == "landlock" and self._life is not None:
            self._end_life()  # the launcher ends what it adopted; killed itself, it could not
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_TIMEOUT_S)
        # Confined programs have ended with their launcher, whose number may be another's by now.
        if self._life is None or process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _end_life(self) -> None:
        if self._life is not None and not self._is_life_over:
            self._is_life_over = True
            os.close(self._life)

    def _close_streams(self) -> None:
        """Close our ends of a program that has not begun: nobody else has it."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr) if self._process else ():
            if stream is not None:
                stream.close()


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


@contextlib.contextmanager
def _ending(fd: int) -> Iterator[None]:
    """Close a descriptor at the end of the block: the launcher has its own by then."""
    try:
        yield
    finally:
        os.close(fd)


def _plan_file() -> IO[bytes]:
    """Return a file in memory: the environment alone can be larger than what a pipe or a socket takes at once."""
    return os.fdopen(os.memfd_create("plan"), "w+b", buffering=0)


def _not_started(program: str, cwd: Path | str, why: str) -> ReplayError:
    return ReplayError(
        f"expected to start {program} in {cwd}, got {why}",
        where="isolation",
        hint="check the command (or `interpreter`) in unrepeat.toml",
    )


def _wait_until_gone(pidfd: int) -> None:
    """Wait for the first process of a PID namespace: it goes after all others."""
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    waiting.poll(_END_TIMEOUT_S * 1000)


def _remove_work(work: Path) -> None:
    """Remove overlayfs's own folder: what it leaves in it has no permissions, and a usual removal stops there."""
    with contextlib.suppress(OSError):
        os.chmod(work / "work", 0o700)
    shutil.rmtree(work, ignore_errors=True)
