"""How the process ends: with its harness, after its threads, or with an error to describe."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
import traceback

from .json_form import plain_text

_DAEMON_GRACE_S = 0.2
_WATCH = "unrepeat"


def end_with_harness(fd: int) -> None:
    """End this process and those it started once the harness is gone, however that ended."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 1):
                pass
            os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name=_WATCH).start()


def wait_for_daemons() -> None:
    """Give threads that would die with the process a moment to come to the calls they were started for.

    All other threads are waited for by the interpreter itself, before it calls what ``atexit`` holds.
    """
    until = time.monotonic() + _DAEMON_GRACE_S
    for thread in threading.enumerate():
        if thread.daemon and thread.name != _WATCH and thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))


def describe(error: BaseException) -> dict[str, str]:
    """Return an error as type, message and the app's part of the stack."""
    frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-8:])
    frames = re.sub(rf"^{__package__}\.\w+\.", "", frames, flags=re.MULTILINE)  # where our own errors are defined
    return {"error": plain_text(f"{type(error).__name__}: {error}"), "traceback": plain_text(frames[-4000:])}
