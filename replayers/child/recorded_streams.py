"""Recorded streams: the pieces of a recorded answer, one by one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any


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
