"""The boundary: what stands in for one function of the app."""

from __future__ import annotations

import collections.abc
import contextlib
import contextvars
import functools
import inspect
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .answers import rebuild_error, return_type, revive
from .channel import Channel, ReplayStopped
from .json_form import to_json

_path: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("unrepeat_path", default=())
_STREAMS = "answers that come piece by piece cannot be replayed; name the function that collects them as the boundary"
_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncGenerator,
)


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
        self.returns = return_type(function)
        self.is_async = any(map(inspect.iscoroutinefunction, (function, inspect.unwrap(function))))
        refuse_streams(function, name, self.returns)

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
            raise rebuild_error(reply.get("error", ""), inspect.getmodule(self.function))
        if self.returns is str and reply.get("text"):
            return reply["text"]  # the recorded wording, where the trace also has the value it spells
        return self.revived(reply.get("value"))

    def revived(self, value: Any) -> Any:
        """Return a recorded answer as the app expects it."""
        try:
            return revive(value, self.returns)
        except Exception as error:  # an app that catches it would take it for the tool's own failure
            self.channel.fail(
                f"the recorded answer of {self.name} is no {self.returns}: {type(error).__name__}: {error}"
            )

    def report(self, seq: int, result: Any, error: BaseException | None) -> Any:
        """Tell the harness what the real function gave and return what the app gets."""
        text = f"{type(error).__name__}: {error}" if error is not None else ""
        if isinstance(result, _ITERATORS) or inspect.isawaitable(result):
            self.channel.fail(f"{self.name} returned a {type(result).__name__}: {_STREAMS}")
        reply = self.channel.ask({"op": "answered", "seq": seq, "answer": to_json(result), "error": text})
        if error is not None:
            raise error
        return result if reply["action"] == "keep" else self.revived(reply.get("value"))

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Mark what is called from here on as made inside of this boundary, which runs for real."""
        token = _path.set((*_path.get(), f"{self.kind}:{name if self.kind == 'tool' else self.kind}"))
        try:
            with self.channel.live_call():
                yield
        finally:
            _path.reset(token)

    def wrap(self) -> Callable[..., Any]:
        """Return the function that stands in for the original one."""
        if self.is_async:
            return self._wrap_async()

        @functools.wraps(self.function)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            if self.is_part and self.channel.is_live:
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
            return self.report(reply["seq"], result, error)

        return replaced

    def _wrap_async(self) -> Callable[..., Any]:
        @functools.wraps(self.function)
        async def replaced(*args: Any, **kwargs: Any) -> Any:
            if self.is_part and self.channel.is_live:
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
            return self.report(reply["seq"], result, error)

        return replaced


def refuse_streams(function: Callable[..., Any], name: str, returns: Any) -> None:
    """Refuse a function that answers piece by piece: a list in the place of a generator would be a wrong answer."""
    inner = inspect.unwrap(function)
    generates = any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in (function, inner))
    if generates or (typing.get_origin(returns) or returns) in _ITERATORS:
        raise TypeError(f"{name} is a generator or returns an iterator: {_STREAMS}")
