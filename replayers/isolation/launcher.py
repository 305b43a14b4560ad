"""The launcher: the process that shuts itself in and becomes the program; it is started, followed, and ended here."""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...cases.errors import ReplayError, UnableToReplayError
from .launch.init import END_OF_NAMES
from .waiting import has_ended

if TYPE_CHECKING:
    from .levels import Level
    from .watch import Attempts, Watch

_START = Path(__file__).parent / "launch" / "start.py"
_SETUP_TIMEOUT_S = 30.0
_TOLD_TIMEOUT_S = 1.0
_GONE_TIMEOUT_S = 10.0
_MAX_MESSAGE_BYTES = 1 << 16
_DOCTOR = "See what can be had here with `unrepeat doctor`"


class Launcher:
    """The launcher of one cell, and what it hands over.

    Args:
        level: ``netns`` or ``landlock``.
        ports: Those that the harness answers.
    """

    def __init__(self, level: Level, ports: tuple[int, ...]) -> None:
        self.sockets: tuple[socket.socket, ...] = ()
        """The listeners that it opened in a network of its own."""
        self._level: Level = level
        self._ports = ports
        self._closing = contextlib.ExitStack()
        self._life: int | None = None
        self._left = -1
        self._init: int | None = None
        self._watch: Watch | None = None
        self._attempts: Attempts | None = None

    def start(
        self, plan: Mapping[str, Any], streams: Mapping[str, Any], pass_fds: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        """Start it, and return once the program has begun.

        Args:
            plan: What it is to do; see ``launch.sequence``.
            streams: The three standard streams, as for ``subprocess.Popen``.
            pass_fds: Open files that the program inherits.

        Raises:
            ReplayError: The program has not run.
        """
        with contextlib.ExitStack() as lent:  # closed here once the launcher has its own
            ours, theirs = map(lent.enter_context, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            life_read, self._life = os.pipe()
            lent.callback(os.close, life_read)
            self._left, left_write = os.pipe()
            lent.callback(os.close, left_write)
            self._closing.callback(os.close, self._left)
            file = lent.enter_context(_plan_file())
            file.write(marshal.dumps({**plan, "life_fd": life_read, "left_fd": left_write}))
            file.seek(0)
            own = (file.fileno(), theirs.fileno(), life_read, left_write)
            command = [sys.executable, "-I", "-S", str(_START), str(file.fileno()), str(theirs.fileno())]
            linker = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            process = started(command, {**streams, "env": linker, "cwd": "/", "pass_fds": (*own, *pass_fds)})
            theirs.close()
            ours.settimeout(_SETUP_TIMEOUT_S)
            try:
                self._follow(ours, os.fsdecode(plan["argv"][0]), os.fsdecode(plan["cwd"]))
            except BaseException:
                _close_streams(process)
                self.end(process)
                raise
        return process

    def take_attempts(self) -> tuple[str, ...]:
        """Return what the watch refused since this was called last."""
        return self._attempts.take() if self._attempts else ()

    def left_behind(self) -> tuple[str, ...] | None:
        """Return what was told, at its end, of processes that outlived the program; None where nothing was told.

        Not to the end of the pipe: were its other end in a process that somebody else has just started, that might
        not come.
        """
        told, until = bytearray(), time.monotonic() + _TOLD_TIMEOUT_S
        while not told.endswith(END_OF_NAMES):
            ready, _, _ = select.select([self._left], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(self._left, _MAX_MESSAGE_BYTES) if ready else b""
            if not chunk:
                return None
            told += chunk
        return tuple(told.removesuffix(END_OF_NAMES).decode("utf-8", "replace").splitlines())

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End it, and with it everything that came from it.

        It ends what it adopted when its harness is gone; killed itself, it could not. The kernel does it where the
        processes have a namespace.
        """
        self._end_life()
        if not has_ended(process, _GONE_TIMEOUT_S):
            process.kill()
            process.wait()
        if self._init is not None:
            _wait_until_gone(self._init)

    def close(self) -> None:
        """Give back all that it handed over."""
        self._end_life()
        if self._watch is not None:
            self._watch.stop()
        self._closing.close()

    def _end_life(self) -> None:
        if self._life is not None:
            os.close(self._life)
            self._life = None

    def _follow(self, control: socket.socket, program: str, cwd: str) -> None:
        """Take in what it tells until the program begins.

        Raises:
            ReplayError: It told of a failure, or ended without a word.
        """
        is_ready = False
        while True:
            try:
                data, fds, flags, _ = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 64, socket.MSG_CMSG_CLOEXEC)
            except TimeoutError:
                raise not_isolated(self._level, f"nothing within {_SETUP_TIMEOUT_S:g} s") from None
            if not data:
                break
            if flags & socket.MSG_CTRUNC:
                for fd in fds:
                    os.close(fd)
                raise not_isolated(self._level, "no room for more open files")
            told, *facts = marshal.loads(data)  # from our own launcher, before the program begins
            self._take(told, facts, fds, program, cwd)
            is_ready |= told == "ready"  # not always the last: the launcher and the program's process tell at once
        if not is_ready:
            raise not_isolated(self._level, "the end of its launcher")

    def _take(self, told: str, facts: list[Any], fds: list[int], program: str, cwd: str) -> None:
        match told:
            case "sockets":
                self.sockets = tuple(self._closing.enter_context(socket.socket(fileno=fd)) for fd in fds)
            case "init":
                (self._init,) = fds
                self._closing.callback(os.close, self._init)
            case "listener":
                from .watch import Attempts, Watch

                self._attempts = Attempts()
                self._watch = Watch(fds[0], self._level, self._ports, self._attempts)
            case "failed":
                reason = f": {os.strerror(facts[1])}" if facts[1] else ""
                raise not_isolated(self._level, f"a refusal to {facts[0]}{reason}")
            case "not started":
                raise not_started(program, cwd, os.strerror(facts[1]) if facts[1] else "no program of that name")


def started(command: Sequence[str], options: Any) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own.

    Args:
        command: Program and arguments.
        options: Of ``subprocess.Popen``.

    Raises:
        ReplayError: It cannot be started.
    """
    try:
        process: subprocess.Popen[Any] = subprocess.Popen(command, start_new_session=True, **options)
    except (OSError, ValueError) as error:
        raise not_started(command[0], options["cwd"], str(error)) from error
    return process


def not_started(program: str, cwd: Path | str, why: str) -> ReplayError:
    """Return the error of a program that is not there, or is none."""
    return ReplayError(
        f"expected to start {program} in {cwd}, got {why}",
        where="isolation",
        hint="check the command (or `interpreter`) in unrepeat.toml",
    )


def not_isolated(level: Level, got: str) -> UnableToReplayError:
    """Return the error of a level that could not be set up."""
    return UnableToReplayError(f"expected isolation at level {level}, got {got}", where="isolation", hint=_DOCTOR)


def _plan_file() -> IO[bytes]:
    """Return a file in memory: the environment alone can be larger than what a pipe or a socket takes at once."""
    return os.fdopen(os.memfd_create("plan"), "w+b", buffering=0)


def _close_streams(process: subprocess.Popen[bytes]) -> None:
    """Close our ends of a program that has not begun: nobody else has it."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _wait_until_gone(pidfd: int) -> None:
    """Wait for the first process of a PID namespace: it goes after all others."""
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    waiting.poll(_GONE_TIMEOUT_S * 1000)
