"""The detour: a function's own code is put aside, and leads to another function.

The app may hold a function under any name: in a registry, a closure, a partial, a bound method. A copy that went
unnoticed would run for real, and its calls would be missing from the replay as if they were prevented.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

_TARGET = "unrepeat: the boundary"


def copy_of(function: types.FunctionType) -> types.FunctionType:
    """Return a function that does what this one does now."""
    code, closure = function.__code__, function.__closure__
    real = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    real.__kwdefaults__ = function.__kwdefaults__
    real.__annotations__ = function.__annotations__
    real.__qualname__ = function.__qualname__
    real.__dict__.update(function.__dict__)
    return real


def divert(function: types.FunctionType, target: Callable[..., Any]) -> None:
    """Make a function lead to another one, in place; what kind of function it is stays for those who look."""
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # read by inspect
    code = _template(function).__code__
    constants = tuple(target if each == _TARGET else each for each in code.co_consts)
    free = function.__code__.co_freevars  # must be as many as the closure has
    function.__code__ = code.replace(co_consts=constants, co_freevars=free, co_name=function.__name__)


def passing(pieces: Callable[..., Any]) -> Callable[..., Any]:
    """Return an async generator function that passes on what another one's generator gives and is sent."""
    function = copy_of(_call_async_generator)  # type: ignore[arg-type]  # a function as any other
    divert(function, pieces)
    del function.__signature__  # type: ignore[attr-defined]
    return function


def _template(function: types.FunctionType) -> Any:
    if inspect.iscoroutinefunction(function):
        return _call_async
    if inspect.isgeneratorfunction(function):
        return _call_generator
    return _call_async_generator if inspect.isasyncgenfunction(function) else _call


def _call(*args: Any, **kwargs: Any) -> Any:
    target: Any = "unrepeat: the boundary"
    return target(*args, **kwargs)


async def _call_async(*args: Any, **kwargs: Any) -> Any:
    target: Any = "unrepeat: the boundary"
    return await target(*args, **kwargs)


def _call_generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
    target: Any = "unrepeat: the boundary"
    return (yield from target(*args, **kwargs))


async def _call_async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    target: Any = "unrepeat: the boundary"
    pieces = target(*args, **kwargs)
    step, given = pieces.asend, None
    while True:
        try:
            piece = await step(given)
        except StopAsyncIteration:
            return
        try:
            step, given = pieces.asend, (yield piece)
        except GeneratorExit:
            await pieces.aclose()
            raise
        except BaseException as error:
            step, given = pieces.athrow, error
