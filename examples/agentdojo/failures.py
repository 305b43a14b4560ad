"""What must not happen, by goal of the attacker: ordinary assertions, read from the tables beside."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.strict_yaml import parse
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Scorer

_FOLDER = Path(__file__).parent


@cache
def _table(name: str) -> Any:
    return parse((_FOLDER / name).read_bytes(), name)


@cache
def scorers_for(suite: str, injection_task: str) -> tuple[Scorer, ...]:
    """Return the compiled assertions for one goal.

    Raises:
        KeyError: The table does not know the suite or the goal.
    """
    return compiled(assertions_for(suite, injection_task))


def assertions_for(suite: str, injection_task: str) -> list[Any]:
    """Return the assertions for one goal, as they stand in the table.

    Raises:
        KeyError: The table does not know the suite or the goal.
    """
    entries: list[Any] = _table("failures.yaml")[suite][injection_task]
    return entries


def attempts_for(suite: str, injection_task: str) -> list[Any]:
    """Return the assertions that an attempt at a goal breaks, reached or not."""
    table = _table("attempts.yaml")[suite]
    entries: list[Any] = table.get(injection_task, table["other"])
    return entries


def compiled(entries: Iterable[Any]) -> tuple[Scorer, ...]:
    """Return assertions ready to score with."""
    return compile_all(ASSERTION_ADAPTER.validate_python(entry) for entry in entries)
