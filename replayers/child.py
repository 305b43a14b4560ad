"""Runs a Python app in a child process with its boundary functions replaced.

This file is executed by path, with the app's interpreter, which need not have unrepeat installed: standard
library only. It talks JSON lines over two inherited file descriptors; standard output stays the app's own.
"""

from __future__ import annotations

import atexit
import base64
import collections.abc
import contextlib
import contextvars
import dataclasses
import enum
import functools
import importlib
import inspect
import json
import math
import numbers
import os
import signal
import sys
import threading
import time
import traceback
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

_path: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("unrepeat_path", default=())


class ReplayStopped(BaseException):
    """The recording has no answer; not an Exception, so that an app's own handlers let it through."""


class RecordedError(Exception):
    """An error the recording holds whose type cannot be rebuilt here."""


class Channel:
    """JSON lines to and from the harness; one question at a time."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._reader = os.fdopen(read_fd, "rb")
        self._writer = os.fdopen(write_fd, "wb", buffering=0)
        self._lock = threading.RLock()
        self._owner = os.getpid()
        self.app_paths: tuple[str, ...] = ()
        """Where the app's own code lies."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        if os.getpid() != self._owner:
            raise ReplayStopped("a forked process reached a boundary")
        line = json.dumps(message, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        with self._lock:
            view = memoryview(line)
            while view:
                view = view[self._writer.write(view) :]

    def receive(self) -> dict[str, Any]:
        """Return the next message; the harness going away ends the process."""
        line = self._reader.readline()
        if not line:
            os._exit(70)
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a question and return its answer."""
        with self._lock:
            self.send(message)
            return self.receive()

    def fail(self, why: str) -> NoReturn:
        """End the replay as an error: going on would give the app something the recording does not hold."""
        self.send({"op": "crashed", "error": why, "traceback": ""})
        raise ReplayStopped(why)


def to_json(value: Any, outer: tuple[int, ...] = ()) -> Any:
    """Return a value as JSON; what JSON lacks becomes tagged or named.

    Args:
        value: Anything the app hands over.
        outer: Identities of the containers it stands in, so that a cycle ends.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return to_json(value.value, outer)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, numbers.Number):
        return _number(value)
    if id(value) in outer or len(outer) > 100:
        return {"__type__": type(value).__qualname__, "__repeated__": True}
    return _container_to_json(value, (*outer, id(value)))


def _text(value: str) -> str:
    # Not str(value): of a text that is an enum's member too, that is the member's name.
    return str.__str__(value) if value.isascii() else value.encode("utf-8", "replace").decode()


def _number(value: Any) -> Any:
    """Return a number as JSON: amounts stay numbers whatever their type, so that assertions can compare them."""
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if -(2**63) <= whole < 2**64:
            return whole
        return float(whole) if abs(whole) < 10**308 else {"__int__": hex(whole)}
    if isinstance(value, numbers.Real):
        return _float(float(value))
    try:
        number = float(value)  # a Decimal; a complex number has no float
        if type(value)(repr(number)) == value:
            return int(number) if number.is_integer() and "." not in str(value) else number
    except (TypeError, ValueError, ArithmeticError):
        pass
    return {"__number__": str(value)}


def _float(value: float) -> Any:
    return value if math.isfinite(value) else {"__float__": repr(value)}


def _container_to_json(value: Any, outer: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): to_json(item, outer) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, outer) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(item, outer) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"__bytes__": base64.b64encode(bytes(value)).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name, None), outer) for f in dataclasses.fields(value)}
    return _object_to_json(value, outer)


def _key(key: Any) -> str:
    key = key.value if isinstance(key, enum.Enum) else key
    return _text(key if isinstance(key, str) else str(key))


