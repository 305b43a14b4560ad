"""Places: paths that are held open while what they lead to is hidden, and mounted again."""

from __future__ import annotations

import os
import stat

from .kernel import SetupError


def hold(path: bytes) -> int:
    """Return a descriptor that stands for a path, whatever is mounted over it.

    Raises:
        SetupError: It is not there.
    """
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise SetupError(f"find {os.fsdecode(path)}", error.errno or 0) from error


def by_descriptor(fd: int) -> bytes:
    """Return the path that leads to what is held."""
    return b"/proc/self/fd/%d" % fd


def make_place(path: bytes, fd: int) -> None:
    """Make what something held can be mounted on, where hiding has taken it."""
    if os.path.lexists(path):
        return
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.makedirs(path, 0o755)
        return
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
