"""Reading: makes what an answer holds that is made only when somebody reads it.

A web framework iterates a stream, awaits an awaitable and runs a generator to its end; until then nothing of it has
happened. What nobody can read for certain, such as a function, is told instead.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import inspect
import itertools
import sys
import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from .json_form import state
from .kin import callee, name_of
from .live_streams import LiveAsyncStream, LiveStream
from .own_code import is_own
from .recorded_streams import RecordedAsyncStream, RecordedStream

_MOST_PIECES = 100_000
_STREAMS = (collections.abc.Iterator, collections.abc.AsyncIterator)
_MADE_LATER = (
    types.GeneratorType,
    types.AsyncGeneratorType,
    types.CoroutineType,
    RecordedStream,
    RecordedAsyncStream,
    LiveStream,
    LiveAsyncStream,
)
"""What is read wherever it stands: nothing but its pieces is to be had of it."""
_COLLECTIONS = (list, tuple, set, frozenset, collections.deque)
_DEEPEST = 100
"""What JSON takes in; see ``json_form``."""


class Reader:
    """Reads one answer."""

    def __init__(
        self,
        paths: Sequence[str],
        leads_to_boundary: Callable[[Any], bool],
        wait: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]],
    ) -> None:
        """Prepare to read.

        Args:
            paths: The version's folders on the import path.
            leads_to_boundary: Whether a value is a function that leads to a boundary.
            wait: Gives what a coroutine gives.
        """
        self._paths = paths
        self._leads_to_boundary = leads_to_boundary
        self._wait = wait
        self.unread: list[str] = []
        """What could not be read, in words."""

    async def read(self, value: Any, outer: tuple[int, ...] = (), is_plain: bool = True) -> Any:
        """Return an answer with nothing in it left to be made.

        Args:
            value: The answer, or a part of it.
            outer: Identities of what it stands in, so that a cycle ends.
            is_plain: Whether it stands in plain containers only. An object of a framework holds functions and
                iterators of its own that are no part of the answer.
        """
        if value is None or isinstance(value, (str, bytes, int, float)) or id(value) in outer:
            return value
        if len(outer) > _DEEPEST:
            if is_plain:
                self.unread.append(f"the answer is nested more than {_DEEPEST} deep")
            return value
        inner = (*outer, id(value))
        if self._is_lazy(value, is_plain):
            return await self.read(await self._made_of(value), inner, is_plain)
        if isinstance(value, Mapping):
            made = {key: await self.read(item, inner, is_plain) for key, item in value.items()}
            return made if any(made[key] is not item for key, item in value.items()) else value
        if isinstance(value, _COLLECTIONS):
            items = [await self.read(each, inner, is_plain) for each in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if is_plain and self._is_own_callable(value):
            self.unread.append(f"the answer holds {name_of(value)}, which nobody called")
        if not isinstance(value, (type, types.FunctionType, types.MethodType, types.ModuleType)):
            return await self._object(value, inner)
        return value

    async def _object(self, value: Any, inner: tuple[int, ...]) -> Any:
        """Read what an object holds, in its place: its own form of JSON may be made of it."""
        public = {name: item for name, item in state(value).items() if not name.startswith("_")}
        for name, item in public.items():
            made = await self.read(item, inner, self._is_own_record(value))
            if made is not item:
                object.__setattr__(value, name, made)
        for method in ("__iter__", "__aiter__"):
            if self._is_own_code(getattr(getattr(type(value), method, None), "__code__", None)):
                made = await self.read(await self._made_of(value), inner)
                return value if public else made  # what its JSON shows stays; what it does was done
        return value

    def _is_lazy(self, value: Any, is_plain: bool) -> bool:
        if not is_plain:
            return isinstance(value, _MADE_LATER)
        return inspect.isawaitable(value) or isinstance(value, _STREAMS)

    def _is_own_record(self, value: Any) -> bool:
        """Whether a value is of a type of the app that says what it holds."""
        module = sys.modules.get(type(value).__module__)
        declared = dataclasses.is_dataclass(value) or hasattr(value, "model_dump")
        return declared and is_own(getattr(module, "__file__", None) or "", self._paths)

    async def _made_of(self, value: Any) -> Any:
        if inspect.isawaitable(value) or hasattr(value, "__aiter__"):
            return await self._wait(self._awaited(value))
        return self._joined(list(itertools.islice(value, _MOST_PIECES)))

    def _is_own_code(self, code: Any) -> bool:
        return isinstance(code, types.CodeType) and is_own(code.co_filename, self._paths)

    def _is_own_callable(self, value: Any) -> bool:
        """Whether a value is a function of the app, or an object of the app that is called like one."""
        called = callee(value)
        return called is not None and (self._leads_to_boundary(called) or self._is_own_code(called.__code__))

    async def _awaited(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return await value
        pieces = []
        async for piece in value:
            pieces.append(piece)
            if len(pieces) == _MOST_PIECES:
                break
        return self._joined(pieces)

    def _joined(self, pieces: list[Any]) -> Any:
        """Return the pieces of a text as one text; pieces of any other kind as a list."""
        if len(pieces) == _MOST_PIECES:
            self.unread.append(f"the answer comes in more than {_MOST_PIECES} pieces")
        return "".join(pieces) if pieces and all(isinstance(piece, str) for piece in pieces) else pieces
