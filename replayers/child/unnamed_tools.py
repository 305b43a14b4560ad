"""Unnamed tools: functions of the version that are called like a recorded tool and are no boundaries."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from .diversion import Diversion
from .kin import enclosed, function_of, living_functions
from .own_code import is_own
from .refusal import UnusableError


class UnnamedTools:
    """Looks for the recorded tools among the functions of the version."""

    def __init__(self, diversion: Diversion, tools: Collection[str], entry: Any, paths: Sequence[str]) -> None:
        """Prepare to look.

        Args:
            diversion: Knows the boundaries.
            tools: Names of the recorded tools that may not run for real.
            entry: The app's callable; what it is called is no matter.
            paths: The version's folders on the import path.
        """
        self._diversion = diversion
        self._tools = frozenset(tools)
        self._entry = function_of(entry)
        self._paths = paths
        self._modules = frozenset(sys.modules)

    def guard(self) -> None:
        """See to it that none runs for real unseen.

        Where a boundary has the tool's name, or runs tools by name, other functions of that name may be what it is
        made of: those end the replay when they are called past it.

        Raises:
            UnusableError: A tool is a function of the version, and nothing of its name is a boundary.
        """
        named = self._diversion.found.get("tool", {})
        for tool, function in self._free():
            is_covered = tool in named or self._diversion.has_dispatcher
            if is_covered and function.__name__ != tool:
                continue  # a table of wrappers around what is a boundary, such as ``{tool: logged(function)}``
            words = f"{_name(function)} is called like a recorded tool and is no boundary"
            hint = _hint(tool, function)
            if not is_covered:
                raise UnusableError(f"{words}: it would run for real", hint)
            self._diversion.trip(function, f"{words}, and was called past the one it belongs to. {hint}")

    def late(self) -> list[str]:
        """Return, in words, the tools that came with modules which were loaded after ``guard``."""
        new = [sys.modules[name] for name in set(sys.modules) - self._modules]
        if not any(is_own(getattr(module, "__file__", None) or "", self._paths) for module in new):
            return []
        return [f"{_name(function)}, called like a recorded tool, was loaded late" for _, function in self._free()]

    def _free(self) -> list[tuple[str, types.FunctionType]]:
        """Return the functions of the version that stand for a recorded tool and lead to no boundary, by tool."""
        if not self._tools:
            return []
        called = [(each.__name__, each) for each in living_functions() if each.__name__ in self._tools]
        found = {id(each): (name, each) for name, each in called if not _is_method(each)}
        found |= {id(each): (name, each) for name, each in self._held()}
        return [(name, each) for name, each in found.values() if self._is_free(each)]

    def _held(self) -> Iterator[tuple[str, types.FunctionType]]:
        """Yield the functions that modules of the version hold under the name of a tool, or tables in them do."""
        for module in list(sys.modules.values()):
            if is_own(getattr(module, "__file__", None) or "", self._paths):
                space = vars(module)
                for holder in (space, *(each for each in list(space.values()) if type(each) is dict)):
                    for name in self._tools & {each for each in holder if isinstance(each, str)}:
                        function = function_of(holder[name])
                        if isinstance(function, types.FunctionType):
                            yield name, function

    def _is_free(self, function: types.FunctionType) -> bool:
        if function is self._entry or self._diversion.leads_to_boundary(function):
            return False
        return is_own(function.__code__.co_filename, self._paths) and not self._calls_boundary(function)

    def _calls_boundary(self, function: types.FunctionType) -> bool:
        """Whether a function calls a boundary by name: its calls are seen there."""
        names = function.__code__.co_names
        for value in (*enclosed(function), *(function.__globals__.get(name) for name in names)):
            inside = (inspect.getattr_static(value, name, None) for name in names)
            if any(self._diversion.leads_to_boundary(function_of(each)) for each in (value, *inside)):
                return True
        return False


def _is_method(function: types.FunctionType) -> bool:
    return "." in function.__qualname__.rpartition("<locals>.")[2]


def _name(function: types.FunctionType) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _hint(tool: str, function: types.FunctionType) -> str:
    where = f"{function.__module__}:{function.__qualname__}"
    return f'Name it under boundaries.tool ("{where}"), or under allow_live ("tool:{tool}"), in unrepeat.toml'
