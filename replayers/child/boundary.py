"""The boundary: what stands in for one function of the app."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from .answers import rebuild_error, return_type, revive
from .channel import Channel, ReplayStopped
from .contexts import stand_in
from .detour import passing
from .json_form import to_json
from .live_streams import LiveAsyncStream, LiveStream
from .recorded_streams import RecordedAsyncStream, RecordedStream
from .streams import context_of, given_by, inner, is_async_stream, is_stream, kind_of, made_by_contextlib, pieces_of

_path: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("unrepeat_path", default=())


class Boundary:
    """One replaced function."""

    def __init__(
        self,
        channel: Channel,
        kind: str,
        function: Callable[..., Any],
        name: str,
        is_method: bool,
        dispatch: tuple[str, str] | None = None,
        is_part: bool = False,
    ) -> None:
        self.is_part = is_part
        """Whether another boundary is made of the function: in a live call of that, it is no call of its own."""
        self.dispatch = dispatch
        """Parameters that hold the tool's name and its arguments, of a function that runs tools by name."""
        self.channel = channel
        self.kind = kind
        self.function = function
        self.name = name
        self.is_method = is_method
        self.signature = inspect.signature(function)
        made_of = (function, inspect.unwrap(function))
        self.returns = return_type(made_of[1] if made_by_contextlib(function) else function)
        """What it is annotated to answer; of a context manager, to give."""
        self.context = context_of(function, self.returns)
        """How it gives a context manager: ``sync`` or ``async``; empty where it gives none."""
        self.is_async = any(map(inspect.iscoroutinefunction, made_of))
        self.generates = any(map(inspect.isgeneratorfunction, made_of)) or any(map(inspect.isasyncgenfunction, made_of))
        """Whether it is a generator function, of either kind, and runs when the first piece is asked for."""
        self.streams = self._streams(made_of)
        """How its answer comes piece by piece, as ``Iterator`` or ``AsyncIterator``; None where it comes as a whole."""

    def _streams(self, made_of: tuple[Callable[..., Any], ...]) -> Any:
        if self.context:
            self.returns = given_by(self.returns, self.context)
            by_kind = AsyncIterator if self.context == "async" else Iterator
            return by_kind if self.returns is None else kind_of(self.returns)
        if self.generates:
            return AsyncIterator if any(map(inspect.isasyncgenfunction, made_of)) else Iterator
        return kind_of(self.returns)

    def require_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise what the function itself would raise for arguments that do not fit."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError:
            inspect.signature(self.function, follow_wrapped=False).bind(*args, **kwargs)
            # A decorator takes other arguments than the function it wraps: by which names is anybody's guess.
            self.channel.fail(
                f"a call of {self.name} does not fit {self.name}{self.signature}: "
                "name the function inside of its decorator as the boundary"
            )

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the call's arguments by parameter name, without ``self`` and without defaults."""
        bound = self.signature.bind(*args, **kwargs)
        named: dict[str, Any] = {}
        for index, (name, value) in enumerate(bound.arguments.items()):
            if index == 0 and self.is_method:
                continue
            kind = self.signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                named.update(to_json(value))
            else:
                named[name] = to_json(value)
        return named

    def defaults(self) -> dict[str, Any]:
        """Return the parameters' default values."""
        return {
            name: to_json(parameter.default)
            for name, parameter in self.signature.parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }

    def takes(self) -> list[str] | None:
        """Return the names of the parameters; None for a function that takes any."""
        parameters = self.signature.parameters.values()
        if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
            return None
        return [each.name for each in parameters]

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Ask the harness what this call answers."""
        self.require_call(args, kwargs)
        try:
            name, arguments, defaults = self.name, self.arguments(args, kwargs), self.defaults()
        except Exception as error:  # an app that catches it would go on without a call that it really makes
            self.channel.fail(f"the arguments of {self.name} cannot be read: {type(error).__name__}: {error}")
        if self.dispatch is not None:
            name, arguments, defaults = *self.dispatched(arguments), {}
        return self.channel.ask(
            {
                "op": "call",
                "kind": self.kind,
                "name": name,
                "path": _path.get(),
                "arguments": arguments,
                "defaults": defaults,
                "takes": self.takes(),
            }
        )

    def dispatched(self, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the tool's name and arguments of a call of a function that runs tools by name."""
        name_of, arguments_of = self.dispatch or ("", "")
        inner = arguments.get(arguments_of)
        if isinstance(inner, str):
            with contextlib.suppress(ValueError):
                inner = json.loads(inner)
        return str(arguments.get(name_of, self.name)), inner if isinstance(inner, dict) else {arguments_of: inner}

    def conclude(self, reply: Mapping[str, Any]) -> Any:
        """Return or raise what the harness replied."""
        action = reply["action"]
        if action == "stop":
            raise ReplayStopped(reply.get("error", ""))
        if action == "raise":
            raise rebuild_error(reply.get("error", ""), inspect.getmodule(inspect.unwrap(self.function)))
        if self.streams is not None:
            return self._recorded_stream(reply)
        if self.returns is str and reply.get("text"):
            return reply["text"]  # the recorded wording, where the trace also has the value it spells
        return self.revived(reply.get("value"), self.returns)

    def _recorded_stream(self, reply: Mapping[str, Any]) -> Any:
        """Return the pieces of a recorded answer as a stream; an error that came beside them is raised after them."""
        item, late = inner(self.returns), reply.get("late_error")
        pieces = [self.revived(each, item) for each in pieces_of(reply.get("value"), item)]
        error = rebuild_error(late, inspect.getmodule(inspect.unwrap(self.function))) if late else None
        return (RecordedAsyncStream if self.streams is AsyncIterator else RecordedStream)(
            pieces, error, self._refuse_sent
        )

    def _refuse_sent(self) -> None:
        self.channel.fail(f"a value was sent into the stream of {self.name}: the recording has no answer to it")

    def revived(self, value: Any, annotation: Any) -> Any:
        """Return a recorded answer, or a piece of one, as the app expects it."""
        try:
            return revive(value, annotation)
        except Exception as error:  # an app that catches it would take it for the tool's own failure
            self.channel.fail(f"the recorded answer of {self.name} is no {annotation}: {type(error).__name__}: {error}")

    def report(self, seq: int, result: Any, error: BaseException | None, name: str) -> Any:
        """Tell the harness what the real function gave and return what the app gets; of a stream, once it has ended."""
        text = f"{type(error).__name__}: {error}" if error is not None else ""
        if is_stream(result):
            live = LiveAsyncStream if is_async_stream(result) else LiveStream
            return live(result, self.channel, seq, functools.partial(self.inside, name))
        if inspect.isawaitable(result):
            self.channel.fail(f"{self.name} returned a {type(result).__name__}: name a coroutine function")
        reply = self.channel.ask({"op": "answered", "seq": seq, "answer": to_json(result), "error": text})
        if error is not None:
            raise error
        return result if reply["action"] == "keep" else self.revived(reply.get("value"), self.returns)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Mark what is called from here on as made inside of this boundary, which runs for real."""
        token = _path.set((*_path.get(), f"{self.kind}:{name if self.kind == 'tool' else self.kind}"))
        try:
            with self.channel.live_call():
                yield
        finally:
            _path.reset(token)

    @property
    def is_left_alone(self) -> bool:
        """Whether the function runs as a part of another boundary that runs for real."""
        return self.is_part and self.channel.is_live

    def wrap(self) -> Callable[..., Any]:
        """Return the function that stands in for the original one, and is of its kind."""
        return functools.wraps(self.function)(self._stand_in())

    def _stand_in(self) -> Callable[..., Any]:
        if self.context:
            return stand_in(self, is_async=self.context == "async")

        def whole(*args: Any, **kwargs: Any) -> Any:
            return self._run(*args, **kwargs)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await self._run_async(*args, **kwargs)

        def pieces(*args: Any, **kwargs: Any) -> Any:
            return (yield from self._run(*args, **kwargs))

        if self.generates:
            return passing(self._run) if self.streams is AsyncIterator else pieces
        return awaited if self.is_async else whole

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_left_alone:
            return self.function(*args, **kwargs)
        reply = self.ask(args, kwargs)
        if reply["action"] != "call":
            return self.conclude(reply)
        result, error = None, None
        with self.inside(reply["name"]):
            try:
                result = self.function(*args, **kwargs)
            except Exception as caught:
                error = caught
        return self.report(reply["seq"], result, error, reply["name"])

    async def _run_async(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_left_alone:
            return await self.function(*args, **kwargs)
        reply = self.ask(args, kwargs)
        if reply["action"] != "call":
            return self.conclude(reply)
        result, error = None, None
        with self.inside(reply["name"]):
            try:
                result = await self.function(*args, **kwargs)
            except Exception as caught:
                error = caught
        return self.report(reply["seq"], result, error, reply["name"])
