"""Devices: a ``/dev`` with the harmless ones. As root, a disk could be written to through a read-only mount."""

from __future__ import annotations

import os

from .kernel import MS_BIND, MS_NOEXEC, MS_NOSUID, mount
from .places import by_descriptor, hold, make_place

_SHARED = (b"null", b"zero", b"full", b"random", b"urandom")
_LINKS = {
    b"fd": b"/proc/self/fd",
    b"stdin": b"/proc/self/fd/0",
    b"stdout": b"/proc/self/fd/1",
    b"stderr": b"/proc/self/fd/2",
    b"ptmx": b"pts/ptmx",
}


def make_devices() -> None:
    """Replace ``/dev``."""
    held = {name: hold(b"/dev/" + name) for name in _SHARED}
    mount(b"tmpfs", b"/dev", b"tmpfs", MS_NOSUID | MS_NOEXEC, b"mode=755,size=25%")
    for name, fd in held.items():
        make_place(b"/dev/" + name, fd)
        mount(by_descriptor(fd), b"/dev/" + name, b"", MS_BIND)
        os.close(fd)
    os.mkdir(b"/dev/pts")
    os.mkdir(b"/dev/shm")
    os.chmod(b"/dev/shm", 0o1777)
    try:  # noqa: SIM105 - contextlib takes 3 ms to import
        mount(b"devpts", b"/dev/pts", b"devpts", MS_NOSUID | MS_NOEXEC, b"newinstance,ptmxmode=0666,mode=620")
    except OSError:  # some container runtimes: there are no pseudo terminals then
        pass
    for name, target in _LINKS.items():
        os.symlink(target, b"/dev/" + name)
