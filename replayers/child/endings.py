"""How the process ends: with its harness, after its threads, or with an error to describe."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
import types

from .channel import Channel
from .json_form import plain_text
from .own_code import is_own

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
    if _threads_of_process() > len(threading.enumerate()):  # one without a name, which may not even have begun
        time.sleep(_DAEMON_POLL_S)
    while at_work := _at_work(app_paths):
        if time.monotonic() > until:
            return at_work
        time.sleep(_DAEMON_POLL_S)
    for thread in _daemons():  # of a library, or waiting for work: they may be on their way to a call
        thread.join(max(0.0, min(_IDLE_GRACE_S, until - time.monotonic())))
    return _at_work(app_paths)


def _threads_of_process() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:  # not Linux: it may have begun by now
        return 0


def _daemons() -> list[threading.Thread]:
    current = threading.current_thread()
    return [each for each in threading.enumerate() if each.daemon and each.name != _WATCH and each is not current]


def _at_work(app_paths: tuple[str, ...]) -> list[str]:
    """Return the names of threads that would die with the process and run code of the app."""
    frames = sys._current_frames()
    daemons = [each for each in _daemons() if _is_at_work(frames.get(each.ident or 0), app_paths)]
    # Those that `_thread` itself started are in no list, and nobody waits for them.
    known = {each.ident for each in threading.enumerate()}
    others = [ident for ident, frame in frames.items() if ident not in known and _is_at_work(frame, app_paths)]
    return [f"the thread {each.name}" for each in daemons] + ["a thread without a name"] * len(others)


def _is_at_work(frame: types.FrameType | None, app_paths: tuple[str, ...]) -> bool:
    """Whether a thread runs code of the app, other than to wait for work at a queue."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file == queue.__file__:
            return False
        if is_own(file, app_paths):
            return True
        frame = frame.f_back
    return False


def end_last(channel: Channel) -> None:
    """Tell the harness of the end once all is done that the app left for the end of its process.

    Called first of all with ``atexit``, so that it runs after every handler of the app; ``weakref.finalize`` is one.
    What objects do when they go away is brought forward, to while it is still seen.
    """

    def end() -> None:
        if channel.has_returned:
            _let_go(channel.app_paths)
            channel.flush()
            channel.send({"op": "ended"})

    atexit.register(end)


def _let_go(app_paths: tuple[str, ...]) -> None:
    """Have the interpreter drop the app's modules, and the data in those that something else still holds."""
    for name, file in [(name, getattr(module, "__file__", None)) for name, module in sys.modules.items()]:
        if is_own(file or "", app_paths):
            del sys.modules[name]
    gc.collect()
    for space in [each for each in gc.get_objects() if type(each) is dict and "__spec__" in each]:
        if is_own(space.get("__file__") or "", app_paths):
            code = (types.FunctionType, types.ModuleType, type)
            for name in [name for name, value in space.items() if not isinstance(value, code)]:
                del space[name]
    gc.collect()


def begin_end(channel: Channel) -> None:
    """Note, and tell the harness, when the threads have ended and the handlers of ``atexit`` begin to run."""

    def begin() -> None:
        channel.is_ending = True
        channel.send({"op": "ending"})

    atexit.register(begin)


def describe(error: BaseException) -> dict[str, str]:
    """Return an error as type, message and the app's part of the stack."""
    frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-8:])
    frames = re.sub(rf"^{__package__}\.\w+\.", "", frames, flags=re.MULTILINE)  # where our own errors are defined
    return {"error": plain_text(f"{type(error).__name__}: {error}"), "traceback": plain_text(frames[-4000:])}
