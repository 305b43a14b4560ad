"""Carried answers: how an answer that differs from the recording reaches the next model request.

A recorded model request holds the answers given before it. Where a replay gave another one, the request is
rebuilt with it. An answer is found in the request by the id of its call; where calls have no ids of their own,
or share one, by what it says and by order.

An answer that no later request holds as such (it was pasted into a text, or the history was cut) still changed
what the model would be asked: it is put at the end of the next request, so that the request differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..cases.trace import Message, ModelCall, ToolCall
from .boundary import RecordedCall

Place = tuple[int, int]
"""A message of a request and a part of that message."""


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer as a model request holds it."""

    place: Place
    id: str
    content: Any


class CarriedAnswers:
    """The answers of a replay that differ from the recorded ones.

    Args:
        calls: The recorded boundary calls, in order.
    """

    def __init__(self, calls: Sequence[RecordedCall]) -> None:
        self._calls = calls
        self._changed: dict[int, Any] = {}
        """The answer of this replay by index of the recorded call."""
        self._homeless: set[int] = set()
        """Of these, the ones that no recorded model request holds."""
        self._found: dict[int, dict[Place, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._changed)

    def change(self, call: RecordedCall, answer: Any) -> None:
        """Note that a call got another answer than in the recording."""
        self._changed[call.index] = answer
        later = self._calls[call.index + 1 :]
        if not any(call.index in self._places(each).values() for each in later if each.kind == "model"):
            self._homeless.add(call.index)

    def into(self, call: RecordedCall) -> list[Message]:
        """Return the messages of a recorded model call with the changed answers in place of the recorded ones."""
        messages = list(call.prepared.request.messages)
        for (at, number), index in self._places(call).items():
            if index in self._changed:
                parts = list(messages[at].parts)
                parts[number] = _answered(parts[number], self._changed[index])
                messages[at] = msgspec.structs.replace(messages[at], parts=tuple(parts))
        return messages + [self._appended(index) for index in sorted(self._homeless) if index < call.index]

    def _appended(self, index: int) -> Message:
        part = {"type": "tool_call_response", "id": _id(self._calls[index]), "response": self._changed[index]}
        return Message(role="tool", parts=(part,))

    def _places(self, model: RecordedCall) -> dict[Place, int]:
        """Return which recorded call each answer in a model request came from."""
        if model.index not in self._found:
            untaken: dict[str, list[RecordedCall]] = {}
            for call in self._calls[: model.index]:
                if call.kind == "tool":
                    untaken.setdefault(_id(call), []).append(call)
            sources = {response.place: _take_source(response, untaken) for response in _responses(model)}
            self._found[model.index] = {place: call.index for place, call in sources.items() if call is not None}
        return self._found[model.index]


def _responses(model: RecordedCall) -> Iterator[_Response]:
    if not isinstance(model.span.view, ModelCall):
        return
    for at, message in enumerate(model.prepared.request.messages):
        for number, part in enumerate(message.parts):
            if part.get("type") == "tool_call_response":
                yield _Response((at, number), str(part.get("id") or ""), part.get("response"))


def _take_source(response: _Response, untaken: dict[str, list[RecordedCall]]) -> RecordedCall | None:
    """Return the call that gave an answer (same id, same content, the earliest not taken) and take it."""
    ids = dict.fromkeys((response.id, "")) if response.id else untaken
    fitting = [call for each in ids for call in untaken.get(each, ())]
    telling = [call for call in fitting if _says(call, response.content)]
    same_id = untaken.get(response.id, []) if response.id else []
    found = min(telling or same_id, key=lambda call: call.index, default=None)
    if found is not None:
        untaken[_id(found)].remove(found)
    return found


def _id(call: RecordedCall) -> str:
    return call.span.view.id if isinstance(call.span.view, ToolCall) else ""


def _says(call: RecordedCall, content: Any) -> bool:
    view = call.span.view
    recorded = (view.result, view.result_raw) if isinstance(view, ToolCall) else ()
    return any(content == each for each in recorded)


def _answered(part: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Return a part with another answer; the recorded error goes with the recorded answer."""
    return {key: value for key, value in part.items() if key != "error"} | {"response": answer}
