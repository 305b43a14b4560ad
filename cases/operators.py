"""Predicates over recorded values, as written in ``args`` and beside ``path``: their syntax.

A plain value means equality. A mapping whose keys are operators is a test (``{gt: 100}``); any other mapping
goes one level down (``{customer: {id: c1}}``, also written ``customer.id: c1``). A mapping that is itself the
value to compare with stands under ``eq``. ``scorers.predicates`` compiles what is checked here.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

OPERATORS = frozenset(
    {
        "eq",
        "ne",
        "lt",
        "lte",
        "gt",
        "gte",
        "in",
        "not_in",
        "contains",
        "not_contains",
        "regex",
        "not_regex",
        "exists",
        "any_of",
        "all_of",
        "not",
    }
)

# What people bring from other tools: as a nested field each would give a predicate that never matches.
_MISTAKEN = {
    "==": "eq",
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "equals": "eq",
    "equal": "eq",
    "le": "lte",
    "ge": "gte",
    "neq": "ne",
    "nin": "not_in",
    "matches": "regex",
    "match": "regex",
    "one_of": "any_of",
    "anyof": "any_of",
    "allof": "all_of",
    "any": "any_of",
    "all": "all_of",
    "and": "all_of",
    "or": "any_of",
}
_NEAR = 0.8
_MAX_DEPTH = 32


def is_operator_object(value: Any) -> bool:
    """Tell whether a predicate value is an operator object rather than a value or a nested mapping."""
    return isinstance(value, Mapping) and bool(value) and all(key in OPERATORS for key in value)


def compile_pattern(pattern: str) -> Any:
    """Compile an RE2 pattern.

    Args:
        pattern: In the syntax of RE2: no look-around and no back-references, so linear time on any text.

    Returns:
        A compiled pattern without capturing groups, which would make it slower.

    Raises:
        ValueError: RE2 refuses it.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else "?"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"expected a pattern RE2 can run, got {pattern!r}: {reason}") from None


def check_arguments(args: Mapping[str, Any]) -> None:
    """Check a mapping of argument names (or dotted paths) to predicates.

    Raises:
        ValueError: A predicate is not well formed; the message names its place.
    """
    for path, predicate in args.items():
        check_predicate(predicate, str(path))


def check_predicate(predicate: Any, where: str, depth: int = 0) -> None:
    """Check one predicate: a value, an operator object or a nested mapping.

    Args:
        predicate: As parsed from YAML.
        where: Its place, for messages.
        depth: How many levels down it stands.

    Raises:
        ValueError: It is not well formed.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"{where}: expected at most {_MAX_DEPTH} levels, got more")
    if isinstance(predicate, float) and math.isnan(predicate):
        raise ValueError(f"{where}: expected a value, got NaN, which equals nothing")
    if not isinstance(predicate, Mapping):
        return
    if not predicate:
        raise ValueError(f"{where}: expected a test, got an empty mapping; compare by {{eq: {{}}}}")
    operators = any(key in OPERATORS for key in predicate)
    for key, operand in predicate.items():
        place = f"{where}.{key}"
        if operators and key in OPERATORS:
            _check_operand(str(key), operand, place, depth)
        else:
            _refuse_mistaken_operator(str(key), place, operators)
            check_predicate(operand, place, depth + 1)


def _refuse_mistaken_operator(key: str, where: str, among_operators: bool) -> None:
    plain = key.strip().lower().lstrip("$").replace("-", "_")
    nearest = plain if plain in OPERATORS else _MISTAKEN.get(plain, "")
    if not nearest:
        # Short operators are near to honest field names (`note`, `late`), so only long ones are guessed.
        words = sorted(each for each in OPERATORS if among_operators or len(each) > 4)
        nearest = next(iter(difflib.get_close_matches(plain, words, 1, 0.0 if among_operators else _NEAR)), "")
    if nearest or among_operators:
        raise ValueError(
            f"{where}: expected an operator ({', '.join(sorted(OPERATORS))}), got {key!r}; "
            f"nearest: {nearest or 'none'}. A field of that name is reached by a dotted path"
        )


def _check_operand(operator: str, operand: Any, where: str, depth: int) -> None:
    if operator in ("in", "not_in"):
        _expect(isinstance(operand, list), where, "a list of values", operand)
    elif operator in ("regex", "not_regex"):
        _expect(isinstance(operand, str), where, "a pattern", operand)
        compile_pattern(operand)
    elif operator == "exists":
        _expect(isinstance(operand, bool), where, "true or false", operand)
    elif operator in ("any_of", "all_of"):
        _expect(isinstance(operand, list) and bool(operand), where, "a list of predicates", operand)
        for index, each in enumerate(operand):
            check_predicate(each, f"{where}[{index}]", depth + 1)
    elif operator == "not":
        check_predicate(operand, where, depth + 1)
    elif operator in ("lt", "lte", "gt", "gte"):
        number = isinstance(operand, (int, float)) and not isinstance(operand, bool)
        bound = (number and not math.isnan(operand)) or isinstance(operand, str)
        _expect(bound, where, "a number or a text", operand)
    elif isinstance(operand, float):
        _expect(not math.isnan(operand), where, "a value", "NaN")


def _expect(holds: bool, where: str, rule: str, got: Any) -> None:
    if not holds:
        raise ValueError(f"{where}: expected {rule}, got {got!r}")
