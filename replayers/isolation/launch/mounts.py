"""The mount namespace: the host's files to read, none of its sockets and devices, writes into copies only."""

from __future__ import annotations

import os
import stat

from .devices import make_devices
from .kernel import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    SetupError,
    mount,
    unmount,
)
from .mount_flags import NO_DEVICES, READ_ONLY, forbid_everywhere, permit
from .places import by_descriptor, hold, make_place

TYPE_CHECKING = False  # ``typing`` itself would be imported at each start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_EMPTY = b"mode=1777,size=25%"
"""Options of what lies over a hidden folder; its size is a share of the memory."""
_MEMORY = b"/dev/memory"


class View:
    """What the program is to see of the file system; absolute paths without links.

    Args:
        hidden: Folders that are replaced by empty ones.
        kept: Files and folders below hidden ones that stay, to be read.
        version: The folder whose changes go elsewhere.
        scratch: The one folder of the host that is written to.
        upper: Two folders below scratch: what is written to the version, and overlayfs's own.
    """

    def __init__(
        self, hidden: list[bytes], kept: list[bytes], version: bytes, scratch: bytes, upper: tuple[bytes, bytes]
    ) -> None:
        self.hidden = hidden
        self.kept = kept
        self.version = version
        self.scratch = scratch
        self.upper = upper


def host_sockets() -> list[bytes]:
    """Return the paths that Unix sockets are bound to. Asked before the network namespace is left: it lists its own."""
    with open("/proc/net/unix", "rb") as listed:
        fields = [line.split(maxsplit=7) for line in listed]
    return sorted({each[7].rstrip(b"\n") for each in fields if len(each) == 8 and each[7].startswith(b"/")})


def build(view: View, sockets: list[bytes]) -> None:
    """Turn the mounts of this namespace into a view.

    Args:
        view: What is to be seen.
        sockets: Paths of Unix sockets that are not to be reached.

    Raises:
        SetupError: The kernel refused a step.
    """
    _step("make mounts private", mount, b"none", b"/", b"", MS_REC | MS_PRIVATE)
    _forbid(view.scratch)
    # Held before anything is hidden; a path through /proc/self/fd leads to them afterwards.
    held = {path: hold(path) for path in {*view.kept, view.version, view.scratch}}
    upper = [hold(path) for path in view.upper]
    for path in view.hidden:
        _step(f"hide {os.fsdecode(path)}", mount, b"tmpfs", path, b"tmpfs", MS_NOSUID | MS_NODEV, _EMPTY)
    _step("make devices", make_devices)
    for path in sorted(held):  # a folder before what lies in it
        make_place(path, held[path])
        if path == view.version != view.scratch:
            _overlay(path, held[path], upper)
        else:
            _step(f"keep {os.fsdecode(path)}", mount, by_descriptor(held[path]), path, b"", MS_BIND | MS_REC)
    _mask(path for path in sockets if not path.startswith(view.scratch + b"/"))
    for fd in (*held.values(), *upper):
        os.close(fd)


def mount_proc() -> bool:
    """Mount a ``/proc`` that shows this PID namespace only, by its first process.

    Returns:
        Whether the kernel let us: in containers it often does not. The one that is there stays, read-only; the
        processes it shows cannot be touched from a namespace of users and of processes that is not theirs.
    """
    try:
        # Read-only: files below /proc/sys belong to root, who may write them without any capability.
        mount(b"proc", b"/proc", b"proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:
        return False
    return True


def _step(what: str, do: Callable[..., Any], *args: Any) -> None:
    try:
        do(*args)
    except OSError as error:
        raise SetupError(what, error.errno or 0) from error


def _forbid(scratch: bytes) -> None:
    """Make everything read-only and without devices, but the scratch folder writable and ``/dev`` what it is."""
    for path in (scratch, b"/dev"):  # mounted on themselves, to have flags that are not those of what is around them
        _step(f"bind {os.fsdecode(path)}", mount, path, path, b"", MS_BIND | MS_REC)
    _step("make everything read-only", forbid_everywhere, READ_ONLY | NO_DEVICES)
    _step("make the scratch folder writable", permit, scratch, READ_ONLY)
    _step("permit devices in /dev", permit, b"/dev", NO_DEVICES)


def _mask(sockets: Iterable[bytes]) -> None:
    for path in sockets:
        try:
            if _is_socket(path):
                mount(b"/dev/null", path, b"", MS_BIND)
        except OSError as error:
            if _is_socket(path):  # else its server removed it meanwhile
                raise SetupError(f"mask {os.fsdecode(path)}", error.errno or 0) from error


def _is_socket(path: bytes) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def _overlay(path: bytes, lower: int, upper: list[int]) -> None:
    """Lay a writable copy over the version; where the scratch folder cannot carry it, memory does.

    A version that has no copy stays read-only: what the program writes fails then, and is never let through.
    """
    try:
        _mount_overlay(path, lower, *upper)
    except OSError:
        os.mkdir(_MEMORY)
        mount(b"tmpfs", _MEMORY, b"tmpfs", MS_NOSUID | MS_NODEV, _EMPTY)
        folders = [_MEMORY + b"/upper", _MEMORY + b"/work"]
        for each in folders:
            os.mkdir(each)
        held = [hold(each) for each in folders]
        try:
            _mount_overlay(path, lower, *held)
        except OSError:  # it holds mount points, which are not to be uncovered: it is there, to be read only
            _step("show the version", mount, by_descriptor(lower), path, b"", MS_BIND | MS_REC)
        for fd in held:
            os.close(fd)
        unmount(_MEMORY)  # the overlay holds it
        os.rmdir(_MEMORY)


def _mount_overlay(path: bytes, lower: int, upper: int, work: int) -> None:
    # By file descriptor: paths may hold what separates options and layers. `userxattr` because trusted attributes
    # are not for user namespaces.
    folders = tuple(map(by_descriptor, (lower, upper, work)))
    options = b"lowerdir=%b,upperdir=%b,workdir=%b,userxattr" % folders
    mount(b"overlay", path, b"overlay", MS_NOSUID | MS_NODEV, options)
