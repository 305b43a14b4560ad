"""Live streams: the pieces of the real thing, noted as they pass and reported at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .channel import Channel
from .json_form import to_json


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
