"""The JSON form of what the app hands over."""

from __future__ import annotations

import base64
import dataclasses
import enum
import inspect
import json
import math
import numbers
from collections.abc import Mapping
from typing import Any


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
        return plain_text(value)
    if isinstance(value, numbers.Number):
        return _number(value)
    if id(value) in outer or len(outer) > 100:
        return {"__type__": type(value).__qualname__, "__repeated__": True}
    return _container_to_json(value, (*outer, id(value)))


def plain_text(value: str) -> str:
    """Return a text of any type as a plain one that can be encoded."""
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
    return plain_text(key if isinstance(key, str) else str(key))


def _object_to_json(value: Any, outer: tuple[int, ...]) -> Any:
    if isinstance(value, type) or inspect.isroutine(value):
        return {"__callable__": f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"}
    if type(value).__module__ in ("uuid", "ipaddress"):
        return str(value)
    for method in ("model_dump", "isoformat", "__fspath__", "tolist"):
        found = getattr(value, method, None)
        if callable(found):
            return to_json(found(), outer)
    attributes = state(value)
    public = {name: item for name, item in attributes.items() if not name.startswith("_")}
    named: dict[str, Any] = {"__type__": type(value).__qualname__}
    if public:
        kept_back = (item for name, item in attributes.items() if name.startswith("_"))
        if any(isinstance(item, (str, bytes, bytearray, list, tuple, dict)) and item for item in kept_back):
            named["__partial__"] = True
        return {**named, **{name: to_json(item, outer) for name, item in public.items()}}
    own: Any = type(value)
    if own.__str__ is not object.__str__ or own.__repr__ is not object.__repr__:
        text = str(value)
        return named if " at 0x" in text else {**named, "text": plain_text(text)}
    # Values of such a type must not all look alike: two amounts would count as the same request.
    plain = {name: item for name, item in attributes.items() if item is None or isinstance(item, (str, numbers.Number))}
    return {**named, **{name: to_json(item, outer) for name, item in plain.items()}}


def state(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, those in slots included."""
    slots = [name for kind in type(value).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return {**found, **getattr(value, "__dict__", {})}


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
