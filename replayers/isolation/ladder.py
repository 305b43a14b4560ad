"""The ladder: the levels of isolation, which of them can be had here, and the one that a replay runs at."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ...cases.errors import ReplayError, UnableToReplayError
from .levels import LEVELS, Level, is_at_least

if TYPE_CHECKING:
    from ..system import CommandSystem, PythonSystem

_MACHINES = ("x86_64", "aarch64")
_TRIAL = (sys.executable, "-I", "-S", "-c", "")
_SWITCHES = {
    "/proc/sys/user/max_user_namespaces": ("0", "set the sysctl user.max_user_namespaces to 10000 or so"),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "set the sysctl kernel.unprivileged_userns_clone to 1"),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0, or give this Python an AppArmor profile "
        "that allows userns",
    ),
}
_IN_CONTAINER = "in a container, allow user namespaces (Docker: a seccomp profile that has unshare and mount)"

_CORRECT = "Correct `isolation`"


def obstacles() -> dict[Level, str]:
    """Return, by level, why it cannot be had on this machine and what to do; empty where it can.

    Each is tried by running a program at it; once in a process.
    """
    return {level: _obstacle(level) for level in LEVELS}


def chosen(required: str, *, python: bool) -> Level:
    """Return the strongest level that can be had.

    Args:
        required: The weakest that will do; empty for ``guard`` where it can be had, else ``landlock``; ``none`` for
            whatever there is.
        python: Whether the program is the Python child, which guards itself.

    Raises:
        UnableToReplayError: What can be had is weaker than what is required. Nothing is ever weakened silently.
    """
    floor = _level(required, "isolation") if required else weakest(python=python)
    strongest: Level = next(level for level in LEVELS if (python or level != "guard") and not _obstacle(level))
    if is_at_least(strongest, floor):
        return strongest
    raise UnableToReplayError(
        f"expected isolation of at least {floor}, got {strongest} as the strongest that can be had here",
        where="isolation",
        hint=_hint(required),
    )


def level_for(system: PythonSystem | CommandSystem, *, python: bool) -> Level:
    """Return the level that a system runs at: the one it names, else the strongest that can be had.

    Args:
        system: The system.
        python: Whether it is a callable, run by the Python child, which guards itself.

    Raises:
        UnableToReplayError: The level cannot be had, or it is weaker than what is required.
    """
    named = system.isolation
    if not named:
        return chosen(system.required_isolation, python=python)
    where = f"system {system.name}: isolation"
    level = _level(named, where)
    if level == "none" or (level == "guard" and not python):
        raise UnableToReplayError(
            f"expected a level that can hold it, got {named}", where=where, hint="Correct `isolation`"
        )
    if obstacle := _obstacle(level):
        raise UnableToReplayError(f"expected {level}, which cannot be had here: {obstacle}", where=where)
    if not is_at_least(level, _level(system.required_isolation or "none", where)):
        raise UnableToReplayError(f"expected at least {system.required_isolation}, got {level}", where=where)
    return level


def weakest(*, python: bool) -> Level:
    """Return the weakest level that will do where nobody asks for one.

    Args:
        python: Whether the program is the Python child, which guards itself.
    """
    return "guard" if python else "landlock"


def _level(word: str, where: str) -> Level:
    for level in LEVELS:
        if level == word:
            return level
    raise UnableToReplayError(
        f"expected one of {', '.join(LEVELS)}, got {word}", where=where, hint="Correct `isolation`"
    )


def _hint(required: str) -> str:
    see = "See why and what to do with `unrepeat doctor`"
    return see if required else f"{see}, or run without any: --allow-no-isolation"


@functools.cache
def _obstacle(level: Level) -> str:
    """Return why a level cannot be had and what to do; empty where a program ran at it."""
    if level in ("guard", "none"):
        return ""
    if sys.platform != "linux":
        return f"{level} is a feature of Linux; replay in a Linux machine or container to have it"
    if os.uname().machine not in _MACHINES:
        return f"{level} knows the system calls of {' and '.join(_MACHINES)}, not of {os.uname().machine}"
    from .cell import prepared

    with tempfile.TemporaryDirectory(prefix="unrepeat-") as scratch:
        folder = Path(scratch, "version")
        folder.mkdir()
        null = subprocess.DEVNULL
        try:
            with prepared(level, folder=folder, scratch=Path(scratch), listeners=1) as cell:
                code = cell.start(_TRIAL, env={}, cwd=folder, stdin=null, stdout=null, stderr=null).wait()
        except ReplayError as error:
            return f"{error.message.partition(', got ')[2]}; {_what_to_do(level)}"
    return f"a program that does nothing ended with exit code {code}; report this" if code else ""


def _what_to_do(level: Level) -> str:
    if level == "landlock":
        return "it needs Linux 6.7 or later with landlock in the kernel's list of security modules (lsm=…)"
    for file, (bad, advice) in _SWITCHES.items():
        try:
            if Path(file).read_text().strip() == bad:
                return f"{advice} ({file} is {bad})"
        except OSError:
            continue
    return _IN_CONTAINER
