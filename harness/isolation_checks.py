"""Isolation checks: which levels can be had on this machine, and whether that is enough for each system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..replayers.isolation.ladder import obstacles, weakest
from ..replayers.isolation.levels import Isolating, Level, is_at_least
from .config import SystemConfig

_HOLDS: dict[Isolating, str] = {
    "netns": "namespaces: only loopback, no host sockets, writes into copies",
    "landlock": "Landlock and a system call filter: TCP to the harness only, writes into the scratch folder",
    "guard": "an audit hook in Python code; native code and other programs are not held",
}


def levels(systems: Iterable[SystemConfig]) -> Iterator[tuple[Level, bool, str]]:
    """Yield each level that isolates, whether it is had or not needed, and why not with what to do.

    Args:
        systems: Those that run here. A deployment does not, whatever its table says.
    """
    why = obstacles()
    missed = {_missed(each, why) for each in systems if each.url is None}
    for level, holds in _HOLDS.items():
        detail = f"can be had: {holds}" if not why[level] else f"cannot be had here: {why[level]}"
        yield level, level not in missed, detail


def _missed(system: SystemConfig, why: Mapping[Level, str]) -> Level | None:
    """Return the level that a system lacks: the one it names, else the weakest that would do; None where it has it."""
    if system.isolation:
        return system.isolation if why[system.isolation] else None
    needed = weakest(python=system.command is None)
    return None if any(is_at_least(level, needed) for level in _HOLDS if not why[level]) else needed
