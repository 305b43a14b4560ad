"""Contexts: boundaries that give a context manager, such as ``with client.stream(…) as pieces``."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .live_streams import LiveAsyncStream, LiveStream
from .streams import made_by_contextlib

if TYPE_CHECKING:
    from .boundary import Boundary


def stand_in(boundary: Boundary, is_async: bool) -> Callable[..., Any]:
    """Return the function that stands in for one that gives a context manager."""
    managed: Callable[..., Any] = contextlib.asynccontextmanager(_entered_async) if is_async else _entered_context
    is_late = made_by_contextlib(boundary.function)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        if boundary.is_left_alone:
            return boundary.function(*args, **kwargs)
        # The body of a generator runs when the context is entered; any other function runs when it is called.
        return managed(boundary, args, kwargs, None if is_late else boundary.ask(args, kwargs))

    return replaced


def _entered(
    boundary: Boundary, args: tuple[Any, ...], kwargs: dict[str, Any], asked: Mapping[str, Any] | None
) -> Iterator[Any]:
    reply = asked or boundary.ask(args, kwargs)
    if reply["action"] != "call":
        yield boundary.conclude(reply)
        return
    value, error = None, None
    with boundary.inside(reply["name"]):
        try:
            manager = boundary.function(*args, **kwargs)
            value = manager.__enter__()
        except Exception as caught:
            error = caught
    shown = boundary.report(reply["seq"], value, error, reply["name"])
    with contextlib.ExitStack() as stack:
        stack.callback(_end, shown)
        stack.push(_exits(boundary, reply["name"], manager))
        yield shown


_entered_context = contextlib.contextmanager(_entered)


def _exits(boundary: Boundary, name: str, manager: Any) -> Callable[..., Any]:
    def leave(*error: Any) -> Any:
        with boundary.inside(name):
            return manager.__exit__(*error)

    return leave


async def _entered_async(
    boundary: Boundary, args: tuple[Any, ...], kwargs: dict[str, Any], asked: Mapping[str, Any] | None
) -> AsyncIterator[Any]:
    reply = asked or boundary.ask(args, kwargs)
    if reply["action"] != "call":
        yield boundary.conclude(reply)
        return
    value, error = None, None
    with boundary.inside(reply["name"]):
        try:
            manager = boundary.function(*args, **kwargs)
            value = await manager.__aenter__()
        except Exception as caught:
            error = caught
    shown = boundary.report(reply["seq"], value, error, reply["name"])
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(_end, shown)
        stack.push_async_exit(_exits_async(boundary, reply["name"], manager))
        yield shown


def _exits_async(boundary: Boundary, name: str, manager: Any) -> Callable[..., Any]:
    async def leave(*error: Any) -> Any:
        with boundary.inside(name):
            return await manager.__aexit__(*error)

    return leave


def _end(shown: Any) -> None:
    if isinstance(shown, (LiveStream, LiveAsyncStream)):
        shown.end()
