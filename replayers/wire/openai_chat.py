"""OpenAI's chat completions. Pure: a recorded answer in, bodies and events out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import sse
from .answers import Answer, Choice, Tokens, arguments_text, require_known

DONE = b"data: [DONE]\n\n"
"""Ends every stream."""

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "refusal": "content_filter",
}
_KNOWN_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


def body(answer: Answer, _asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chat completion.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    return {
        "id": answer.id_as("chatcmpl-"),
        "object": "chat.completion",
        "created": answer.created_s,
        "model": answer.model,
        "choices": [_choice(choice, index) for index, choice in enumerate(answer.choices)],
        **({"usage": _usage(answer.usage)} if answer.usage is not None else {}),
    }


def events(answer: Answer, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of a streamed chat completion.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    options = asked.get("stream_options")
    counted = isinstance(options, Mapping) and options.get("include_usage") is True
    head = {
        "id": answer.id_as("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": answer.created_s,
        "model": answer.model,
    }
    beside: dict[str, Any] = {"usage": None} if counted else {}
    for index, choice in enumerate(answer.choices):
        for delta in _deltas(choice, index):
            yield sse.event({**head, "choices": [_piece(index, delta, None)], **beside})
        yield sse.event({**head, "choices": [_piece(index, {}, _reason(choice))], **beside})
    if counted:
        yield sse.event({**head, "choices": [], "usage": _usage(answer.usage or Tokens())})
    yield DONE


def is_frame(payload: Any) -> bool:
    """Whether the JSON of a recorded frame is of this protocol."""
    return isinstance(payload, Mapping) and payload.get("object") == "chat.completion.chunk"


def recorded(frames: Sequence[str]) -> list[bytes]:
    """Return recorded frames as they go over the wire."""
    made = sse.recorded_events(frames, named=False)
    return made if any(b"[DONE]" in each for each in made[-1:]) else [*made, DONE]


def error(status: int, code: str, message: str) -> dict[str, Any]:
    """Return the body of a refused request, as OpenAI writes it."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
    return {
        "error": {
            "message": message,
            "type": "server_error" if status >= 500 else kind,
            "param": None,
            "code": code,
        }
    }


def _choice(choice: Choice, index: int) -> dict[str, Any]:
    require_known(choice, "OpenAI's chat API")
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text or (None if choice.calls or choice.refusal else ""),
        "refusal": choice.refusal or None,
    }
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    calls = [_call(part) for part in choice.calls]
    if calls:
        message["tool_calls"] = calls
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _reason(choice)}


def _call(part: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": str(part.get("name") or ""), "arguments": arguments_text(part)}
    return {"id": str(part.get("id") or ""), "type": "function", "function": function}


def _deltas(choice: Choice, index: int) -> Iterator[dict[str, Any]]:
    message = _choice(choice, index)["message"]
    yield {"role": "assistant", "content": None if message["content"] is None else "", "refusal": None}
    for field in ("reasoning_content", "content", "refusal"):
        for piece in sse.pieces(message.get(field) or ""):
            yield {field: piece}
    for number, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        yield {"tool_calls": [{"index": number, **call, "function": {"name": function["name"], "arguments": ""}}]}
        for piece in sse.pieces(function["arguments"]):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _piece(index: int, delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}


def _reason(choice: Choice) -> str:
    said = _REASONS.get(choice.finish_reason, choice.finish_reason)
    if said in _KNOWN_REASONS and not (said == "stop" and choice.calls):
        return said
    return "tool_calls" if choice.calls else "stop"


def _usage(usage: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
