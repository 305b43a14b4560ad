"""Streams: what says that an answer comes piece by piece, and how."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from .answers import return_type

_CONTEXTS: dict[Any, str] = {
    contextlib.AbstractContextManager: "sync",
    contextlib.AbstractAsyncContextManager: "async",
}
_ENTER = {"sync": "__enter__", "async": "__aenter__"}


def is_async_stream(value: Any) -> bool:
    """Whether a value gives its pieces to ``async for``."""
    return hasattr(type(value), "__aiter__")


def is_stream(value: Any) -> bool:
    """Whether a value gives its pieces one by one, once."""
    return is_async_stream(value) or isinstance(value, collections.abc.Iterator)


def kind_of(annotation: Any) -> Any:
    """Return what an annotation says of a stream: ``Iterator`` or ``AsyncIterator``; None where it is none."""
    kind = typing.get_origin(annotation) or annotation
    if not isinstance(kind, type):
        return None
    known = (collections.abc.AsyncIterator, collections.abc.Iterator)
    return next((each for each in known if issubclass(kind, each)), None)


def inner(annotation: Any) -> Any:
    """Return the type of the pieces of a stream; None where it is not said."""
    arguments = typing.get_args(annotation)
    return arguments[0] if arguments else None


def context_of(function: Callable[..., Any], returns: Any) -> str:
    """Return how a function gives a context manager: ``sync`` or ``async``; empty where it gives none.

    A type of its own is one where it says that it gives a stream: responses and connections can be entered too.
    """
    if made_by_contextlib(function):
        return "async" if inspect.isasyncgenfunction(inspect.unwrap(function)) else "sync"
    kind = typing.get_origin(returns) or returns
    if kind in _CONTEXTS:
        return _CONTEXTS[kind]
    # Clients' streams are both, and are streams.
    is_one = isinstance(kind, type) and kind_of(kind) is None
    entered = (how for how, enter in _ENTER.items() if is_one and kind_of(_given_by(kind, enter)))
    return next(entered, "")


def given_by(returns: Any, context: str) -> Any:
    """Return the type of what a context manager gives, by its annotation; None where it is not said."""
    arguments, kind = typing.get_args(returns), typing.get_origin(returns) or returns
    if kind in _CONTEXTS or kind_of(kind) is not None:  # the latter of a generator that contextlib made one of
        return arguments[0] if arguments else None
    return _given_by(kind, _ENTER[context])


def _given_by(kind: Any, enter: str) -> Any:
    method = getattr(kind, enter, None)
    return None if method is None else return_type(method)


def made_by_contextlib(function: Any) -> bool:
    """Whether a function was decorated with ``contextmanager`` or ``asynccontextmanager``: it runs when entered."""
    code = getattr(function, "__code__", None)
    return hasattr(function, "__wrapped__") and code is not None and code.co_filename == contextlib.__file__


def pieces_of(answer: Any, item: Any) -> list[Any]:
    """Return a recorded answer as pieces: the items of a list, else all of it as the only one.

    Args:
        answer: What the recording holds; a recorder may have put the pieces of a text together.
        item: The type of a piece. Of a message, a stream of text gives what it says.
    """
    if answer is None:
        return []
    if isinstance(answer, list):
        return answer
    if item is str and isinstance(answer, Mapping) and isinstance(answer.get("content"), str):
        return [answer["content"]]
    return [answer]