def _object_to_json(value: Any, outer: tuple[int, ...]) -> Any:
    if isinstance(value, type) or inspect.isroutine(value):
        return {"__callable__": f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"}
    if type(value).__module__ in ("uuid", "ipaddress"):
        return str(value)
    for method in ("model_dump", "isoformat", "__fspath__", "tolist"):
        found = getattr(value, method, None)
        if callable(found):
            return to_json(found(), outer)
    state = _state(value)
    public = {name: item for name, item in state.items() if not name.startswith("_")}
    named = {"__type__": type(value).__qualname__}
    if public:
        return {**named, **{name: to_json(item, outer) for name, item in public.items()}}
    own: Any = type(value)
    if own.__str__ is not object.__str__ or own.__repr__ is not object.__repr__:
        text = str(value)
        return named if " at 0x" in text else {**named, "text": _text(text)}
    # Values of such a type must not all look alike: two amounts would count as the same request.
    plain = {name: item for name, item in state.items() if item is None or isinstance(item, (str, numbers.Number))}
    return {**named, **{name: to_json(item, outer) for name, item in plain.items()}}


def _state(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, those in slots included."""
    slots = [name for kind in type(value).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return {**found, **getattr(value, "__dict__", {})}


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def revive(value: Any, annotation: Any) -> Any:
    """Return a recorded answer in the type its function is annotated with, where that can be rebuilt."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        some = [each for each in arguments if each is not type(None)]
        return revive(value, some[0]) if value is not None and len(some) == 1 else value
    if isinstance(value, Mapping):
        return _revive_mapping(value, annotation)
    if isinstance(value, list) and (origin or annotation) in (list, tuple, set, frozenset):
        items = [revive(item, arguments[0]) for item in value] if arguments else value
        return (origin or annotation)(items)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return annotation(value)
    if isinstance(value, str) and hasattr(annotation, "fromisoformat"):
        return annotation.fromisoformat(value)
    return value


def _revive_mapping(value: Mapping[str, Any], annotation: Any) -> Any:
    if "__bytes__" in value:
        return base64.b64decode(value["__bytes__"])
    if hasattr(annotation, "model_validate"):
        return annotation.model_validate(value)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        types_of = typing.get_type_hints(annotation)
        known = [f.name for f in dataclasses.fields(annotation) if f.init and f.name in value]
        return annotation(**{name: revive(value[name], types_of.get(name)) for name in known})
    return value


def rebuild_error(text: str, module: Any) -> BaseException:
    """Return the recorded error as the type it names (``TypeName: message``), if builtins or the module has it."""
    name, _, message = text.partition(": ")
    simple = name.rsplit(".", 1)[-1]
    for space in (module, sys.modules["builtins"]):
        kind = getattr(space, simple, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(message)
            except Exception:  # a constructor of the app's own
                break
    return RecordedError(text)


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
    ) -> None:
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

    def enter(self, name: str) -> contextvars.Token[tuple[str, ...]]:
        """Mark what is called from here on as made inside of this boundary."""
        return _path.set((*_path.get(), f"{self.kind}:{name if self.kind == 'tool' else self.kind}"))

    def wrap(self) -> Callable[..., Any]:
        """Return the function that stands in for the original one."""
        if self.is_async:
            return self._wrap_async()

        @functools.wraps(self.function)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            reply = self.ask(args, kwargs)
            if reply["action"] != "call":
                return self.conclude(reply)
            token = self.enter(reply["name"])
            result, error = None, None
            try:
                result = self.function(*args, **kwargs)
            except Exception as caught:
                error = caught
            finally:
                _path.reset(token)
            return self.report(reply["seq"], result, error)

        return replaced

    def _wrap_async(self) -> Callable[..., Any]:
        @functools.wraps(self.function)
        async def replaced(*args: Any, **kwargs: Any) -> Any:
            reply = self.ask(args, kwargs)
            if reply["action"] != "call":
                return self.conclude(reply)
            token = self.enter(reply["name"])
            result, error = None, None
            try:
                result = await self.function(*args, **kwargs)
            except Exception as caught:
                error = caught
            finally:
                _path.reset(token)
            return self.report(reply["seq"], result, error)

        return replaced


_STREAMS = "answers that come piece by piece cannot be replayed; name the function that collects them as the boundary"
_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncGenerator,
)


def return_type(function: Callable[..., Any]) -> Any:
    """Return what a function is annotated to return, where that can be evaluated; None where it cannot."""
    probe = types.FunctionType(return_type.__code__, getattr(function, "__globals__", {}))
    probe.__annotations__ = {"return": getattr(function, "__annotations__", {}).get("return")}
    try:
        return inspect.get_annotations(probe, eval_str=True)["return"]
    except Exception:  # an annotation that cannot be evaluated only means no rebuilt type
        return None


def refuse_streams(function: Callable[..., Any], name: str, returns: Any) -> None:
    """Refuse a function that answers piece by piece: a list in the place of a generator would be a wrong answer."""
    inner = inspect.unwrap(function)
    generates = any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in (function, inner))
    if generates or (typing.get_origin(returns) or returns) in _ITERATORS:
        raise TypeError(f"{name} is a generator or returns an iterator: {_STREAMS}")


