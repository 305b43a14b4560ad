"""Anthropic's messages. Pure: a recorded answer in, bodies and events out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...cases.message_parts import parse_text
from . import sse
from .answers import (
    Answer,
    Choice,
    InexpressibleError,
    Part,
    Tokens,
    require_known,
    text_in,
)
from .response import dumps

_REASONS = {
    "stop": "end_turn",
    "completed": "end_turn",
    "length": "max_tokens",
    "max_output_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "tool_call": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_KNOWN_REASONS = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"}
)
_OWN_BLOCKS = frozenset(
    {
        "redacted_thinking",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "mcp_tool_use",
        "mcp_tool_result",
        "container_upload",
    }
)
"""Blocks of this protocol that have no other form in a trace: they are served as recorded."""
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def body(answer: Answer, _asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    choice = answer.choices[0]
    return {**_head(answer), "content": _blocks(choice), **_end(choice), "usage": _usage(answer.usage)}


def events(answer: Answer, _asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of a streamed message.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    choice, usage = answer.choices[0], _usage(answer.usage)
    begun = {**_head(answer), "content": [], "stop_reason": None, "stop_sequence": None}
    yield _event("message_start", message={**begun, "usage": {**usage, "output_tokens": 1 if answer.usage else 0}})
    for index, block in enumerate(_blocks(choice)):
        empty, deltas = _opened(block)
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    yield _event("message_delta", delta=_end(choice), usage={"output_tokens": usage["output_tokens"]})
    yield _event("message_stop")


def is_frame(payload: Any) -> bool:
    """Whether the JSON of a recorded frame is of this protocol."""
    return isinstance(payload, Mapping) and payload.get("type") in ("message_start", "ping")


def recorded(frames: Sequence[str]) -> list[bytes]:
    """Return recorded frames as they go over the wire."""
    return sse.recorded_events(frames, named=True)


def error(status: int, code: str, message: str) -> dict[str, Any]:
    """Return the body of a refused request, as Anthropic writes it."""
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message, "code": code}, "request_id": None}


def _head(answer: Answer) -> dict[str, Any]:
    return {"id": answer.id_as("msg_"), "type": "message", "role": "assistant", "model": answer.model}


def _end(choice: Choice) -> dict[str, Any]:
    said = _REASONS.get(choice.finish_reason, choice.finish_reason)
    if said not in _KNOWN_REASONS or (said == "end_turn" and choice.calls):
        said = "tool_use" if choice.calls else "refusal" if choice.refusal else "end_turn"
    return {"stop_reason": said, "stop_sequence": None}


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    require_known(choice, "Anthropic's messages API", _OWN_BLOCKS)
    made = map(_block, choice.parts)
    return [block for block in made if block]


def _block(part: Part) -> dict[str, Any]:
    match part.get("type"):
        case "text" | "refusal":
            text = text_in(part)
            # Vercel's client refuses a null where it expects citations, or none.
            cited = {"citations": part["citations"]} if part.get("citations") else {}
            return {"type": "text", "text": text, **cited} if text else {}
        case "reasoning":
            return {"type": "thinking", "thinking": text_in(part), "signature": str(part.get("signature") or "")}
        case "tool_call":
            name = str(part.get("name") or "")
            return {
                "type": "tool_use",
                "id": str(part.get("id") or ""),
                "name": name,
                "input": _input(part, name),
            }
        case _:
            return dict(part)


def _input(part: Part, name: str) -> Any:
    arguments = part.get("arguments")
    if isinstance(arguments, str) and arguments.strip():
        arguments = parse_text(arguments)
    if arguments in (None, ""):
        return {}
    if not isinstance(arguments, Mapping):
        raise InexpressibleError(f"the recorded arguments of {name} are no object, as Anthropic's messages API needs")
    return arguments


def _opened(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block without its content, and the deltas that fill it."""
    match block["type"]:
        case "text":
            texts = [{"type": "text_delta", "text": piece} for piece in sse.pieces(block["text"])]
            citations = [{"type": "citations_delta", "citation": each} for each in block.get("citations", ())]
            empty = {**block, "text": "", **({"citations": []} if citations else {})}
            return empty, [*texts, *citations]
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in sse.pieces(block["thinking"])]
            signed = [{"type": "signature_delta", "signature": block["signature"]}]
            return {**block, "thinking": "", "signature": ""}, [*thoughts, *signed]
        case "tool_use":
            spelled = dumps(block["input"]).decode() if block["input"] else ""
            arguments = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *sse.pieces(spelled))]
            return {**block, "input": {}}, arguments
        case _:
            return block, []


def _event(name: str, /, **fields: Any) -> bytes:
    return sse.event({"type": name, **fields}, name)


def _usage(usage: Tokens | None) -> dict[str, Any]:
    counted = usage or Tokens()
    return {
        "input_tokens": counted.input,
        "output_tokens": counted.output,
        "cache_read_input_tokens": counted.cache_read,
        "cache_creation_input_tokens": counted.cache_write,
    }
