"""Leftovers: processes that left the process group of a replayed app, such as daemons.

They carry a mark of the replay in their environment. Looked for only where the app may start processes, and
only where the system shows the environment of one's own processes (Linux).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

Mark = tuple[str, str]
"""Name and value of an environment variable."""
_MAX_ROUNDS = 20


def new_mark() -> Mark:
    """Return a mark that nothing else has. Its name is new each time too: by a known one an app would know a replay."""
    return f"R{secrets.token_hex(8).upper()}", secrets.token_hex(8)


def end_marked(mark: Mark, proc: Path = Path("/proc")) -> None:
    """End every process that carries a mark, until none is left.

    Args:
        mark: The mark.
        proc: The process file system.
    """
    for _ in range(_MAX_ROUNDS):
        found = [pid for pid in _marked("=".join(mark).encode(), proc) if pid != os.getpid()]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: Mark, proc: Path = Path("/proc")) -> list[tuple[int, str]]:
    """Return id and name of every process that carries a mark."""
    found = []
    for pid in _marked("=".join(mark).encode(), proc):
        with contextlib.suppress(OSError):  # gone meanwhile
            found.append((pid, (proc / str(pid) / "comm").read_text().strip()))
    return found


def told_of_leftovers(names: tuple[str, ...] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a result says is unfinished, and what it says was not seen.

    Args:
        names: Of the processes that a program left running; None where that is not known, which is never a pass.
    """
    if names is None:
        return (), ("it is not known what processes the system left running",)
    return tuple(f"the process {name}" for name in names), ()


def _marked(entry: bytes, proc: Path) -> Iterator[int]:
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