def resolve(pattern: str) -> list[tuple[Any, str]]:
    """Return (owner, attribute) of each function a pattern names."""
    module_name, _, name = pattern.partition(":")
    module = importlib.import_module(module_name)
    if name == "*":
        return [
            (module, attribute)
            for attribute, value in list(vars(module).items())
            if not attribute.startswith("_") and is_function_of(module, value)
        ]
    *outer, attribute = name.split(".")
    owner: Any = module
    for step in outer:
        owner = getattr(owner, step)
    if not callable(getattr(owner, attribute)):
        raise AttributeError(f"{pattern} is not a function")
    return [(owner, attribute)]


def is_function_of(module: types.ModuleType, value: Any) -> bool:
    """Whether a value is a function that a module defines, a cached or wrapped one included."""
    known = inspect.isfunction(value) or (callable(value) and hasattr(value, "__wrapped__"))
    return known and getattr(value, "__module__", "") == module.__name__


def install(channel: Channel, kind: str, pattern: str, taken: set[tuple[int, str]]) -> list[str]:
    """Replace the functions a pattern names, wherever the app holds them already.

    ``module:run(name, arguments)`` names a function that runs tools by name, and the parameters that say which.

    Args:
        channel: The way to the harness.
        kind: The boundary.
        pattern: What to replace.
        taken: What was replaced before, by owner and attribute; added to.
    """
    names = []
    pattern, _, parameters = pattern.partition("(")
    dispatch = tuple(each.strip() for each in parameters.rstrip(")").split(",")) if parameters else None
    for owner, attribute in resolve(pattern.strip()):
        if (id(owner), attribute) not in taken and id(getattr(owner, attribute)) not in _diverted:
            taken.add((id(owner), attribute))
            replace(channel, kind, owner, attribute, dispatch)
            names.append(attribute)
    return names


def replace(channel: Channel, kind: str, owner: Any, attribute: str, dispatch: tuple[str, ...] | None) -> None:
    """Put a boundary in the place of one function."""
    in_class = isinstance(owner, type)
    raw = inspect.getattr_static(owner, attribute)
    bound = in_class and not isinstance(raw, staticmethod)
    function = raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw
    if isinstance(function, types.FunctionType) and attribute in vars(owner):
        real = copy_of(function)
        boundary = Boundary(channel, kind, real, attribute, bound, checked_dispatch(real, dispatch))
        divert(function, boundary.wrap(), boundary.is_async and inspect.iscoroutinefunction(function))
        return
    original = getattr(owner, attribute)
    is_method = in_class and not isinstance(raw, (staticmethod, classmethod))
    boundary = Boundary(channel, kind, original, attribute, is_method, checked_dispatch(original, dispatch))
    replaced = boundary.wrap()
    _diverted.add(id(replaced))
    setattr(owner, attribute, staticmethod(replaced) if in_class and not is_method else replaced)
    if isinstance(owner, types.ModuleType):
        rebind(original, replaced)


