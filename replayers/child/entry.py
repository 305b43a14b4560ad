"""The entry: the callable of the app that is replayed."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .reading import Reader
from .refusal import UnusableError


def require_callable_with(entry: Callable[..., Any], arguments: Any) -> None:
    """Raise UnusableError where the app's callable cannot be called with the input of the case."""
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
        raise UnusableError(
            f"expected an input that {_name(entry)}{_parameters(signature)} can be called with, "
            f"got {_kind(arguments)} ({error})",
            f"State its arguments by name in case.yaml: `{_statement(signature, arguments)}`",
        ) from None


def _name(entry: Any) -> str:
    return str(getattr(entry, "__qualname__", type(entry).__qualname__))


def _parameters(signature: inspect.Signature) -> str:
    return f"({', '.join(str(each.replace(annotation=each.empty)) for each in signature.parameters.values())})"


def _kind(arguments: Any) -> str:
    if isinstance(arguments, dict):
        return f"an object of {', '.join(arguments)}" if arguments else "an empty object"
    if isinstance(arguments, list):
        return "a list"
    return "a text" if isinstance(arguments, str) else "a value"


def _statement(signature: inspect.Signature, arguments: Any) -> str:
    """Return the YAML that states the arguments of a callable; what the recording has no value for is left open."""
    single = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [each for each in signature.parameters.values() if each.kind in single]
    given = arguments if isinstance(arguments, list) else [arguments]
    known = arguments if isinstance(arguments, dict) else dict(zip((each.name for each in named), given, strict=False))
    wanted = [each.name for each in named if each.default is each.empty or each.name in known]
    values = {name: json.dumps(known[name], ensure_ascii=False) if name in known else "…" for name in wanted}
    stated = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"replay: {{input: {{{stated}}}}}"


class Call:
    """One call of the entry, or one for each turn of a conversation."""

    def __init__(self, paths: Sequence[str], leads_to_boundary: Callable[[Any], bool]) -> None:
        """Prepare a call.

        Args:
            paths: The version's folders on the import path.
            leads_to_boundary: Whether a value is a function that leads to a boundary.
        """
        self._paths = paths
        self._leads_to_boundary = leads_to_boundary
        self._runner: Any = None
        """Runs the loop of an entry that answers in one: the same one for all turns, since clients are tied to it."""
        self.unseen: list[str] = []
        """What the app may do later on that nobody saw, in words."""

    def make_all(self, entry: Callable[..., Any], turns: Sequence[Any]) -> Any:
        """Call the app once for each turn; returns what it answered, of several turns a list."""
        with contextlib.ExitStack() as stack:
            outputs = [self._make(entry, turn, stack) for turn in turns]
            if self._runner is not None:
                from .loop import left_behind  # asyncio is slow to import, and most apps do without

                self.unseen += self._runner.run(left_behind(self._paths, self._leads_to_boundary))
        return outputs if len(outputs) > 1 else outputs[0]

    def _make(self, entry: Callable[..., Any], arguments: Any, stack: contextlib.ExitStack) -> Any:
        """Call the app: an object as keyword arguments, a list as positional ones, anything else as the only one."""
        if isinstance(arguments, dict):
            result = entry(**arguments)
        elif isinstance(arguments, list):
            result = entry(*arguments)
        else:
            result = entry(arguments)
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            self._runner = self._runner or stack.enter_context(_runner())
            return self._runner.run(self._read_in_loop(result))
        reader = self._reader(_run_alone)
        try:
            # Nothing in it waits but for loops of their own, so that the app may run its own loops in between.
            reader.read(result).send(None)
        except StopIteration as end:
            self.unseen += reader.unread
            return end.value
        raise RuntimeError("the answer was not read to its end")

    def _reader(self, wait: Any) -> Reader:
        return Reader(self._paths, self._leads_to_boundary, wait)

    async def _read_in_loop(self, result: Any) -> Any:
        """Read an answer in the loop it is made in."""
        reader = self._reader(lambda made: made)
        output = await reader.read(result)
        self.unseen += reader.unread
        return output


async def _run_alone(made: Coroutine[Any, Any, Any]) -> Any:
    with _runner() as runner:
        return runner.run(made)


def _runner() -> Any:
    import asyncio

    from .loop import standard_loop

    return asyncio.Runner(loop_factory=standard_loop)
