"""The language model: any provider with an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from typing import Any

from . import remote

TIMEOUT_S = 60.0


def complete(
    model: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]], temperature: float
) -> dict[str, Any]:
    """Return the assistant's next message.

    Args:
        model: Name of the model.
        messages: The conversation in OpenAI's chat form.
        tools: The tools it may call; may be empty.
        temperature: Sampling temperature.

    Returns:
        ``role``, ``content`` and, where it calls tools, ``tool_calls``.
    """
    base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    request = {"model": model, "messages": messages, "temperature": temperature}
    if tools:  # an empty list is refused
        request["tools"] = tools
    answer = remote.post(
        f"{base.rstrip('/')}/chat/completions",
        request,
        timeout_s=TIMEOUT_S,
        bearer=remote.setting("OPENAI_API_KEY"),
    )
    message: dict[str, Any] = answer["choices"][0]["message"]
    kept = {key: message[key] for key in ("role", "content", "tool_calls") if message.get(key)}
    return {"role": "assistant", "content": "", **kept}
