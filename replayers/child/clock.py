"""The clock: the time of the incident, which goes on with real time and jumps to where the recording was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_TICKS_NS = time.monotonic_ns
_NS = 1_000_000_000


class Clock:
    """The time that the app sees; never goes back."""

    def __init__(self, start_ns: int) -> None:
        """Start at a time, in nanoseconds since 1970."""
        self._lock = threading.Lock()
        self._ahead_ns = start_ns - _TICKS_NS()

    def now_ns(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return _TICKS_NS() + self._ahead_ns

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now_ns() / _NS

    def move_to(self, when_ns: int | None) -> None:
        """Move on to a time, unless it is there already; None moves nothing."""
        if when_ns is not None:
            with self._lock:
                self._ahead_ns = max(self._ahead_ns, when_ns - _TICKS_NS())


class Shown:
    """Stands in for a function of ``time``; as an attribute of a class it does not become a method, like those."""

    def __init__(self, real: Any, function: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = real.__name__
        self.__doc__ = real.__doc__
        self.__module__ = real.__module__
        self.__text_signature__ = real.__text_signature__
        self.__call = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Tell the time."""
        return self.__call(*args, **kwargs)

    def __reduce__(self) -> str:
        return str(self.__name__)  # pickled and copied by name, as a built-in function is

    def __repr__(self) -> str:
        return f"<function time.{self.__name__}>"


def functions(clock: Clock) -> dict[str, Shown]:
    """Return what stands in for the functions of ``time`` that tell the time of day, by name.

    Monotonic clocks, timers and ``sleep`` stay real: they measure, and tell no date.
    """
    localtime, gmtime, asctime, strftime = time.localtime, time.gmtime, time.asctime, time.strftime

    def of_seconds(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: real(*args) if args and args[0] is not None else real(clock.now())

    def of_realtime(real: Callable[..., Any], shown: Callable[[], Any]) -> Callable[..., Any]:
        return lambda *args: shown() if args == (time.CLOCK_REALTIME,) else real(*args)

    standing_in: dict[str, Callable[..., Any]] = {
        "time": clock.now,
        "time_ns": clock.now_ns,
        "localtime": of_seconds(localtime),
        "gmtime": of_seconds(gmtime),
        "ctime": of_seconds(time.ctime),
        "asctime": lambda *args: asctime(*(args or (localtime(clock.now()),))),
        "strftime": lambda form, *args: strftime(form, *(args or (localtime(clock.now()),))),
    }
    if hasattr(time, "clock_gettime"):
        standing_in["clock_gettime"] = of_realtime(time.clock_gettime, clock.now)
        standing_in["clock_gettime_ns"] = of_realtime(time.clock_gettime_ns, clock.now_ns)
    return {name: Shown(getattr(time, name), function) for name, function in standing_in.items()}
