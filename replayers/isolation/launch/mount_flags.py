"""Flags of mounts: what may not be done through them."""

from __future__ import annotations

import os
import struct

from .kernel import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT, mount, syscall

# MOUNT_ATTR_RDONLY and MOUNT_ATTR_NODEV have the values of MS_RDONLY and MS_NODEV.
READ_ONLY = MS_RDONLY
NO_DEVICES = MS_NODEV
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ENOSYS = 38
# Locked in a user namespace where they are set: to be repeated. The last three are about access times.
_KEPT = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | 1 << 10 | 1 << 11 | 1 << 21


def forbid_everywhere(flags: int) -> None:
    """Set flags on every mount of this namespace."""
    try:
        _change(b"/", flags, 0, _AT_RECURSIVE)
    except OSError as error:
        if error.errno != _ENOSYS:
            raise
        for path in _mount_points():  # before Linux 5.12
            _remount(path, flags, 0)


def permit(path: bytes, flags: int) -> None:
    """Clear flags of the mount at a path."""
    try:
        _change(path, 0, flags, 0)
    except OSError as error:
        if error.errno != _ENOSYS:
            raise
        _remount(path, 0, flags)


def _change(path: bytes, on: int, off: int, how: int) -> None:
    attributes = struct.pack("=QQQQ", on, off, 0, 0)
    syscall("mount_setattr", _AT_FDCWD, path, how, attributes, len(attributes))


def _remount(path: bytes, on: int, off: int) -> None:
    flags = os.statvfs(path).f_flag & _KEPT
    mount(b"none", path, b"", MS_BIND | MS_REMOUNT | (flags | on) & ~off)


def _mount_points() -> list[bytes]:
    with open("/proc/self/mountinfo", "rb") as mounts:
        return [line.split()[4].decode("unicode_escape").encode("latin-1") for line in mounts]
