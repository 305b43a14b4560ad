"""What providers answer, in their own words: one turn of a script as a body, and as the events of a stream.

Written from the providers' references, apart from what the product serves: a test that records with the product's
own encodings would prove nothing.
"""

from __future__ import annotations

import json
from typing import Any

CREATED = 1_760_000_000
OWN_TOOLS = ("get_order", "refund")
Turn = dict[str, Any]
"""``{"text": …}``, ``{"calls": [[name, arguments], …]}``, ``{"object": …}``, ``{"vectors": …}``, ``{"tokens": …}`` or
``{"status": …, "message": …}``."""


def completed(turn: Turn, body: dict[str, Any]) -> Turn:
    """Say an ``object`` as its client asked for it: by the call of a tool made for that, or as a text of JSON."""
    if "object" not in turn:
        return turn
    names = [str(tool.get("name") or tool.get("function", {}).get("name")) for tool in body.get("tools") or []]
    asked = [name for name in names if name not in OWN_TOOLS]
    return {"calls": [[asked[0], turn["object"]]]} if asked else {"text": json.dumps(turn["object"])}


def _pieces(text: str) -> list[str]:
    """Cut a text as models stream it: a few characters at a time."""
    return [text[at : at + 12] for at in range(0, len(text), 12)] or [""]


def _event(value: dict[str, Any], *, named: bool) -> str:
    return (f"event: {value['type']}\n" if named else "") + f"data: {json.dumps(value, separators=(',', ':'))}"


# OpenAI chat completions


def chat_body(turn: Turn, body: dict[str, Any], number: int) -> dict[str, Any]:
    calls = [
        {"id": f"call_{number}_{index}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for index, (name, given) in enumerate(turn.get("calls", []))
    ]
    message: dict[str, Any] = {"role": "assistant", "content": turn.get("text"), "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message | ({"tool_calls": calls} if calls else {}), "logprobs": None}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [choice | {"finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }


def chat_events(whole: dict[str, Any], body: dict[str, Any]) -> list[str]:
    message = whole["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if "tool_calls" in message else ""}]
    deltas += [{"content": piece} for piece in _pieces(message["content"] or "") if piece]
    for index, call in enumerate(message.get("tool_calls", [])):
        opening = {"name": call["function"]["name"], "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, **call, "function": opening}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in _pieces(call["function"]["arguments"])
        ]
    head = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}]}
    )
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append(head | {"choices": [], "usage": whole["usage"]})
    return [*(_event(chunk, named=False) for chunk in chunks), "data: [DONE]"]


# OpenAI Responses


def responses_body(turn: Turn, body: dict[str, Any], number: int) -> dict[str, Any]:
    output: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "id": f"fc_{number}_{index}",
            "call_id": f"call_{number}_{index}",
            "name": name,
            "arguments": json.dumps(given),
            "status": "completed",
        }
        for index, (name, given) in enumerate(turn.get("calls", []))
    ]
    if "text" in turn:
        content = [{"type": "output_text", "text": turn["text"], "annotations": []}]
        message = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed"}
        output.insert(0, message | {"content": content})
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "temperature": body.get("temperature"),
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 30,
        },
    }


def responses_events(whole: dict[str, Any], _body: dict[str, Any]) -> list[str]:
    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        told = _message_events if item["type"] == "message" else _call_events
        events += [{**event, "output_index": index} for event in told(item)]
    events.append({"type": "response.completed", "response": whole})
    return [_event({**event, "sequence_number": at}, named=True) for at, event in enumerate(events)]


def _message_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    part = item["content"][0]
    where = {"item_id": item["id"], "content_index": 0}
    delta = {"type": "response.output_text.delta", **where, "logprobs": []}
    done = {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []}
    return [
        {"type": "response.output_item.added", "item": item | {"status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **where, "part": part | {"text": ""}},
        *({**delta, "delta": piece} for piece in _pieces(part["text"])),
        done,
        {"type": "response.content_part.done", **where, "part": part},
        {"type": "response.output_item.done", "item": item},
    ]


def _call_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    delta = {"type": "response.function_call_arguments.delta", "item_id": item["id"]}
    done = {"type": "response.function_call_arguments.done", "item_id": item["id"], "name": item["name"]}
    return [
        {"type": "response.output_item.added", "item": item | {"status": "in_progress", "arguments": ""}},
        *({**delta, "delta": piece} for piece in _pieces(item["arguments"])),
        {**done, "arguments": item["arguments"]},
        {"type": "response.output_item.done", "item": item},
    ]


# Anthropic messages


def messages_body(turn: Turn, body: dict[str, Any], number: int) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": turn["text"]}] if "text" in turn else []
    content += [
        {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": name, "input": given}
        for index, (name, given) in enumerate(turn.get("calls", []))
    ]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "tool_use" if "calls" in turn else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 10},
    }


def messages_events(whole: dict[str, Any], _body: dict[str, Any]) -> list[str]:
    begun = whole | {"content": [], "stop_reason": None, "usage": {"input_tokens": 20, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            opening, deltas = block | {"text": ""}, [{"type": "text_delta", "text": p} for p in _pieces(block["text"])]
        else:
            opening = block | {"input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in _pieces(json.dumps(block["input"]))]
        events.append({"type": "content_block_start", "index": index, "content_block": opening})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 10}})
    return [_event(event, named=True) for event in [*events, {"type": "message_stop"}]]


# The rest


def embeddings_body(turn: Turn, body: dict[str, Any], _number: int) -> dict[str, Any]:
    base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if base64 else vector}
        for index, vector in enumerate(turn["vectors"])
    ]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _base64(vector: list[float]) -> str:
    """Return a vector as little-endian float32, as OpenAI sends it."""
    import base64
    import struct

    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def tokens_body(turn: Turn, _body: dict[str, Any], _number: int) -> dict[str, Any]:
    return {"input_tokens": turn["tokens"]}


def error_body(path: str, turn: Turn) -> dict[str, Any]:
    if "messages" in path.split("/"):
        return {"type": "error", "error": {"type": "invalid_request_error", "message": turn["message"]}}
    return {"error": {"message": turn["message"], "type": "invalid_request_error", "param": None, "code": None}}
