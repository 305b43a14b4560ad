"""The event loop: what an app that answers in one has left behind there when it returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from .kin import callee, name_of
from .own_code import is_own

_GRACE_S = 5.0


def standard_loop() -> asyncio.AbstractEventLoop:
    """Return a new loop that shows its timers; others (uvloop) keep them to themselves."""
    loop = asyncio.new_event_loop()
    if hasattr(loop, "_scheduled"):
        return loop
    loop.close()
    return asyncio.SelectorEventLoop()


async def left_behind(paths: Sequence[str], leads_to_boundary: Callable[[Any], bool]) -> list[str]:
    """Wait for the tasks and timers that the app started and nobody awaited.

    Timers of libraries (connections kept alive, caches) are none of its work.

    Args:
        paths: The version's folders on the import path.
        leads_to_boundary: Whether a value is a function that leads to a boundary.

    Returns:
        The timers that are due only later, in words: what they would have done is not seen.

    Raises:
        TimeoutError: A task does not end.
    """
    loop, own = asyncio.get_running_loop(), asyncio.current_task()
    until = loop.time() + _GRACE_S
    while True:
        await asyncio.sleep(0)  # for what was to be called soon
        timers = [each for each in _timers(loop) if _is_of_app(each, paths, leads_to_boundary)]
        due = [each for each in timers if each.when() <= until]
        tasks = asyncio.all_tasks() - {own}
        if tasks:
            await _end(tasks)
        elif due:
            await asyncio.sleep(max(0.0, min(each.when() for each in due) - loop.time()))
        else:
            return [f"{name_of(each._callback)} was still to be called by the event loop, later on" for each in timers]


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    _, running = await asyncio.wait(tasks, timeout=_GRACE_S)
    if running:
        names = ", ".join(sorted(str(task.get_coro()) for task in running))
        raise TimeoutError(f"the system returned, but tasks it had started were still running: {names}")


def _timers(loop: Any) -> list[Any]:
    return [each for each in loop._scheduled if not each.cancelled()]


def _is_of_app(timer: Any, paths: Sequence[str], leads_to_boundary: Callable[[Any], bool]) -> bool:
    called = callee(timer._callback)
    return called is not None and (leads_to_boundary(called) or is_own(called.__code__.co_filename, paths))
