"""Privileges: the identity inside, and giving up all that could undo the isolation."""

from __future__ import annotations

import os
import struct

from .kernel import (
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    prctl,
    syscall,
)

_CAPABILITY_VERSION_3 = 0x20080522
_MAX_CAPABILITIES = 64


def map_identity(uid: int, gid: int) -> None:
    """Map the caller's user and group to themselves, and nobody else's: inside, files look as they do outside.

    Args:
        uid: User id before the user namespace was entered.
        gid: Group id before that.
    """
    _write("/proc/self/setgroups", "deny")  # without it, an unprivileged process may not map its group
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def drop_all() -> None:
    """Give up every capability for good: nothing that is executed later gets one back, not as root either."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    try:
        for each in range(_MAX_CAPABILITIES):
            prctl(PR_CAPBSET_DROP, each)
    except OSError:  # past the last one that the kernel knows; or there is none to drop, nor CAP_SETPCAP to do it
        pass
    syscall("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
