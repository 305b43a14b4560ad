"""The published rules of the scripted model: what it answers, and how often it fails.

It works a ticket of the example desk as the model of the recordings did, with the same lookups. Only its last word
on a delivery is drawn: how often that guarantees a day of arrival depends on what the system prompt says, as below.
With a seed, the draws are the same in every run.
"""

from __future__ import annotations

import random
from typing import Any

from ..recording import scripted_model
from .server import Answering, RefusedError

FAILURE_RATES = (
    ("never promise", 0.0),
    ("avoid promising", 0.2),
    ("be concrete and reassuring", 1.0),
)
"""What the system prompt says, in any case, and the share of its answers that guarantee a day; the first that fits."""
OTHERWISE = 0.5
"""The share for a prompt that says none of it."""
_HONEST, _PROMISING = "Never promise a date.", "Promise a date."


def failure_rate(system: str) -> float:
    """Return how often the model promises a day, told this system prompt."""
    said = " ".join(system.lower().split())
    return next((rate for words, rate in FAILURE_RATES if words in said), OTHERWISE)


def scripted(seed: int | None = None) -> Answering:
    """Return the model.

    Args:
        seed: Of its draws; None for others in every run.
    """
    draws = random.Random(seed)

    def answer(_number: int, body: Any) -> dict[str, Any]:
        system, *rest = [{**each, "content": _text(each.get("content"))} for each in body["messages"]]
        if system["role"] not in ("system", "developer"):
            raise RefusedError(400, "expected a system prompt as the first message: this model goes by it")
        try:
            next_step = _next(_HONEST if _is_delivery(rest) else system["content"], rest)
            if next_step.get("tool_calls") or not _is_delivery(rest):
                return next_step
            failing = draws.random() < failure_rate(system["content"])
            return _next(_PROMISING, rest) if failing else next_step
        except (LookupError, ValueError, TypeError):
            raise RefusedError(400, "expected a ticket of the example desk, got another conversation") from None

    return answer


_TOOLS = [{"type": "function", "function": {"name": "send_reply"}}]
"""Whoever has tools is the assistant; without any, the desk asks the model to sort a ticket."""


def _next(system: str, rest: list[dict[str, Any]]) -> dict[str, Any]:
    return scripted_model.complete("", [{"role": "system", "content": system}, *rest], _TOOLS, 0.0)


def _is_delivery(rest: list[dict[str, Any]]) -> bool:
    return "topic delivery," in str(rest[0]["content"]).split("\n", 1)[0]


def _text(content: Any) -> str:
    """Return a message's text, which clients send as a text or as parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
