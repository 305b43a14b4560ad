"""Streams: answers that come piece by piece, from the recording or from the real thing."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import typing
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any, NoReturn

from .channel import Channel
from .json_form import to_json

_CONTEXTS = (contextlib.AbstractContextManager, contextlib.AbstractAsyncContextManager)


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
    """Return the type of the pieces of a stream, or of what a context manager gives; None where it is not said."""
    arguments = typing.get_args(annotation)
    return arguments[0] if arguments else None


def context_of(function: Callable[..., Any], returns: Any) -> str:
    """Return how a function gives a context manager: ``sync`` or ``async``; empty where it gives none."""
    if made_by_contextlib(function):
        return "async" if inspect.isasyncgenfunction(inspect.unwrap(function)) else "sync"
    kind = typing.get_origin(returns) or returns
    # Clients' streams are both, and are streams.
    if not isinstance(kind, type) or not issubclass(kind, _CONTEXTS) or kind_of(returns) is not None:
        return ""
    return "sync" if issubclass(kind, contextlib.AbstractContextManager) else "async"


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


def _recorded(pieces: Sequence[Any], error: BaseException | None, refuse: Callable[[], None]) -> Any:
    for piece in pieces:
        if (yield piece) is not None:
            refuse()
    if error is not None:
        raise error


class RecordedStream(Generator[Any, Any, None]):
    """Recorded pieces, and then the recorded error; may be entered, as clients' streams are."""

    def __init__(self, pieces: Sequence[Any], error: BaseException | None, refuse: Callable[[], None]) -> None:
        """Prepare to give pieces.

        Args:
            pieces: The pieces.
            error: What is raised after them; None: nothing.
            refuse: Called where a value is sent, which the recording has no answer to.
        """
        self._given = _recorded(pieces, error, refuse)

    def send(self, value: Any) -> Any:
        """Return the next piece."""
        return self._given.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error of the app's own."""
        return self._given.throw(*error)

    def __enter__(self) -> RecordedStream:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class RecordedAsyncStream(AsyncGenerator[Any, Any]):
    """Recorded pieces for ``async for``; see ``RecordedStream``."""

    def __init__(self, pieces: Sequence[Any], error: BaseException | None, refuse: Callable[[], None]) -> None:
        """Prepare to give pieces; see ``RecordedStream``."""
        self._given = _recorded(pieces, error, refuse)

    async def asend(self, value: Any) -> Any:
        """Return the next piece."""
        try:
            return self._given.send(value)
        except StopIteration:
            raise StopAsyncIteration from None

    async def athrow(self, *error: Any) -> Any:
        """Raise an error of the app's own."""
        return self._given.throw(*error)

    async def close(self) -> None:
        """Close it, as clients' streams are."""
        self._given.close()

    async def __aenter__(self) -> RecordedAsyncStream:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._given.close()


class _Live:
    """A stream of the real thing, whose pieces are passed on and noted; reported once, when it ends in any way."""

    def __init__(self, real: Any, channel: Channel, seq: int, inside: Callable[[], Any]) -> None:
        self._real = real
        self._channel = channel
        self._seq = seq
        self._inside = inside
        self._pieces: list[Any] = []
        self._is_open = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __del__(self) -> None:
        # The app has let go of it. In the midst of anything: a question may be waiting for its answer.
        if self._is_open:
            self._channel.defer(self._answer(None))

    def end(self, error: BaseException | None = None) -> None:
        """Tell the harness what was read, unless it was told."""
        if self._is_open:
            self._channel.ask(self._answer(error))

    def _answer(self, error: BaseException | None) -> dict[str, Any]:
        self._is_open = False
        text = f"{type(error).__name__}: {error}" if error is not None else ""
        return {"op": "answered", "seq": self._seq, "answer": self._pieces, "error": text}

    def _note(self, piece: Any) -> Any:
        self._pieces.append(to_json(piece))
        return piece


class LiveStream(_Live):
    """A stream for ``for``; a generator is sent values and thrown errors as it is."""

    def __iter__(self) -> LiveStream:
        return self

    def __next__(self) -> Any:
        """Return the next piece."""
        return self._step(self._real.__next__)

    def send(self, value: Any) -> Any:
        """Send a value into the generator."""
        return self._step(lambda: next(self._real) if value is None else self._real.send(value))

    def throw(self, *error: Any) -> Any:
        """Throw an error into the generator; where it is none, the error is the app's own."""
        return self._step(lambda: getattr(self._real, "throw", _raise)(*error))

    def close(self) -> None:
        """Close it, where it can be closed."""
        with self._inside():
            getattr(self._real, "close", lambda: None)()
        self.end()

    def __enter__(self) -> Any:
        with self._inside():
            entered = self._real.__enter__()
        return self if entered is self._real else entered

    def __exit__(self, *error: Any) -> Any:
        with self._inside():
            is_handled = self._real.__exit__(*error)
        self.end()
        return is_handled

    def _step(self, step: Callable[[], Any]) -> Any:
        try:
            with self._inside():
                return self._note(step())
        except StopIteration:
            self.end()
            raise
        except Exception as error:
            self.end(error)
            raise


def _raise(*error: Any) -> NoReturn:
    raise error[1] if len(error) > 1 and error[1] is not None else error[0]


class LiveAsyncStream(_Live):
    """A stream for ``async for``."""

    def __aiter__(self) -> LiveAsyncStream:
        return self

    async def __anext__(self) -> Any:
        """Return the next piece."""
        return await self._step(self._iterator().__anext__)

    async def asend(self, value: Any) -> Any:
        """Send a value into the generator."""
        made = self._iterator()
        return await self._step(made.__anext__ if value is None else lambda: made.asend(value))

    async def athrow(self, *error: Any) -> Any:
        """Throw an error into the generator."""
        return await self._step(lambda: self._iterator().athrow(*error))

    async def aclose(self) -> None:
        """Close it, where it can be closed."""
        with self._inside():
            if hasattr(self._real, "aclose"):
                await self._real.aclose()
        self.end()

    async def close(self) -> None:
        """Close it, as clients' streams are."""
        with self._inside():
            await self._real.close()
        self.end()

    async def __aenter__(self) -> Any:
        with self._inside():
            entered = await self._real.__aenter__()
        return self if entered is self._real else entered

    async def __aexit__(self, *error: Any) -> Any:
        with self._inside():
            is_handled = await self._real.__aexit__(*error)
        self.end()
        return is_handled

    def _iterator(self) -> Any:
        if not hasattr(type(self._real), "__anext__"):
            self._real = self._real.__aiter__()
        return self._real

    async def _step(self, step: Callable[[], Any]) -> Any:
        try:
            with self._inside():
                return self._note(await step())
        except StopAsyncIteration:
            self.end()
            raise
        except Exception as error:
            self.end(error)
            raise


STREAMS = (RecordedStream, RecordedAsyncStream, LiveStream, LiveAsyncStream)
"""The types of what the app gets in the place of its own streams."""
