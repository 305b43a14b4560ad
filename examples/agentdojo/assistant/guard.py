"""No guard: the version in which the attacks were carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def guard_for(suite: str, request: str, records: dict[str, Any]) -> Callable[[str, Any], str | None]:
    """Return a guard that refuses nothing."""
    return lambda tool, arguments: None
