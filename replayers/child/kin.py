"""Kin of a function: what it is made of, copies of it, and the methods that stand in for it in subclasses."""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import os
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Place = TypeVar("Place")


def function_of(value: Any) -> Any:
    """Return the function of a static, class or bound method; anything else as it is."""
    return value.__func__ if isinstance(value, (staticmethod, classmethod, types.MethodType)) else value


def callee(value: Any) -> Any:
    """Return what runs when a value is called, so far as it is written in Python; None for anything else."""
    while isinstance(value, functools.partial):
        value = value.func
    function = function_of(value)
    if isinstance(function, types.FunctionType):
        return function
    called = None if isinstance(value, type) else inspect.getattr_static(type(value), "__call__", None)
    return called if isinstance(called, types.FunctionType) else None


def name_of(value: Any) -> str:
    """Return what to call a callable in messages."""
    while isinstance(value, functools.partial):
        value = value.func
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def enclosed(function: types.FunctionType) -> list[Any]:
    """Return what a function holds of the functions it was defined in."""
    found = []
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # still empty
            found.append(cell.cell_contents)
    return found


def parts_of(value: Any) -> list[types.FunctionType]:
    """Return the functions that a decorated or cached one is made of, from the outside in.

    What a partial or a bound method is made of may be anything else too, such as a client's ``get``.
    """
    found: list[types.FunctionType] = []
    seen = {id(value)}
    while (value := getattr(value, "__wrapped__", None)) is not None and id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, types.MethodType):
            break
        if isinstance(value, types.FunctionType):
            found.append(value)
    return found


def copies(known: Sequence[tuple[types.CodeType, Place]]) -> list[tuple[types.FunctionType, Place]]:
    """Return every function of these codes, wherever it is held, with what is known of its code.

    Functions that are defined inside of others share their code and are not the same: a decorator makes many.
    """
    # By identity: codes of two files are equal where their text is.
    by_id = {id(code): place for code, place in known if "<locals>" not in code.co_qualname}
    by_name: dict[str, list[tuple[types.CodeType, Place]]] = {}
    for code, place in known:
        if id(code) in by_id:
            by_name.setdefault(code.co_name, []).append((code, place))
    holders = gc.get_referrers(*(code for each in by_name.values() for code, _ in each))
    found = [(each, by_id[id(each.__code__)]) for each in holders if type(each) is types.FunctionType]
    for function in living_functions():
        for code, place in by_name.get(function.__name__, ()):
            if loaded_twice(function.__code__, code):
                found.append((function, place))
    return found


def living_functions() -> list[types.FunctionType]:
    """Return every function there is, wherever it is held."""
    return [each for each in gc.get_objects() if type(each) is types.FunctionType]


def loaded_twice(code: types.CodeType, known: types.CodeType) -> bool:
    """Whether two codes are of one definition that was loaded a second time."""
    return code is not known and code == known and _same_file(code, known)


def _same_file(code: types.CodeType, known: types.CodeType) -> bool:
    return os.path.realpath(code.co_filename) == os.path.realpath(known.co_filename)


def subclasses(owner: type[Any]) -> Iterator[type[Any]]:
    """Yield all subclasses of a class, those of subclasses included."""
    for subclass in type.__subclasses__(owner):
        yield subclass
        yield from subclasses(subclass)


def on_subclass(owner: Any, tell: Callable[[type], None]) -> None:
    """Be told of each subclass that is defined from now on."""
    before = function_of(vars(owner).get("__init_subclass__"))

    def init_subclass(cls: Any, /, **options: Any) -> None:
        if before is not None:
            before(cls, **options)
        else:
            super(owner, cls).__init_subclass__(**options)
        tell(cls)

    owner.__init_subclass__ = classmethod(init_subclass)


def goes_on_to(override: Any, owner: type, attribute: str) -> bool:
    """Whether the code of an override calls the method it overrides, by ``super()`` or by the name of its class."""
    function = inspect.unwrap(function_of(override))
    code = getattr(function, "__code__", None)
    if code is None or attribute not in code.co_names:
        return False
    return "__class__" in code.co_freevars or owner.__name__ in code.co_names
