"""Who waits for the program: how its end is passed on, and how nothing of it stays."""

from __future__ import annotations

# ``signal`` would make enumerations of its numbers first.
import _signal  # type: ignore[import-not-found]
import os
import select
import time

from .kernel import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, prctl

END_OF_NAMES = b"\n\n"
"""Ends what is told of processes: no word at all does not mean that there are none. No name has an empty line."""
_MAX_NAMES = 100
"""So that telling never waits for a reader: a pipe holds as much."""
_GRACE_ROUNDS = 100
_ROUND_S = 0.01
_FORWARDED = (
    *(_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGQUIT),
    *(_signal.SIGUSR1, _signal.SIGUSR2, _signal.SIGCONT, _signal.SIGWINCH),
)


def close_all_but(*fds: int) -> None:
    """Close every other descriptor: who reads the program's output must see its end, not ours."""
    last = -1
    for fd in sorted(fds):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, 1 << 20)


def forward_signals(pid: int) -> None:
    """Pass on to a process what would end or wake this one."""

    def forward(number: int, _: object) -> None:
        try:  # noqa: SIM105 - contextlib takes 3 ms to import
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    for each in _FORWARDED:
        _signal.signal(each, forward)


def reap(program: int, status_fd: int, left_fd: int) -> None:
    """Be the first process: take in what is orphaned until the program has ended.

    What it left running gets a moment to come to its end; the rest is told by name, and ends with us.

    Args:
        program: The program.
        status_fd: Where its status is written.
        left_fd: Where the names of what it left running are written, a line each, and ``END_OF_NAMES``.
    """
    close_all_but(status_fd, left_fd)
    forward_signals(program)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            os.write(left_fd, _outlived() + END_OF_NAMES)
            os.write(status_fd, b"%d" % status)
            os._exit(0)


def _outlived() -> bytes:
    """Return the names of the processes that are still there after a moment. Orphans are ours by now."""
    for _ in range(_GRACE_ROUNDS):
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_ROUND_S)
        except ChildProcessError:
            return b""
    own = b"%d" % os.getpid()
    names = [_name(each) for each in _processes() if _parent(each) == own]
    more = [b"%d more" % (len(names) - _MAX_NAMES)] if len(names) > _MAX_NAMES else []
    return b"\n".join([*names[:_MAX_NAMES], *more]) or b"a process"


def _name(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read().strip().replace(b"\n", b" ") or b"without a name"
    except OSError:  # it has ended meanwhile
        return b"that has just ended"


def wait_for(init: int, status_fd: int, life_fd: int) -> None:
    """Be the launcher: end as the program ended, and end it when the harness is gone."""
    close_all_but(status_fd, life_fd)
    forward_signals(init)
    # Not by a thread: none can be made once the children are to be in another PID namespace.
    waiting = select.poll()
    waiting.register(status_fd, select.POLLIN)
    waiting.register(life_fd, select.POLLIN)
    if status_fd not in dict(waiting.poll()):
        os.kill(init, _signal.SIGKILL)
    os.waitpid(init, 0)
    told = os.read(status_fd, 32)
    # Nothing was told: the first process was killed, and the program with it.
    end_like(int(told) if told else _signal.SIGKILL)


def adopt(program: int, life_fd: int, left_fd: int) -> None:
    """Be the launcher without a PID namespace: end as the program ended, after everything that came from it."""
    close_all_but(life_fd, left_fd)
    forward_signals(program)
    handle = os.pidfd_open(program)
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    waiting.register(life_fd, select.POLLIN)
    if handle not in dict(waiting.poll()):
        os.kill(program, _signal.SIGKILL)
        _, status = os.waitpid(program, 0)
    else:
        _, status = os.waitpid(program, 0)
        os.write(left_fd, _outlived() + END_OF_NAMES)
    _end_children()
    end_like(status)


def become_adopter() -> None:
    """Have every process that its parent leaves behind become a child of this one, whatever it does."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def _end_children() -> None:
    """End all children. Those of a child become ours when it ends, and have their turn then."""
    own = b"%d" % os.getpid()
    while True:
        for pid in _processes():
            if _parent(pid) == own:
                os.kill(int(pid), _signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return file.read().rpartition(b")")[2].split()[1]  # the name before it may hold anything
    except OSError:
        return b""


def end_like(status: int) -> None:
    """End this process as another ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        prctl(PR_SET_DUMPABLE, 0)  # the core, if any, was the program's
        _default(number)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 70)


def _default(number: int) -> None:
    if number != _signal.SIGKILL:  # has no other action
        _signal.signal(number, _signal.SIG_DFL)


def restore_signals() -> None:
    """Undo what Python ignores: a program would inherit it."""
    for each in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(each, _signal.SIG_DFL)
