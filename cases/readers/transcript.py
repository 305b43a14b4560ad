"""Spans from a chat transcript: a list of messages that says nothing about calls and times.

Each assistant message is a model call on everything before it, each tool message an executed tool call below the model
call that proposed it, each user message after the first model call a user turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..message_parts import structured
from ..messages import to_message
from ..trace import Message, MessagePool, ModelCall, Origin, Span, ToolCall, UserTurn, text_of, tool_calls_of

_BEFORE = Origin(kind="inferred", note="the messages before it in the transcript")
_LAST_REQUEST = Origin(kind="inferred", note="the last user message before the first model call")
_LAST_ANSWER = Origin(kind="inferred", note="the last assistant message")
_ABSENT = Origin(kind="absent")
_PLACED = {"role", "content", "parts", "text", "tool_calls", "tool_call", "tool_call_id", "name", "error", "type"}


class Transcript:
    """Collects the spans of one transcript.

    Args:
        model: Model that gave the assistant messages, where the source says so.
        model_origin: How ``model`` is known.
    """

    def __init__(self, model: str = "", model_origin: Origin | None = None) -> None:
        self._pool = MessagePool()
        self._model = model
        self._model_origin = model_origin
        self._before: list[int] = []
        self._proposed: list[tuple[str, dict[str, Any]]] = []
        self._request = ""
        self._answer = ""
        self.spans: list[Span] = []

    def extend(self, raws: Iterable[Any]) -> None:
        """Add messages in any dialect; what is not an object is taken as text of the user."""
        for raw in raws:
            self.add(raw if isinstance(raw, Mapping) else {"role": "user", "content": str(raw)})

    def add(self, raw: Mapping[str, Any], system: tuple[dict[str, Any], ...] = ()) -> None:
        """Add one message.

        Args:
            raw: The message in any dialect.
            system: Parts of a system prompt of its author that is not among the messages.
        """
        for message in to_message(raw):
            index = self._pool.add(message)
            attributes = {key: value for key, value in raw.items() if key not in _PLACED}
            if message.role == "assistant":
                self._add_model_call(message, index, attributes, system)
            elif message.role == "tool":
                self._add_tool_call(message, raw, attributes)
            elif message.role == "user":
                self._add_user(message, index, attributes)
            self._before.append(index)

    def add_span(self, message: Message, span: Span) -> None:
        """Add a message that is none of these, with a span for it."""
        self._before.append(self._pool.add(message))
        self.spans.append(span)

    def next_id(self) -> str:
        """Return the id of the next span."""
        return f"s{len(self.spans) + 1}"

    def fields(self) -> dict[str, Any]:
        """Return the fields of a trace that a transcript gives."""
        origins = {
            "input": _LAST_REQUEST if self._request else _ABSENT,
            "output": _LAST_ANSWER if self._answer else _ABSENT,
        }
        return {
            "spans": tuple(self.spans),
            "messages": self._pool.messages(),
            "input": self._request or None,
            "output": self._answer or None,
            "origins": origins,
        }

    def _add_model_call(
        self, message: Message, index: int, attributes: dict[str, Any], system: tuple[dict[str, Any], ...]
    ) -> None:
        span_id = self.next_id()
        reason = (message.finish_reason,) if message.finish_reason else ()
        view = ModelCall(
            request_model=self._model,
            system_instructions=system,
            input=tuple(self._before),
            output=(index,),
            finish_reasons=reason,
        )
        origins = {"input": _BEFORE}
        if self._model and self._model_origin:
            origins["request_model"] = self._model_origin
        name = f"chat {message.name or self._model}".strip()
        self.spans.append(
            Span(span_id=span_id, name=name, operation="chat", attributes=attributes, view=view, origins=origins)
        )
        self._proposed += [(span_id, part) for part in tool_calls_of(message)]
        self._answer = text_of(message)

    def _add_tool_call(self, message: Message, raw: Mapping[str, Any], attributes: dict[str, Any]) -> None:
        part = message.parts[0] if message.parts else {}
        stated = to_message({"role": "assistant", "tool_calls": [raw["tool_call"]]}) if "tool_call" in raw else []
        asked = next((call for each in stated for call in tool_calls_of(each)), {})
        parent, proposed = self._proposal(str(part.get("id") or ""), message.name, asked)
        asked = asked or proposed
        name = str(asked.get("name") or message.name)
        error = _tool_error(raw, part)
        view = ToolCall(
            name=name,
            id=str(part.get("id") or asked.get("id") or ""),
            **_arguments(asked.get("arguments")),
            **_result(part.get("response")),
            error=error,
        )
        self.spans.append(
            Span(
                span_id=self.next_id(),
                name=f"execute_tool {name}".strip(),
                parent_id=parent,
                operation="execute_tool",
                status="error" if error else "",
                error=error,
                attributes=attributes,
                view=view,
            )
        )

    def _proposal(self, call_id: str, name: str, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Take the proposal that a tool message answers: by id, else by name and arguments in order."""
        at = self._answered(call_id, name, asked)
        if at is not None:
            return self._proposed.pop(at)
        models = (span.span_id for span in reversed(self.spans) if isinstance(span.view, ModelCall))
        return next(models, ""), {}

    def _answered(self, call_id: str, name: str, asked: dict[str, Any]) -> int | None:
        calls = [call for _, call in self._proposed]
        if call_id:
            for at, call in enumerate(calls):
                if call.get("id") == call_id:
                    return at
        for at, call in enumerate(calls):
            if asked and (call["name"], call["arguments"]) == (asked["name"], asked["arguments"]):
                return at
            if not (call_id or asked) and (not name or call["name"] == name):
                return at
        return None

    def _add_user(self, message: Message, index: int, attributes: dict[str, Any]) -> None:
        if not any(isinstance(span.view, ModelCall) for span in self.spans):
            self._request = text_of(message)
            return
        view = UserTurn(messages=(index,))
        self.spans.append(Span(span_id=self.next_id(), name="user", operation="user", attributes=attributes, view=view))


def _arguments(arguments: Any) -> dict[str, Any]:
    # Text is what did not parse; an object is what the model sent.
    return {"arguments": arguments, "arguments_raw": arguments if isinstance(arguments, str) else ""}


def _result(response: Any) -> dict[str, Any]:
    """Return result and, where the source has text that reads as JSON, that text beside it."""
    result = structured(response) if isinstance(response, str) and response[:1] in ("{", "[") else response
    return {"result": result, "result_raw": response if result is not response else ""}


def _tool_error(raw: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    error = raw.get("error") or part.get("error")
    if error:
        return str(error)
    if part.get("is_error") is True or raw.get("status") == "error":
        return str(part.get("response") or "the tool reported an error")
    return ""


def slug(name: str) -> str:
    """Return a file's base name without its endings, for ids."""
    return re.sub(r"(\.trace|\.traj)?(\.jsonl?|\.ndjson|\.traj)?$", "", name) or name
