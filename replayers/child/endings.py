"""How the process ends: with its harness, after its threads, or with an error to describe."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
import types

from .json_form import plain_text

_DAEMON_GRACE_S = 1.0
"""How long code of the app may go on in threads that die with the process."""
_IDLE_GRACE_S = 0.2
_DAEMON_POLL_S = 0.05
_WATCH = "unrepeat"


def end_with_harness(fd: int) -> None:
    """End this process and those it started once the harness is gone, however that ended."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 1):
                pass
            os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name=_WATCH).start()


def wait_for_daemons(app_paths: tuple[str, ...]) -> list[str]:
    """Give threads that would die with the process a moment to come to the calls they were started for.

    All other threads are waited for by the interpreter itself, before it calls what ``atexit`` holds.

    Args:
        app_paths: Where the app's own code lies.

    Returns:
        The names of those that are still at work in code of the app: what they would have done is not seen.
    """
    until = time.monotonic() + _DAEMON_GRACE_S
    while at_work := _daemons_at_work(app_paths):
        if time.monotonic() > until:
            return [f"the thread {thread.name}" for thread in at_work]
        at_work[0].join(_DAEMON_POLL_S)
    for thread in _daemons():  # of a library, or waiting for work: they may be on their way to a call
        thread.join(max(0.0, min(_IDLE_GRACE_S, until - time.monotonic())))
    return [f"the thread {thread.name}" for thread in _daemons_at_work(app_paths)]


def _daemons() -> list[threading.Thread]:
    current = threading.current_thread()
    return [each for each in threading.enumerate() if each.daemon and each.name != _WATCH and each is not current]


def _daemons_at_work(app_paths: tuple[str, ...]) -> list[threading.Thread]:
    frames = sys._current_frames()
    return [each for each in _daemons() if _is_at_work(frames.get(each.ident or 0), app_paths)]


def _is_at_work(frame: types.FrameType | None, app_paths: tuple[str, ...]) -> bool:
    """Whether a thread runs code of the app, other than to wait for work at a queue."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file == queue.__file__:
            return False
        if file.startswith(app_paths) and "site-packages" not in file:
            return True
        frame = frame.f_back
    return False


def describe(error: BaseException) -> dict[str, str]:
    """Return an error as type, message and the app's part of the stack."""
    frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-8:])
    frames = re.sub(rf"^{__package__}\.\w+\.", "", frames, flags=re.MULTILINE)  # where our own errors are defined
    return {"error": plain_text(f"{type(error).__name__}: {error}"), "traceback": plain_text(frames[-4000:])}
