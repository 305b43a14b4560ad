"""Made ids: what tool calls are called where the recording has no ids, and clients need some."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .answers import Answer, Choice

_ID_FIELDS = frozenset({"id", "call_id", "tool_call_id", "tool_use_id"})


class MadeIds:
    """Gives ids to recorded calls that have none, and takes them out of what comes back."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def given(self, answer: Answer) -> Answer:
        """Return an answer in which every tool call has an id."""
        if all(part.get("id") for choice in answer.choices for part in choice.calls):
            return answer
        return replace(answer, choices=tuple(self._choice(answer, each) for each in answer.choices))

    def _choice(self, answer: Answer, choice: Choice) -> Choice:
        parts = []
        for number, part in enumerate(choice.parts):
            if part.get("type") == "tool_call" and not part.get("id"):
                part = {**part, "id": f"call_unrepeat_{answer.seq}_{number}"}
                self._made.add(part["id"])
            parts.append(part)
        return replace(choice, parts=tuple(parts))

    def taken_out(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a request as it would be with the recording's own ids, which are none."""
        taken: dict[str, Any] = self._without(request) if self._made else request
        return taken

    def _without(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._without(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: "" if key in _ID_FIELDS and isinstance(each, str) and each in self._made else self._without(each)
            for key, each in value.items()
        }