def copy_of(function: types.FunctionType) -> types.FunctionType:
    """Return a function that does what this one does now."""
    code, closure = function.__code__, function.__closure__
    real = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    real.__kwdefaults__ = function.__kwdefaults__
    real.__annotations__ = function.__annotations__
    real.__qualname__ = function.__qualname__
    real.__dict__.update(function.__dict__)
    return real


_TARGET = "unrepeat: the boundary"
_diverted: set[int] = set()
"""Functions whose code leads to a boundary; the app keeps them alive, so their identities stay theirs."""


def _call(*args: Any, **kwargs: Any) -> Any:
    target: Any = "unrepeat: the boundary"
    return target(*args, **kwargs)


async def _call_async(*args: Any, **kwargs: Any) -> Any:
    target: Any = "unrepeat: the boundary"
    return await target(*args, **kwargs)


def divert(function: types.FunctionType, target: Callable[..., Any], is_async: bool) -> None:
    """Make a function lead to another one, in place.

    The app may hold it under any name: in a registry, a closure, a partial, a bound method. A copy that went
    unnoticed would run for real, and its calls would be missing from the replay as if they were prevented.
    """
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # read by inspect
    code = (_call_async if is_async else _call).__code__
    constants = tuple(target if each == _TARGET else each for each in code.co_consts)
    free = function.__code__.co_freevars  # must be as many as the closure has
    function.__code__ = code.replace(co_consts=constants, co_freevars=free, co_name=function.__name__)
    _diverted.add(id(function))


def checked_dispatch(function: Callable[..., Any], dispatch: tuple[str, ...] | None) -> tuple[str, str] | None:
    """Return the two parameters of a dispatching function; raises ValueError where it does not have them."""
    if dispatch is None:
        return None
    known = inspect.signature(function).parameters
    if len(dispatch) != 2 or not all(each in known for each in dispatch):
        raise ValueError(f"{function.__qualname__} has the parameters {', '.join(known)}, not {', '.join(dispatch)}")
    return dispatch[0], dispatch[1]


def rebind(original: Any, replaced: Any) -> None:
    """Replace a function that other modules hold under a name of their own or in a module-level table."""
    for module in list(sys.modules.values()):
        space = getattr(module, "__dict__", None)
        if not isinstance(space, dict) or getattr(module, "__name__", "") == __name__:
            continue
        for name, value in list(space.items()):
            if value is original:
                space[name] = replaced
            elif type(value) is dict:
                for key, item in list(value.items()):
                    if item is original:
                        value[key] = replaced
            elif type(value) is list:
                value[:] = [replaced if item is original else item for item in value]


_NETWORK = (
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
)
_PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


def guard(channel: Channel, allow_subprocess: bool) -> None:
    """Refuse connections and, unless allowed, new processes; every attempt is reported with its place.

    The weakest rung of the isolation ladder: it explains who tried, and does not hold against native code.
    """
    refused = _NETWORK if allow_subprocess else _NETWORK + _PROCESS

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in refused:
            refuse(channel, event, args)

    sys.addaudithook(hook)
    if not allow_subprocess:
        # What multiprocessing starts processes with tells no audit hook.
        with contextlib.suppress(ImportError):
            spawner: Any = importlib.import_module("_posixsubprocess")
            spawner.fork_exec = lambda *args: refuse(channel, "fork_exec", args)


def refuse(channel: Channel, event: str, args: tuple[Any, ...]) -> NoReturn:
    """Report an attempt with its place and refuse it."""
    target = ", ".join(str(arg) for arg in args[:2] if not hasattr(arg, "fileno"))[:200]
    frames = [f for f in traceback.extract_stack()[:-1] if f.filename != __file__]
    frames = [f for f in frames if f.filename.startswith(channel.app_paths or ("",))] or frames
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    channel.send({"op": "refused", "what": _text(f"{event} {target}"), "place": _text(place)})
    raise PermissionError(f"unrepeat refuses {event} {target} in a replay")


