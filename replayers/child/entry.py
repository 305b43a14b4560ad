"""The entry: the callable of the app that is replayed."""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import Callable
from typing import Any

_GRACE_S = 5.0


class WrongInputError(Exception):
    """The callable does not take what the case calls it with."""


def require_callable_with(entry: Callable[..., Any], arguments: Any) -> None:
    """Raise WrongInputError where the app's callable cannot be called with the input of the case."""
    try:
        signature = inspect.signature(entry)
    except (TypeError, ValueError):
        return  # some callables have no signature; calling them says what is wrong
    try:
        if isinstance(arguments, dict):
            signature.bind(**arguments)
        elif isinstance(arguments, list):
            signature.bind(*arguments)
        else:
            signature.bind(arguments)
    except TypeError as error:
        raise WrongInputError(
            f"{entry.__qualname__}{signature} is not called with the input of the case ({error}); "
            "state its arguments by name in case.yaml: `replay: {input: {…}}`"
        ) from None


def call_entry(entry: Callable[..., Any], arguments: Any) -> Any:
    """Call the app: an object as keyword arguments, a list as positional ones, anything else as the only one."""
    if isinstance(arguments, dict):
        result = entry(**arguments)
    elif isinstance(arguments, list):
        result = entry(*arguments)
    else:
        result = entry(arguments)
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        import asyncio

        result = asyncio.run(to_the_end(result))
    if isinstance(result, collections.abc.Iterator):
        result = joined(list(result))  # an answer that comes piece by piece is made only when it is read
    return result


async def to_the_end(answer: Any) -> Any:
    """Return what a coroutine or an asynchronous generator gives, once the tasks it left behind have ended."""
    import asyncio

    output = joined([piece async for piece in answer]) if inspect.isasyncgen(answer) else await answer
    own = asyncio.current_task()
    while pending := asyncio.all_tasks() - {own}:
        _, running = await asyncio.wait(pending, timeout=_GRACE_S)
        if running:
            names = ", ".join(sorted(str(task.get_coro()) for task in running))
            raise TimeoutError(f"the system returned, but tasks it had started were still running: {names}")
    return output


def joined(pieces: list[Any]) -> Any:
    """Return the pieces of a text as one text; pieces of any other kind as a list."""
    return "".join(pieces) if pieces and all(isinstance(piece, str) for piece in pieces) else pieces
