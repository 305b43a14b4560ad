"""Advisory lock of a folder, between processes and threads."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import EvidenceError

LOCK_WAIT_S = 30.0


@contextmanager
def locked(folder: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold the exclusive lock of a folder; it is released when the process dies.

    Args:
        folder: An existing folder.
        wait_s: How long to wait for another process.

    Raises:
        EvidenceError: Another process held it for longer than that.
    """
    # The folder itself is locked where the system allows it: a lock file would show up in people's commits.
    handle = _open_on_windows(folder) if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(handle, folder):
            if time.monotonic() > deadline:
                raise EvidenceError(
                    "expected to lock the folder, got another unrepeat process that is writing to it",
                    where=str(folder),
                    hint="Wait for it to end, then try again",
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def _open_on_windows(folder: Path) -> int:
    name = hashlib.sha256(str(folder.resolve()).casefold().encode()).hexdigest()[:32]
    return os.open(Path(tempfile.gettempdir(), f"unrepeat-{name}.lock"), os.O_RDWR | os.O_CREAT)


def _try_lock(handle: int, folder: Path) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK):
            return False
        raise EvidenceError(
            f"expected a file system that can lock, got: {error.strerror}",
            where=str(folder),
            hint="Keep cases on a local disk while they are edited",
        ) from None
    return True
