"""The diversion of functions to their boundaries, wherever the app holds them."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from .boundary import Boundary
from .channel import Channel

_TARGET = "unrepeat: the boundary"
_diverted: set[int] = set()
"""Functions whose code leads to a boundary; the app keeps them alive, so their identities stay theirs."""


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


def checked_dispatch(function: Callable[..., Any], dispatch: tuple[str, ...] | None) -> tuple[str, str] | None:
    """Return the two parameters of a dispatching function; raises ValueError where it does not have them."""
    if dispatch is None:
        return None
    known = inspect.signature(function).parameters
    if len(dispatch) != 2 or not all(each in known for each in dispatch):
        raise ValueError(f"{function.__qualname__} has the parameters {', '.join(known)}, not {', '.join(dispatch)}")
    return dispatch[0], dispatch[1]


def copy_of(function: types.FunctionType) -> types.FunctionType:
    """Return a function that does what this one does now."""
    code, closure = function.__code__, function.__closure__
    real = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    real.__kwdefaults__ = function.__kwdefaults__
    real.__annotations__ = function.__annotations__
    real.__qualname__ = function.__qualname__
    real.__dict__.update(function.__dict__)
    return real


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


def rebind(original: Any, replaced: Any) -> None:
    """Replace a function that other modules hold under a name of their own or in a module-level table."""
    for module_name, module in list(sys.modules.items()):
        space = getattr(module, "__dict__", None)
        if not isinstance(space, dict) or f"{module_name}.".startswith(f"{__package__}."):
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
