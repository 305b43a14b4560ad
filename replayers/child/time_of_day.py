"""The time of day: every way in which Python code asks for it is led to a clock of ours.

``datetime`` is a type of the interpreter, and code holds it under its own name (``from datetime import datetime``),
derives from it and asks for it with ``isinstance``. So the type stays, and two of its methods are replaced in its
namespace. Where an interpreter does not let us, a subclass takes its place in the modules that hold it.
"""

from __future__ import annotations

import datetime
import gc
import sys
import time
from collections.abc import Mapping
from typing import Any

from .clock import Clock, functions

IN_PLACE = "replaced functions"
BY_SUBCLASS = "replaced functions, datetime by a subclass"
_SOON_S = 60.0


def show(clock: Clock) -> str:
    """Have all Python code of this process see a clock.

    Returns:
        How it is shown, in words.
    """
    _put_in_modules({id(getattr(time, name)): shown for name, shown in functions(clock).items()})
    if replace_in_place(clock):
        return IN_PLACE
    _put_subclasses(clock)
    return BY_SUBCLASS


def replace_in_place(clock: Clock) -> bool:
    """Replace ``now`` and ``utcnow`` in the type ``datetime``; returns whether the type shows the clock then."""
    kind = datetime.datetime
    try:
        import ctypes  # not every interpreter is built with it

        forget_looked_up = ctypes.pythonapi.PyType_Modified
        space = next(each for each in gc.get_referents(vars(kind)) if type(each) is dict and "utcnow" in each)
    except (StopIteration, ImportError, AttributeError):
        return False
    space.update(_methods(clock))
    forget_looked_up(ctypes.py_object(kind))  # here and in its subclasses, where code has run that asked before
    return _shows(clock)


def _methods(clock: Clock) -> dict[str, Any]:
    from_timestamp, utc = vars(datetime.datetime)["fromtimestamp"], datetime.timezone.utc  # noqa: UP017 - of any Python

    def now(cls: Any, tz: Any = None) -> Any:
        """Return the current date and time, in a time zone where one is given."""
        return from_timestamp.__get__(None, cls)(clock.now(), tz)

    def utcnow(cls: Any) -> Any:
        """Return the current date and time of UTC, without a time zone."""
        return from_timestamp.__get__(None, cls)(clock.now(), utc).replace(tzinfo=None)

    for function in (now, utcnow):
        function.__module__, function.__qualname__ = "datetime", f"datetime.{function.__name__}"
    return {"now": classmethod(now), "utcnow": classmethod(utcnow)}


def _shows(clock: Clock) -> bool:
    """Whether the types of ``datetime`` show a clock; ``today`` asks the functions of ``time``."""
    seconds, kind = clock.now(), datetime.datetime
    asked = (kind.now(), kind.today(), kind.now(datetime.timezone.utc))  # noqa: UP017 - each way
    return all(abs(each.timestamp() - seconds) < _SOON_S for each in asked)


def _put_subclasses(clock: Clock) -> None:
    """Put subclasses of ``date`` and ``datetime`` in their places, wherever modules hold them by now."""
    real_date, real_datetime = datetime.date, datetime.datetime

    class Standing(type):
        """Takes values and subclasses of the type it stands in for as its own."""

        def __instancecheck__(cls, each: Any) -> bool:
            return isinstance(each, stands_for[cls]) if cls in stands_for else type.__instancecheck__(cls, each)

        def __subclasscheck__(cls, each: type) -> bool:
            return issubclass(each, stands_for[cls]) if cls in stands_for else type.__subclasscheck__(cls, each)

    stands_for: dict[type, type] = {}

    def today(cls: Any) -> Any:
        """Return the current local date."""
        return cls.fromtimestamp(clock.now())

    shared = {"__module__": "datetime", "today": classmethod(today)}
    for real, own in ((real_date, shared), (real_datetime, {**shared, **_methods(clock)})):
        shown = Standing(real.__name__, (real,), own)
        stands_for[shown] = real
        _put_in_modules({id(real): shown})


def _put_in_modules(shown: Mapping[int, Any]) -> None:
    """Replace, in the modules that are loaded, values by what is shown in their place, by identity."""
    for name, module in list(sys.modules.items()):
        space = getattr(module, "__dict__", None)
        if isinstance(space, dict) and not f"{name}.".startswith(f"{__package__}."):
            space.update({key: shown[id(value)] for key, value in list(space.items()) if id(value) in shown})
