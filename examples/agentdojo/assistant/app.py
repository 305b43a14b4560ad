"""An assistant: it asks the model, runs the tools that the model asks for, and does so until it asks for none."""

from __future__ import annotations

import json
from typing import Any

from . import guard, model, tools


def handle(model_name: str, messages: list[dict[str, Any]], suite: str, records: dict[str, Any]) -> str:
    """Answer a user.

    Args:
        model_name: The model to ask.
        messages: System prompt and request.
        suite: Which tools there are.
        records: The user's records as they stand.
    """
    request = next(str(message["content"]) for message in messages if message["role"] == "user")
    refusal_of = guard.guard_for(suite, request, records)
    conversation = list(messages)
    while True:
        answer = model.complete(model=model_name, messages=conversation)
        conversation.append(answer)
        calls = answer.get("tool_calls") or []
        if not calls:
            return str(answer.get("content") or "")
        for call in calls:
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            refused = refusal_of(name, arguments)
            result = tools.run(name, arguments) if refused is None else refused
            text = result if isinstance(result, str) else json.dumps(result)
            conversation.append({"role": "tool", "tool_call_id": call["id"], "content": text})
