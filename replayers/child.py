"""Runs a Python app in a child process with its boundary functions replaced.

This file is executed by path, with the app's interpreter, which need not have unrepeat installed: standard
library only. It talks JSON lines over two inherited file descriptors; standard output stays the app's own.
"""

from __future__ import annotations

import base64
import contextvars
import dataclasses
import enum
import functools
import importlib
import inspect
import json
import math
import os
import sys
import threading
import traceback
import types
from collections.abc import Callable, Mapping
from typing import Any

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


def to_json(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON; what JSON lacks becomes tagged or named, never an error."""
    if value is None or isinstance(value, (str, bool)):
        return _text(value) if type(value) is not bool and isinstance(value, str) else value
    if isinstance(value, enum.Enum):
        return to_json(value.value, depth)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"__float__": repr(value)}
    if depth > 100:
        return {"__type__": type(value).__qualname__}
    return _container_to_json(value, depth + 1)


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode() if not value.isascii() else str(value)


def _container_to_json(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_text(str(key)): to_json(item, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, depth) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(item, depth) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, (bytes, bytearray)):
        return {"__bytes__": base64.b64encode(bytes(value)).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name), depth) for f in dataclasses.fields(value)}
    return _object_to_json(value, depth)


def _object_to_json(value: Any, depth: int) -> Any:
    for method in ("model_dump", "isoformat", "__fspath__"):
        found = getattr(value, method, None)
        if callable(found) and not isinstance(value, type):
            return to_json(found(), depth)
    if callable(value):
        return {"__callable__": f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"}
    if hasattr(value, "__dict__"):
        public = {key: item for key, item in vars(value).items() if not key.startswith("_")}
        return {"__type__": type(value).__qualname__, **{key: to_json(item, depth) for key, item in public.items()}}
    return {"__type__": type(value).__qualname__}


def revive(value: Any, annotation: Any) -> Any:
    """Return a recorded answer in the type its function is annotated with, where that can be rebuilt."""
    if isinstance(value, Mapping):
        if "__bytes__" in value:
            return base64.b64decode(value["__bytes__"])
        if hasattr(annotation, "model_validate"):
            return annotation.model_validate(value)
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            known = {f.name for f in dataclasses.fields(annotation)}
            return annotation(**{key: item for key, item in value.items() if key in known})
    arguments = getattr(annotation, "__args__", ())
    if isinstance(value, list) and getattr(annotation, "__origin__", None) in (list, tuple) and arguments:
        items = [revive(item, arguments[0]) for item in value]
        return tuple(items) if annotation.__origin__ is tuple else items
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
            except TypeError:
                break
    return RecordedError(text)


class Boundary:
    """One replaced function."""

    def __init__(self, channel: Channel, kind: str, function: Callable[..., Any], is_method: bool) -> None:
        self.channel = channel
        self.kind = kind
        self.function = function
        self.name = function.__name__
        self.is_method = is_method
        self.signature = inspect.signature(function)
        try:
            hints = inspect.get_annotations(function, eval_str=True)
        except Exception:  # an annotation that cannot be evaluated only means no rebuilt type
            hints = {}
        self.returns = hints.get("return")

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the call's arguments by parameter name, without ``self`` and without defaults."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError:
            return {"args": to_json(args), "kwargs": to_json(kwargs)}
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
        return self.channel.ask(
            {
                "op": "call",
                "kind": self.kind,
                "name": self.name,
                "path": _path.get(),
                "arguments": self.arguments(args, kwargs),
                "defaults": self.defaults(),
            }
        )

    def conclude(self, reply: Mapping[str, Any]) -> Any:
        """Return or raise what the harness replied."""
        action = reply["action"]
        if action == "stop":
            raise ReplayStopped(reply.get("error", ""))
        if action == "raise":
            raise rebuild_error(reply.get("error", ""), inspect.getmodule(self.function))
        return revive(reply.get("value"), self.returns)

    def report(self, seq: int, result: Any, error: BaseException | None) -> Any:
        """Tell the harness what the real function gave and return what the app gets."""
        text = f"{type(error).__name__}: {error}" if error is not None else ""
        reply = self.channel.ask({"op": "answered", "seq": seq, "answer": to_json(result), "error": text})
        if error is not None:
            raise error
        return result if reply["action"] == "keep" else revive(reply.get("value"), self.returns)

    def enter(self) -> contextvars.Token[tuple[str, ...]]:
        """Mark what is called from here on as made inside of this boundary."""
        return _path.set((*_path.get(), f"{self.kind}:{self.name if self.kind == 'tool' else self.kind}"))

    def wrap(self) -> Callable[..., Any]:
        """Return the function that stands in for the original one."""
        if inspect.iscoroutinefunction(self.function):
            return self._wrap_async()

        @functools.wraps(self.function)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            reply = self.ask(args, kwargs)
            if reply["action"] != "call":
                return self.conclude(reply)
            token = self.enter()
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
            token = self.enter()
            result, error = None, None
            try:
                result = await self.function(*args, **kwargs)
            except Exception as caught:
                error = caught
            finally:
                _path.reset(token)
            return self.report(reply["seq"], result, error)

        return replaced


def resolve(pattern: str) -> list[tuple[Any, str, bool]]:
    """Return (owner, attribute, is a method) of each function a pattern names."""
    module_name, _, name = pattern.partition(":")
    module = importlib.import_module(module_name)
    if name == "*":
        return [
            (module, attribute, False)
            for attribute, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not attribute.startswith("_")
        ]
    *outer, attribute = name.split(".")
    owner: Any = module
    for step in outer:
        owner = getattr(owner, step)
    if not callable(getattr(owner, attribute)):
        raise AttributeError(f"{pattern} is not a function")
    raw = inspect.getattr_static(owner, attribute)
    is_method = isinstance(owner, type) and not isinstance(raw, (staticmethod, classmethod))
    return [(owner, attribute, is_method)]


def install(channel: Channel, kind: str, pattern: str) -> list[str]:
    """Replace the functions a pattern names, wherever the app has already imported them by name."""
    names = []
    for owner, attribute, is_method in resolve(pattern):
        original = getattr(owner, attribute)
        replaced = Boundary(channel, kind, original, is_method).wrap()
        static = isinstance(owner, type) and not is_method
        setattr(owner, attribute, staticmethod(replaced) if static else replaced)
        if isinstance(owner, types.ModuleType):
            rebind(original, replaced)
        names.append(attribute)
    return names


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


_NETWORK = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
_PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


def guard(channel: Channel, allow_subprocess: bool) -> None:
    """Refuse connections and, unless allowed, new processes; every attempt is reported with its place.

    The weakest rung of the isolation ladder: it explains who tried, and does not hold against native code.
    """
    refused = _NETWORK if allow_subprocess else _NETWORK + _PROCESS

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in refused:
            target = ", ".join(str(arg) for arg in args[:2] if not hasattr(arg, "fileno"))[:200]
            frames = [f for f in traceback.extract_stack()[:-1] if f.filename != __file__]
            place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
            channel.send({"op": "refused", "what": f"{event} {target}", "place": place})
            raise PermissionError(f"unrepeat refuses {event} {target} in a replay")

    sys.addaudithook(hook)


def call_entry(entry: Callable[..., Any], arguments: Any) -> Any:
    """Call the app: an object as keyword arguments, a list as positional ones, anything else as the only one."""
    if isinstance(arguments, dict):
        result = entry(**arguments)
    elif isinstance(arguments, list):
        result = entry(*arguments)
    else:
        result = entry(arguments)
    if inspect.iscoroutine(result):
        import asyncio

        result = asyncio.run(result)
    return result


def prepare(channel: Channel, setup: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, list[str]]]:
    """Import the app and replace its boundaries; return its entry and the names of what was replaced."""
    sys.path[0:0] = setup["paths"]
    guard(channel, setup["allow_subprocess"])
    entry_module, _, entry_name = setup["entry"].partition(":")
    importlib.import_module(entry_module)
    replaced: dict[str, list[str]] = {}
    for kind, patterns in setup["boundaries"].items():
        for pattern in patterns:
            names = install(channel, kind, pattern)
            if not names:
                raise AttributeError(f"{pattern} names no function")
            replaced.setdefault(kind, []).extend(names)
    entry: Any = importlib.import_module(entry_module)
    for step in entry_name.split("."):
        entry = getattr(entry, step)
    return entry, replaced


def describe(error: BaseException) -> dict[str, str]:
    """Return an error as type, message and the app's part of the stack."""
    frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-8:])
    return {"error": f"{type(error).__name__}: {error}", "traceback": frames[-4000:]}


def main(read_fd: int, write_fd: int) -> None:
    """Serve one replay."""
    channel = Channel(read_fd, write_fd)
    setup = channel.receive()
    try:
        entry, replaced = prepare(channel, setup)
    except BaseException as error:
        channel.send({"op": "unusable", **describe(error)})
        return
    if setup.get("check"):
        channel.send({"op": "ready", "boundaries": replaced})
        return
    try:
        output = call_entry(entry, setup["arguments"])
    except ReplayStopped as stop:
        channel.send({"op": "stopped", "error": str(stop)})
    except BaseException as error:
        channel.send({"op": "crashed", **describe(error)})
    else:
        channel.send({"op": "returned", "output": to_json(output)})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
