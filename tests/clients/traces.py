"""Recorded exchanges as the canonical trace that a tracer would have kept of them.

Messages are brought to the parts form here, by hand and apart from the product: what the server makes of a request
is compared with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from unrepeat.cases.trace import Message, MessagePool, ModelCall, Source, Span, Trace

Exchange = dict[str, Any]
_TRANSPORT = ("stream", "stream_options", "store", "user")
_ASIDE = ("model", "messages", "input", "instructions", "system", "tools", *_TRANSPORT)


def trace_of(exchanges: Iterable[Exchange], *, frames: bool = False) -> Trace:
    """Return the trace of a conversation.

    Args:
        exchanges: What went over the wire, in order.
        frames: Whether the tracer kept the events of streams.
    """
    pool = MessagePool()
    traced = [each for each in exchanges if each["path"] != "messages/count_tokens"]  # no tracer keeps those
    spans = tuple(_span(f"s{number}", each, pool, frames) for number, each in enumerate(traced))
    return Trace(trace_id="t", source=Source(format="written"), spans=spans, messages=pool.messages())


def _span(span_id: str, exchange: Exchange, pool: MessagePool, frames: bool) -> Span:
    path, body, answer = exchange["path"], exchange["request"], exchange["response"]
    if path == "embeddings":
        kept = {"unrepeat.arguments": body, "unrepeat.result": answer}
        return Span(span_id=span_id, operation="embeddings", attributes=kept)
    attributes: dict[str, Any] = {}
    error = ""
    outputs: list[Message] = []
    if exchange["status"] >= 400:
        error = f"Error code: {exchange['status']} - {answer['error']['message']}"
    else:
        attributes["gen_ai.response.id"] = answer["id"]
        outputs = _OUTPUTS[path](answer)
    view = ModelCall(
        request_model=body["model"],
        response_model=answer.get("model", ""),
        params={key: value for key, value in body.items() if key not in _ASIDE},
        tool_definitions=tuple(body.get("tools") or ()),
        system_instructions=_system(body.get("system") or body.get("instructions")),
        input=tuple(pool.add(message) for message in _INPUTS[path](body)),
        output=tuple(pool.add(message) for message in outputs),
        finish_reasons=tuple(message.finish_reason for message in outputs),
        usage=answer.get("usage") or {},
        raw_frames=tuple(exchange.get("frames", ())) if frames else (),
    )
    return Span(span_id=span_id, operation="chat", view=view, attributes=attributes, error=error)


def _system(said: Any) -> tuple[dict[str, Any], ...]:
    return () if not said else tuple(_content(said))


def _content(content: Any) -> list[dict[str, Any]]:
    """Return the text parts of a content."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    kept = [block for block in content or () if block["type"] in ("text", "input_text", "output_text")]
    aside = ("type", "text", "annotations", "logprobs")
    rest = [{key: value for key, value in block.items() if key not in aside} for block in kept]
    return [{"type": "text", "content": block["text"], **beside} for block, beside in zip(kept, rest, strict=True)]


def _call(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": given}


def _result(call_id: str, content: Any) -> Message:
    text = content if isinstance(content, str) else "".join(part["content"] for part in _content(content))
    return Message(role="tool", parts=({"type": "tool_call_response", "id": call_id, "response": text},))


def _chat_message(said: dict[str, Any], finish_reason: str = "") -> Message:
    if said["role"] == "tool":
        return _result(said["tool_call_id"], said["content"])
    calls = [
        _call(each["id"], each["function"]["name"], each["function"]["arguments"])
        for each in said.get("tool_calls") or ()
    ]
    return Message(role=said["role"], parts=(*_content(said["content"]), *calls), finish_reason=finish_reason)


def _chat_outputs(answer: dict[str, Any]) -> list[Message]:
    return [_chat_message(choice["message"], choice["finish_reason"]) for choice in answer["choices"]]


def _items(items: Iterable[dict[str, Any]], finish_reason: str = "") -> list[Message]:
    """Return the items of Responses as messages; what the model said in a row is one."""
    messages: list[Message] = []
    said: list[dict[str, Any]] = []

    def close() -> None:
        if said:
            messages.append(Message(role="assistant", parts=tuple(said), finish_reason=finish_reason))
            said.clear()

    for item in items:
        if item.get("type") == "function_call":
            said.append(_call(item["call_id"], item["name"], item["arguments"]))
        elif item.get("role") == "assistant":
            said += _content(item["content"])
        else:
            close()
            is_result = item.get("type") == "function_call_output"
            parts = tuple(_content(item.get("content")))
            messages.append(
                _result(item["call_id"], item["output"]) if is_result else Message(role=item["role"], parts=parts)
            )
    close()
    return messages


def _responses_inputs(body: dict[str, Any]) -> list[Message]:
    asked = body["input"]
    return _items([{"role": "user", "content": asked}] if isinstance(asked, str) else asked)


def _blocks(said: dict[str, Any], finish_reason: str = "") -> list[Message]:
    """Return one message of Anthropic's; each tool result in it is a message of its own."""
    content = said["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    results = [_result(each["tool_use_id"], each["content"]) for each in blocks if each["type"] == "tool_result"]
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "tool_use":
            parts.append(_call(block["id"], block["name"], block["input"]))
        elif block["type"] == "text":
            parts += _content([block])
    spoken = [Message(role=said["role"], parts=tuple(parts), finish_reason=finish_reason)] if parts else []
    return [*results, *spoken]


def _messages_inputs(body: dict[str, Any]) -> list[Message]:
    return [message for said in body["messages"] for message in _blocks(said)]


_INPUTS = {
    "chat/completions": lambda body: [_chat_message(said) for said in body["messages"]],
    "responses": _responses_inputs,
    "messages": _messages_inputs,
}
_OUTPUTS = {
    "chat/completions": _chat_outputs,
    "responses": lambda answer: _items(answer["output"], answer["status"]),
    "messages": lambda answer: _blocks(answer, answer["stop_reason"]),
}
