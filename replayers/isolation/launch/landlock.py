"""Landlock: what may be written, and which TCP ports may be connected to, without any namespace."""

from __future__ import annotations

import os
import struct

from .kernel import SetupError, syscall

LEAST_ABI = 4
"""The first with rules for TCP (Linux 6.7)."""
_VERSION = 1
_PATH_BENEATH = 1
_NET_PORT = 2
_WRITE_FILE = 1 << 1
_TRUNCATE = 1 << 14
_IOCTL_DEVICE = 1 << 15
# Removing, making, linking across folders: bits 4 to 13. Reading and executing are not restricted.
_CHANGE = sum(1 << bit for bit in range(4, 14))
_BIND_TCP = 1
_CONNECT_TCP = 2
_SCOPE_ABSTRACT_SOCKETS = 1
_SCOPE_SIGNALS = 2
_DEVICES = ("null", "zero", "full", "random", "urandom")
"""No terminal: what is written to one of the user's is obeyed."""


def abi() -> int:
    """Return the version of Landlock that the kernel has; 0 where it has none."""
    try:
        return syscall("landlock_create_ruleset", None, 0, _VERSION)
    except OSError:
        return 0


def restrict(writable: bytes, ports: tuple[int, ...]) -> None:
    """Restrict this thread and all that come from it; needs ``no_new_privs``.

    Args:
        writable: The one folder that may be written to, besides harmless devices.
        ports: The TCP ports that may be connected to, at whatever address: Landlock knows no addresses.

    Raises:
        SetupError: The kernel has no Landlock, or an older one than is needed.
    """
    version = abi()
    if version < LEAST_ABI:
        raise SetupError(f"use Landlock (version {LEAST_ABI} is needed, this kernel has {version or 'none'})")
    device = _IOCTL_DEVICE if version >= 5 else 0
    files = _WRITE_FILE | _CHANGE | _TRUNCATE | device
    attributes = struct.pack("=QQ", files, _BIND_TCP | _CONNECT_TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS)
    ruleset = syscall("landlock_create_ruleset", attributes, len(attributes), 0)
    _allow_below(ruleset, writable, files)
    for name in _DEVICES:
        if os.path.exists(f"/dev/{name}"):
            _allow_below(ruleset, f"/dev/{name}".encode(), _WRITE_FILE | _TRUNCATE | device)
    for port in ports:
        syscall("landlock_add_rule", ruleset, _NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0)
    syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _allow_below(ruleset: int, path: bytes, access: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        syscall("landlock_add_rule", ruleset, _PATH_BENEATH, struct.pack("=Qi", access, fd), 0)
    finally:
        os.close(fd)
