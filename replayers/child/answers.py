"""Recorded answers and errors, in the types the app expects."""

from __future__ import annotations

import base64
import dataclasses
import enum
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any


class RecordedError(Exception):
    """An error the recording holds whose type cannot be rebuilt here."""


def return_type(function: Callable[..., Any]) -> Any:
    """Return what a function is annotated to return, where that can be evaluated; None where it cannot."""
    probe = types.FunctionType(return_type.__code__, getattr(function, "__globals__", {}))
    probe.__annotations__ = {"return": getattr(function, "__annotations__", {}).get("return")}
    try:
        return inspect.get_annotations(probe, eval_str=True)["return"]
    except Exception:  # an annotation that cannot be evaluated only means no rebuilt type
        return None


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
