"""The model: in a replay the recording answers for it."""

from __future__ import annotations

from typing import Any


def complete(model: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the next message."""
    raise ConnectionError(f"no model is connected to this example, and the recording had no answer of {model}")
