"""The diversion of functions to their boundaries, wherever the app holds them."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .boundary import Boundary
from .channel import Channel
from .detour import copy_of, divert
from .kin import copies, function_of, goes_on_to, on_subclass, parts_of, subclasses


@dataclass(frozen=True)
class _Place:
    """What the calls of a function count as."""

    kind: str
    name: str
    is_method: bool
    dispatch: tuple[str, ...] | None
    """Parameters that hold the tool's name and its arguments, of a function that runs tools by name."""


class Diversion:
    """Puts boundaries in the place of functions, and knows which functions lead to one."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.has_dispatcher = False
        """Whether a boundary runs tools by name."""
        self.found: dict[str, dict[str, list[str] | None]] = {}
        """The parameters of each function that was replaced, by boundary and name."""
        self._places: list[tuple[types.CodeType, _Place]] = []
        self._parts: list[tuple[Any, _Place]] = []
        self._overrides: list[Callable[[], None]] = []
        self._diverted: set[int] = set()
        """Functions whose code leads to a boundary; the app keeps them alive, so their identities stay theirs."""
        self._real: set[int] = set()
        """Our own copies of what was replaced; the boundaries keep them alive."""
        self._taken: set[tuple[int, str]] = set()

    def install_all(self, boundaries: Mapping[str, list[str]]) -> None:
        """Replace what the boundaries name; a function named by itself belongs there, whatever ``*`` takes in.

        What a named function is made of (``__wrapped__``) and copies of it lead to its boundary too: the app may
        hold them where no name is to be found.
        """
        named = [(kind, pattern) for kind, patterns in boundaries.items() for pattern in patterns]
        self.has_dispatcher = any(kind == "tool" and "(" in pattern for kind, pattern in named)
        for _, pattern in named:
            importlib.import_module(pattern.partition(":")[0])  # before anything is replaced: imports call functions
        for kind, pattern in sorted(named, key=lambda each: each[1].endswith(":*")):
            if not self._install(kind, pattern):
                raise AttributeError(f"{pattern} names no function that is not a boundary already")
        for replace_overrides in self._overrides:
            replace_overrides()
        for value, place in list(self._parts):
            for part in parts_of(value):
                self._divert_to_boundary(part, place, is_part=True)
        for function, place in copies(self._places):
            self._divert_to_boundary(function, place)

    @property
    def originals(self) -> list[types.CodeType]:
        """The code of what was replaced: it may run only where a boundary runs it."""
        return [code for code, _ in self._places]

    def leads_to_boundary(self, value: Any) -> bool:
        """Whether a value is a function that leads to a boundary, or our own copy of one."""
        return id(value) in self._diverted or id(value) in self._real

    def trip(self, function: types.FunctionType, why: str) -> None:
        """End the replay as an error where a function is called outside of a live call."""
        real = self._copy_of(function)

        def tripped(*args: Any, **kwargs: Any) -> Any:
            return real(*args, **kwargs) if self.channel.is_live else self.channel.fail(why)

        async def tripped_async(*args: Any, **kwargs: Any) -> Any:
            return await real(*args, **kwargs) if self.channel.is_live else self.channel.fail(why)

        self._divert(function, tripped_async if inspect.iscoroutinefunction(function) else tripped)

    def _install(self, kind: str, pattern: str) -> list[str]:
        """Replace the functions a pattern names and return their names.

        ``module:run(name, arguments)`` names a function that runs tools by name, and the parameters that say which.
        """
        names = []
        pattern, _, parameters = pattern.partition("(")
        dispatch = tuple(each.strip() for each in parameters.rstrip(")").split(",")) if parameters else None
        for owner, attribute in resolve(pattern.strip()):
            if self._replace(kind, owner, attribute, dispatch):
                names.append(attribute)
        return names

    def _replace(self, kind: str, owner: Any, attribute: str, dispatch: tuple[str, ...] | None) -> bool:
        """Put a boundary in the place of one function, unless there is one already."""
        if (id(owner), attribute) in self._taken or id(getattr(owner, attribute)) in self._diverted:
            return False
        self._taken.add((id(owner), attribute))
        raw, in_class = inspect.getattr_static(owner, attribute), isinstance(owner, type)
        function = function_of(raw)
        if isinstance(function, types.FunctionType) and attribute in vars(owner):
            # A class method's own code takes the class as its first argument.
            takes_self = in_class and not isinstance(raw, staticmethod)
            self._divert_to_boundary(function, _Place(kind, attribute, takes_self, dispatch))
        else:
            self._replace_by_name(kind, owner, attribute, dispatch)
        if in_class:
            self._overrides.append(functools.partial(self._replace_overrides, kind, owner, attribute, dispatch))
        return True

    def _replace_by_name(self, kind: str, owner: Any, attribute: str, dispatch: tuple[str, ...] | None) -> None:
        """Put a boundary in the place of what has no code of its own: a cached, an inherited, a callable one."""
        original, raw = getattr(owner, attribute), inspect.getattr_static(owner, attribute)
        is_inherited = attribute not in vars(owner)  # what the class above has is no boundary there
        is_method = isinstance(owner, type) and not isinstance(raw, (staticmethod, classmethod))
        place = _Place(kind, attribute, is_method, dispatch)
        replaced = self._boundary(original, place).wrap()
        self._diverted.add(id(replaced))
        setattr(owner, attribute, staticmethod(replaced) if isinstance(owner, type) and not is_method else replaced)
        if isinstance(owner, types.ModuleType):
            rebind(original, replaced)
        if not is_inherited:
            self._parts.append((original, place))

    def _replace_overrides(self, kind: str, owner: type, attribute: str, dispatch: tuple[str, ...] | None) -> None:
        """Replace a method in the subclasses too, in those that are to come as well.

        An override that goes on to the replaced method is the app's own code around it, and runs.
        """

        def replace_in(subclass: type) -> None:
            if attribute in vars(subclass) and not goes_on_to(vars(subclass)[attribute], owner, attribute):
                self._replace(kind, subclass, attribute, dispatch)

        for subclass in subclasses(owner):
            replace_in(subclass)
        on_subclass(owner, replace_in)

    def _boundary(self, function: Callable[..., Any], place: _Place, is_part: bool = False) -> Boundary:
        dispatch = None if is_part else checked_dispatch(function, place.dispatch)
        boundary = Boundary(self.channel, place.kind, function, place.name, place.is_method, dispatch, is_part)
        self.found.setdefault(place.kind, {}).setdefault(place.name, boundary.takes())
        return boundary

    def _divert_to_boundary(self, function: types.FunctionType, place: _Place, is_part: bool = False) -> None:
        if self.leads_to_boundary(function):
            return
        code, real = function.__code__, self._copy_of(function)
        boundary = self._boundary(real, place, is_part)
        self._places.append((code, place))
        self._parts.append((real, place))
        self._divert(function, boundary.wrap())

    def _copy_of(self, function: types.FunctionType) -> types.FunctionType:
        real = copy_of(function)
        self._real.add(id(real))
        return real

    def _divert(self, function: types.FunctionType, target: Callable[..., Any]) -> None:
        divert(function, target)
        self._diverted.add(id(function))


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
