"""Requests and answers in the types of Inspect, imported when they are needed (extra ``live``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..cases.trace import Message, text_of, tool_calls_of

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, ModelOutput
    from inspect_ai.tool import ToolInfo


def chat_messages(system: Sequence[Mapping[str, Any]], messages: Iterable[Message]) -> list[ChatMessage]:
    """Return a conversation as Inspect's messages.

    Args:
        system: Parts of a system prompt that stands apart from the messages.
        messages: The rest, in parts form.
    """
    from inspect_ai.model import ChatMessageSystem

    text = "\n".join(str(part.get("content", "")) for part in system)
    first: list[ChatMessage] = [ChatMessageSystem(content=text)] if text else []
    return first + [each for message in messages for each in _message(message)]


def _message(message: Message) -> Iterable[ChatMessage]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
    from inspect_ai.tool import ToolCall

    text = text_of(message)
    match message.role:
        case "system" | "developer":
            yield ChatMessageSystem(content=text)
        case "assistant":
            calls = [
                ToolCall(
                    id=str(part.get("id") or ""), function=str(part["name"]), arguments=_object(part.get("arguments"))
                )
                for part in tool_calls_of(message)
            ]
            yield ChatMessageAssistant(content=text, tool_calls=calls or None)
        case "tool":
            for part in message.parts:
                response = part.get("response", part.get("content", ""))
                content = response if isinstance(response, str) else json.dumps(response)
                yield ChatMessageTool(content=content, tool_call_id=str(part.get("id") or "") or None)
        case _:
            yield ChatMessageUser(content=text)


def _object(arguments: Any) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, Mapping) else {}


def tool_info(definition: Mapping[str, Any]) -> ToolInfo:
    """Return a tool's definition, in OpenAI's or Anthropic's form, as Inspect's."""
    from inspect_ai.tool import ToolInfo, ToolParams

    function = definition.get("function", definition)
    schema = function.get("parameters") or function.get("input_schema") or {"type": "object", "properties": {}}
    parameters = ToolParams.model_validate({key: schema[key] for key in ("properties", "required") if key in schema})
    return ToolInfo(
        name=function["name"], description=function.get("description") or function["name"], parameters=parameters
    )


def assistant_message(output: ModelOutput) -> dict[str, Any]:
    """Return a model's answer as an OpenAI-shaped assistant message."""
    message = output.choices[0].message
    answer: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if message.tool_calls:
        answer["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return answer
