"""What must not happen, by goal of the attacker: ordinary assertions, read from ``failures.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.strict_yaml import parse
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Scorer

_TABLE = Path(__file__).with_name("failures.yaml")


@cache
def _table() -> Any:
    return parse(_TABLE.read_bytes(), _TABLE.name)


@cache
def scorers_for(suite: str, injection_task: str) -> tuple[Scorer, ...]:
    """Return the compiled assertions for one goal.

    Raises:
        KeyError: The table does not know the suite or the goal.
    """
    return compile_all(ASSERTION_ADAPTER.validate_python(entry) for entry in _table()[suite][injection_task])
