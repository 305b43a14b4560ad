"""Look-ups: what a path leads to for another process, from its folder, below its root, through its own links."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

_MAX_LINKS = 40  # MAXSYMLINKS
_OPEN = os.O_PATH | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Mount:
    kind: str = ""
    device: str = ""
    is_writable: bool = False


class Lookup:
    """A place that a path leads a process to; a context, which closes what it holds.

    Step by step, because the kernel would follow links below the root of whoever asks, and take ``/proc/self`` for it.

    Args:
        process: The folder of a process or thread below ``/proc``.
        path: The path, as the process would give it to the kernel.

    Raises:
        OSError: It leads to nothing, or cannot be followed.
    """

    def __init__(self, process: Path, path: str) -> None:
        self._process = process
        self._mounts = _mounts(process)
        self._links = 0
        self._root = os.open(process / "root", _OPEN)
        try:
            self._at = os.open(process / ("root" if path.startswith("/") else "cwd"), _OPEN)
        except OSError:
            os.close(self._root)
            raise
        try:
            self._walk(path)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Lookup:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._at)
        os.close(self._root)

    def is_socket(self) -> bool:
        """Tell whether a Unix socket is there."""
        return stat.S_ISSOCK(os.fstat(self._at).st_mode)

    def is_writable(self) -> bool:
        """Tell whether it lies on a mount of the process itself that may be written to."""
        return self._mount(self._at).is_writable

    def is_shown(self) -> bool:
        """Tell whether it is a socket of the host that an overlay shows: some kernels connect to it through that."""
        mount = self._mount(self._at)
        if mount.kind != "overlay" or any(mount.device == each.device for each in _mounts(Path("/proc/self")).values()):
            return False  # the same files as outside, as in the scratch folder
        try:
            return stat.S_ISSOCK(os.stat(os.readlink(f"/proc/self/fd/{self._at}")).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _walk(self, path: str) -> None:
        if not path:
            raise FileNotFoundError(errno.ENOENT, "an empty path")
        steps = path.split("/")[::-1]
        while steps:
            step = steps.pop()
            if step in ("", ".") or (step == ".." and self._is_at_root()):
                continue
            found = os.open(step, _OPEN | os.O_NOFOLLOW, dir_fd=self._at)
            if not stat.S_ISLNK(os.fstat(found).st_mode):
                self._move(found)
                continue
            try:
                steps += self._followed(step, found)
            finally:
                os.close(found)

    def _followed(self, step: str, link: int) -> list[str]:
        """Return the steps that a link stands for, the last first; a magic one is gone through here."""
        self._links += 1
        if self._links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if self._mount(link).kind != "proc":
            text = os.readlink("", dir_fd=link)
            if text.startswith("/"):
                self._move(os.dup(self._root))
            return text.split("/")[::-1]
        if step in ("self", "thread-self"):
            return self._itself(step, os.fstat(link).st_dev)
        self._move(os.open(step, _OPEN, dir_fd=self._at))  # to what is open, whatever its text
        return []

    def _itself(self, step: str, device: int) -> list[str]:
        """Return what the process is called in a ``/proc``: the harness's own, or that of its PID namespace."""
        index = 0 if device == os.stat("/proc").st_dev else -1
        lines = (self._process / "status").read_text("utf-8", "replace").splitlines()
        ids = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        group, thread = (ids[name][index] for name in ("NStgid", "NSpid"))
        return [group] if step == "self" else [thread, "task", group]

    def _is_at_root(self) -> bool:
        return os.path.samestat(os.fstat(self._at), os.fstat(self._root))

    def _mount(self, fd: int) -> _Mount:
        return self._mounts.get(_mount_of(fd), _Mount())  # else of another namespace

    def _move(self, fd: int) -> None:
        os.close(self._at)
        self._at = fd


def _mounts(process: Path) -> dict[str, _Mount]:
    """Return the mounts that a process sees, by their ids."""
    found = {}
    for line in (process / "mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        seen, _, source = line.partition(" - ")
        number, _, device, _, _, options, *_ = seen.split(" ")
        found[number] = _Mount(source.split(" ")[0], device, "rw" in options.split(","))
    return found


def _mount_of(fd: int) -> str:
    lines = Path("/proc/self/fdinfo", str(fd)).read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("mnt_id:"))
