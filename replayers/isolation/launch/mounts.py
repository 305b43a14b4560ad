"""The mount namespace: the host's files to read, none of its sockets and devices, writes into copies only."""

from __future__ import annotations

import os
import stat
import struct

from .kernel import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    SetupError,
    mount,
    syscall,
)

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY = 1
_ENOSYS = 38
_DEVICES = (b"null", b"zero", b"full", b"random", b"urandom")
_DEVICE_LINKS = {
    b"fd": b"/proc/self/fd",
    b"stdin": b"/proc/self/fd/0",
    b"stdout": b"/proc/self/fd/1",
    b"stderr": b"/proc/self/fd/2",
    b"ptmx": b"pts/ptmx",
}


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
    # On itself, so that it can be writable where what is around it is not.
    _step("bind the scratch folder", mount, view.scratch, view.scratch, b"", MS_BIND | MS_REC)
    _step("make everything read-only", _make_read_only)
    _step("make the scratch folder writable", _make_writable, view.scratch)
    # Held before anything is hidden; a path through /proc/self/fd leads to them afterwards.
    held = {path: _hold(path) for path in {*view.kept, view.version, view.scratch}}
    upper = [_hold(path) for path in view.upper]
    null = _hold(b"/dev/null")
    for path in view.hidden:
        _step(f"hide {os.fsdecode(path)}", mount, b"tmpfs", path, b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=1777")
    _step("make devices", _make_devices)
    for path in sorted(held):
        _make_place(path, held[path])
        if path == view.version != view.scratch:
            _overlay(path, held[path], upper)
        else:
            _step(f"keep {os.fsdecode(path)}", mount, _by_fd(held[path]), path, b"", MS_BIND | MS_REC)
    for path in sockets:
        if not path.startswith(view.scratch + b"/") and _is_socket(path):
            _step(f"mask {os.fsdecode(path)}", mount, _by_fd(null), path, b"", MS_BIND)
    for fd in (*held.values(), *upper, null):
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


def _step(what: str, do, *args) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
    try:
        do(*args)
    except OSError as error:
        raise SetupError(what, error.errno or 0) from error


def _by_fd(fd: int) -> bytes:
    return b"/proc/self/fd/%d" % fd


def _hold(path: bytes) -> int:
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise SetupError(f"find {os.fsdecode(path)}", error.errno or 0) from error


def _is_socket(path: bytes) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def _make_writable(path: bytes) -> None:
    attributes = struct.pack("=QQQQ", 0, _ATTR_RDONLY, 0, 0)
    try:
        syscall("mount_setattr", _AT_FDCWD, path, 0, attributes, len(attributes))
    except OSError as error:
        if error.errno != _ENOSYS:
            raise
        _remount(path, False)


def _make_read_only() -> None:
    attributes = struct.pack("=QQQQ", _ATTR_RDONLY, 0, 0, 0)
    try:
        syscall("mount_setattr", _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, len(attributes))
    except OSError as error:
        if error.errno != _ENOSYS:
            raise
        with open("/proc/self/mountinfo", "rb") as mounts:
            points = [line.split()[4].decode("unicode_escape").encode("latin-1") for line in mounts]
        for point in points:
            _remount(point, True)


def _remount(path: bytes, is_read_only: bool) -> None:
    """Change the one flag; the others of a mount are locked in a user namespace and must be repeated."""
    flags = os.statvfs(path).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048 | (1 << 21))
    mount(b"none", path, b"", MS_BIND | MS_REMOUNT | flags | (MS_RDONLY if is_read_only else 0))


def _make_devices() -> None:
    """Replace ``/dev``: as root, a disk could be opened for writing through a read-only mount."""
    held = {name: os.open(b"/dev/" + name, os.O_PATH | os.O_CLOEXEC) for name in _DEVICES}
    mount(b"tmpfs", b"/dev", b"tmpfs", MS_NOSUID | MS_NOEXEC, b"mode=755")
    for name, fd in held.items():
        _make_place(b"/dev/" + name, fd)
        mount(_by_fd(fd), b"/dev/" + name, b"", MS_BIND)
        os.close(fd)
    os.mkdir(b"/dev/pts")
    os.mkdir(b"/dev/shm")
    os.chmod(b"/dev/shm", 0o1777)
    try:  # noqa: SIM105 - contextlib takes 3 ms to import
        mount(b"devpts", b"/dev/pts", b"devpts", MS_NOSUID | MS_NOEXEC, b"newinstance,ptmxmode=0666,mode=620")
    except OSError:  # some container runtimes: there are no pseudo terminals then
        pass
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, b"/dev/" + name)


def _make_place(path: bytes, fd: int) -> None:
    """Make what something can be mounted on, where hiding has taken it."""
    if os.path.lexists(path):
        return
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.makedirs(path, 0o755)
        return
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _overlay(path: bytes, lower: int, work: list[int]) -> None:
    """Lay a writable copy over the version; where the scratch folder cannot hold it, memory does."""
    try:
        _mount_overlay(path, lower, work[0], work[1])
    except OSError:
        mount(b"tmpfs", b"/dev/shm", b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=700")
        folders = [b"/dev/shm/upper", b"/dev/shm/work"]
        for each in folders:
            os.mkdir(each)
        memory = [os.open(each, os.O_PATH | os.O_CLOEXEC) for each in folders]
        _step("lay a writable copy over the version", _mount_overlay, path, lower, *memory)
        mount(b"tmpfs", b"/dev/shm", b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=1777")
        for fd in memory:
            os.close(fd)


def _mount_overlay(path: bytes, lower: int, upper: int, work: int) -> None:
    # By file descriptor: paths may hold what separates options and layers. `userxattr` because trusted attributes
    # are not for user namespaces.
    where = b"lowerdir=%b,upperdir=%b,workdir=%b,userxattr" % (_by_fd(lower), _by_fd(upper), _by_fd(work))
    mount(b"overlay", path, b"overlay", MS_NOSUID | MS_NODEV, where)
