"""Isolation checks: which levels can be had on this machine, and whether that is enough for each system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..replayers.isolation.ladder import Level, is_at_least, obstacles

_HOLDS: dict[Level, str] = {
    "netns": "namespaces: only loopback, no host sockets, writes into copies",
    "landlock": "Landlock and a system call filter: TCP to the harness only, writes into the scratch folder",
    "guard": "an audit hook in Python code; native code and other programs are not held",
}


def levels(required: Iterable[str]) -> Iterator[tuple[Level, bool, str]]:
    """Yield each level that isolates, whether it is had or not needed, and why not with what to do.

    Args:
        required: The weakest level that will do, of each system.
    """
    why = obstacles()
    had = [level for level in _HOLDS if not why[level]]
    unmet = {each for each in required if not any(is_at_least(level, each) for level in had)}
    for level, holds in _HOLDS.items():
        detail = f"can be had: {holds}" if not why[level] else f"cannot be had here: {why[level]}"
        yield level, not (why[level] and level in unmet), detail
