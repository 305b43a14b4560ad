"""The kernel: system calls that Python 3.11 has no functions for, with the numbers of x86_64 and aarch64."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_NUMBERS = {
    "x86_64": {"capset": 126, "seccomp": 317},
    "aarch64": {"capset": 91, "seccomp": 277},
}
# The same on both: everything since Linux 5.1.
_COMMON = {
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}
MACHINE = os.uname().machine
NUMBERS = {**_COMMON, **_NUMBERS.get(MACHINE, {})}

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


class SetupError(Exception):
    """A step that the kernel refused.

    Args:
        step: What was tried, in words.
        code: The error number; 0 where it was not the kernel that refused.
    """

    def __init__(self, step: str, code: int = 0) -> None:
        self.step = step
        self.code = code
        super().__init__(step, code)


def syscall(name: str, *args: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call by its name.

    Raises:
        OSError: The kernel refused it, or has no such call.
    """
    if name not in NUMBERS:
        raise OSError(38, f"no number for {name} on {MACHINE}")
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result: int = _LIBC.syscall(ctypes.c_long(NUMBERS[name]), *wide)
    return _checked(result, name)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_LIBC.unshare(ctypes.c_int(flags)), "unshare")


def prctl(option: int, value: int = 0) -> None:
    """Change an attribute of this process or thread."""
    zero = ctypes.c_ulong(0)
    _checked(_LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero), "prctl")


def mount(source: bytes, target: bytes, kind: bytes = b"", flags: int = 0, data: bytes = b"") -> None:
    """Mount a file system, or bind one that is there."""
    result = _LIBC.mount(source, target, kind or None, ctypes.c_ulong(flags), data or None)
    _checked(result, f"mount {os.fsdecode(target)}")


def unmount(target: bytes) -> None:
    """Take a mount out of sight; what uses it keeps it."""
    detach = 2
    _checked(_LIBC.umount2(target, ctypes.c_int(detach)), f"unmount {os.fsdecode(target)}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result