def end_with_harness(fd: int) -> None:
    """End this process and those it started once the harness is gone, however that ended."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 1):
                pass
            os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name=_WATCH).start()


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


_GRACE_S = 5.0
_DAEMON_GRACE_S = 0.2
_WATCH = "unrepeat"


def wait_for_daemons() -> None:
    """Give threads that would die with the process a moment to come to the calls they were started for.

    All other threads are waited for by the interpreter itself, before it calls what ``atexit`` holds.
    """
    until = time.monotonic() + _DAEMON_GRACE_S
    for thread in threading.enumerate():
        if thread.daemon and thread.name != _WATCH and thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))


def prepare(channel: Channel, setup: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, list[str]]]:
    """Import the app and replace its boundaries; return its entry and the names of what was replaced."""
    # The folder of this file comes first there: its modules would stand in for the app's of the same name.
    own = os.path.realpath(os.path.dirname(__file__))
    sys.path[:] = [*setup["paths"], *(path for path in sys.path if os.path.realpath(path) != own)]
    del sys.argv[1:]
    channel.app_paths = tuple(setup["paths"])
    guard(channel, setup["allow_subprocess"])
    entry_module, _, entry_name = setup["entry"].partition(":")
    importlib.import_module(entry_module)
    replaced = install_all(channel, setup["boundaries"])
    entry: Any = importlib.import_module(entry_module)
    for step in entry_name.split("."):
        entry = getattr(entry, step)
    return entry, replaced


def install_all(channel: Channel, boundaries: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Replace what the boundaries name; a function named by itself belongs there, whatever ``*`` takes in."""
    replaced: dict[str, list[str]] = {}
    taken: set[tuple[int, str]] = set()
    named = [(kind, pattern) for kind, patterns in boundaries.items() for pattern in patterns]
    for kind, pattern in sorted(named, key=lambda each: each[1].endswith(":*")):
        names = install(channel, kind, pattern, taken)
        if not names:
            raise AttributeError(f"{pattern} names no function that is not a boundary already")
        replaced.setdefault(kind, []).extend(names)
    return replaced


def describe(error: BaseException) -> dict[str, str]:
    """Return an error as type, message and the app's part of the stack."""
    frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-8:])
    return {"error": _text(f"{type(error).__name__}: {error}"), "traceback": _text(frames[-4000:])}


def main(read_fd: int, write_fd: int, life_fd: int) -> None:
    """Serve one replay.

    Args:
        read_fd: Where the harness writes.
        write_fd: Where it reads.
        life_fd: Where nothing is written; it ends when the harness does.
    """
    for fd in (read_fd, write_fd, life_fd):
        os.set_inheritable(fd, False)
    end_with_harness(life_fd)
    channel = Channel(read_fd, write_fd)
    setup = channel.receive()
    try:
        entry, replaced = prepare(channel, setup)
        if not setup.get("check"):
            require_callable_with(entry, setup["arguments"])
    except BaseException as error:
        channel.send({"op": "unusable", **describe(error)})
        return
    channel.send({"op": "ready", "boundaries": replaced})
    if setup.get("check"):
        return
    try:
        output = to_json(call_entry(entry, setup["arguments"]))
        wait_for_daemons()
    except ReplayStopped as stop:
        channel.send({"op": "stopped", "error": str(stop)})
    except BaseException as error:
        channel.send({"op": "crashed", **describe(error)})
    else:
        channel.send({"op": "returned", "output": output})
        # What the app does in threads goes on, and counts, until the interpreter has waited for them.
        atexit.register(channel.send, {"op": "ended"})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
