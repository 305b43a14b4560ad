"""Predicates over recorded values, compiled once into closures.

The syntax is that of ``cases.operators``. Equality is that of JSON: numbers by value (``1 == 1.0``), texts
exactly, and true is not 1. Greater and less compare numbers with numbers and texts with texts; where the
bound is a number, a text that is a number counts as one, because models often quote amounts. ``ne``,
``not_in``, ``not_contains`` and ``not_regex`` are the exact opposites of their positive forms, so they hold
for a value that is absent. NaN is refused: a check that met it could pass for no reason.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ..cases.errors import ScorerError
from ..cases.operators import compile_pattern, is_operator_object

Check = Callable[[Any], bool]
ArgsMode = Literal["exact", "subset", "superset", "ignore"]


class _Missing:
    def __repr__(self) -> str:
        return "<absent>"


MISSING = _Missing()
"""Stands for a value that is not there."""

_NUMBER_TEXT_LIMIT = 400  # longer texts are no amounts, and float() of them is slow
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def json_equal(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are equal: numbers by value, true and 1 apart, NaN equal to nothing."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(json_equal(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)


def lookup(value: Any, path: str) -> Any:
    """Return what a dotted path leads to, or MISSING.

    Args:
        value: A JSON value.
        path: A member name as it stands, else names (and indices of lists) joined by dots.
    """
    if isinstance(value, Mapping) and path in value:
        return value[path]
    head, dot, rest = path.partition(".")
    while dot:
        below = _member(value, head)
        if below is not MISSING:
            found = lookup(below, rest)
            if found is not MISSING:
                return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return _member(value, head)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, MISSING)
    if isinstance(value, (list, tuple)) and name.isascii() and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    return MISSING


def search(pattern: Any, text: str) -> bool:
    """Tell whether a compiled RE2 pattern matches somewhere in a text; a lone surrogate counts as ``?``."""
    # Bytes: for text, RE2's binding also counts characters up to the match, at thrice the cost.
    return pattern.search(text.encode("utf-8", "replace")) is not None


def compile_predicate(predicate: Any, exact: bool = False) -> Check:
    """Compile one predicate: a value, an operator object or a nested mapping.

    Args:
        predicate: As checked by ``cases.operators``.
        exact: Whether a nested mapping must name every member there is.

    Returns:
        A function of a value (or MISSING).
    """
    if not isinstance(predicate, Mapping):
        return _equality(predicate)
    if is_operator_object(predicate):
        return _conjunction([_operator(name, operand) for name, operand in predicate.items()])
    return compile_arguments(predicate, "exact" if exact else "superset", of_call=False)


def compile_arguments(args: Mapping[str, Any], mode: ArgsMode = "superset", *, of_call: bool = True) -> Check:
    """Compile predicates over the members of an object, such as the arguments of a call.

    Args:
        args: Names (or dotted paths) and predicates.
        mode: superset: the object has at least those; exact: those and no others; subset: none besides those,
            each of which holds where present; ignore: always true.
        of_call: Whether no arguments at all (None) mean an empty object.
    """
    if mode == "ignore":
        return lambda _value: True
    checks = [(path, compile_predicate(each, mode == "exact")) for path, each in args.items()]
    names = frozenset(args)

    def members_hold(value: Any) -> bool:
        if value is None and of_call:
            value = {}
        if mode != "superset" and not _within(value, names):
            return False
        return all(_holds(check, lookup(value, path), mode) for path, check in checks)

    return members_hold


def _holds(check: Check, found: Any, mode: ArgsMode) -> bool:
    return (mode == "subset" and found is MISSING) or check(found)


def _within(value: Any, names: frozenset[str]) -> bool:
    """Tell whether every member is named, by itself or as the start of a path."""
    if not isinstance(value, Mapping):
        return False
    return all(name in names or any(path.startswith(f"{name}.") for path in names) for name in map(str, value))


def _conjunction(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _refuse_nan(value: Any) -> None:
    if isinstance(value, float) and math.isnan(value):
        raise ScorerError("expected a value to compare, got NaN", hint="Nothing can be told of NaN")


def _equality(expected: Any) -> Check:
    def equals(value: Any) -> bool:
        _refuse_nan(value)
        return value is not MISSING and json_equal(value, expected)

    return equals


def _operator(name: str, operand: Any) -> Check:
    positive = {"ne": "eq", "not_in": "in", "not_contains": "contains", "not_regex": "regex"}.get(name)
    if positive:
        return _negation(_operator(positive, operand))
    if name == "not":
        return _negation(compile_predicate(operand))
    if name in _ORDERINGS:
        return _ordering(_ORDERINGS[name], operand)
    if name == "exists":
        return lambda value: (value is not MISSING) is operand
    if name == "regex":
        return _pattern(operand)
    if name == "contains":
        return _containment(operand)
    if name in ("any_of", "all_of"):
        return _combination(any if name == "any_of" else all, operand)
    return _equality(operand) if name == "eq" else _combination(any, [{"eq": each} for each in operand])


def _negation(check: Check) -> Check:
    return lambda value: not check(value)


def _combination(combine: Callable[..., bool], predicates: list[Any]) -> Check:
    checks = [compile_predicate(each) for each in predicates]
    return lambda value: combine(check(value) for check in checks)


def _ordering(compare: Callable[[Any, Any], bool], bound: Any) -> Check:
    numeric = not isinstance(bound, str)

    def ordered(value: Any) -> bool:
        _refuse_nan(value)
        if numeric:
            number = as_number(value)
            return number is not None and compare(number, bound)
        return isinstance(value, str) and compare(value, bound)

    return ordered


def as_number(value: Any) -> int | float | None:
    """Return a value as a number where it is one, or a text of one; None otherwise."""
    if isinstance(value, str):
        if len(value) > _NUMBER_TEXT_LIMIT or "_" in value or not any(map(str.isdigit, value)):
            return None
        try:
            return int(value) if value.strip().lstrip("+-").isdecimal() else float(value)
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _pattern(text: str) -> Check:
    pattern = compile_pattern(text)

    def matches(value: Any) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        return isinstance(value, str) and search(pattern, value)

    return matches


def _containment(operand: Any) -> Check:
    def contains(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        if isinstance(value, Mapping):
            return isinstance(operand, str) and operand in value
        return isinstance(value, (list, tuple)) and any(json_equal(each, operand) for each in value)

    return contains
