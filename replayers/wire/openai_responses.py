"""OpenAI's Responses API. Pure: a recorded answer in, bodies and events out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from . import sse
from .answers import Answer, Choice, Part, Tokens, arguments_text, require_known, text_in
from .responses_input import mappings

Item = dict[str, Any]

_OWN_ITEMS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "computer_call",
        "code_interpreter_call",
        "image_generation_call",
        "local_shell_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "custom_tool_call",
    }
)
"""Items of this protocol that have no other form in a trace: they are served as recorded."""
_CUT_OFF = {"length": "max_output_tokens", "max_tokens": "max_output_tokens", "max_output_tokens": "max_output_tokens"}
_ECHOED: dict[str, Any] = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "top_p": None,
    "tool_choice": "auto",
    "max_output_tokens": None,
    "previous_response_id": None,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats from its request, and what it says where the request is silent."""


def body(answer: Answer, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    return _response(answer, asked, output_items(answer))


def events(answer: Answer, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of a streamed response.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    items = output_items(answer)
    numbers = count()

    def event(name: str, /, **fields: Any) -> bytes:
        return sse.event({"type": name, "sequence_number": next(numbers), **fields}, name)

    whole = _response(answer, asked, items)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(items):
        yield event("response.output_item.added", output_index=index, item=_opened(item))
        at = {"output_index": index, "item_id": item.get("id", "")}
        yield from _filled(item, at, event)
        yield event("response.output_item.done", output_index=index, item=item)
    yield event(f"response.{whole['status']}", response=whole)


def is_frame(payload: Any) -> bool:
    """Whether the JSON of a recorded frame is of this protocol."""
    return isinstance(payload, Mapping) and str(payload.get("type")).startswith("response.")


def recorded(frames: Sequence[str]) -> list[bytes]:
    """Return recorded frames as they go over the wire."""
    return sse.recorded_events(frames, named=True)


def completed(frames: Sequence[str]) -> tuple[str, list[Item]]:
    """Return the id and the items that a client takes from recorded frames; empty where they do not say.

    Args:
        frames: Recorded events, verbatim.
    """
    payloads = [payload for payload in map(sse.payload_of, frames) if is_frame(payload)]
    whole = [each["response"] for each in payloads if isinstance(each.get("response"), Mapping)]
    named = next((str(each["id"]) for each in reversed(whole) if each.get("id")), "")
    listed = whole[-1].get("output") if whole and payloads[-1].get("response") is whole[-1] else None
    done = [each.get("item") for each in payloads if each.get("type") == "response.output_item.done"]
    return named, [dict(each) for each in mappings(listed) or mappings(done)]


def output_items(answer: Answer) -> list[Item]:
    """Return the output of a response: reasoning, texts and calls in recorded order, each an item of its own.

    Raises:
        InexpressibleError: A part of the answer has no form here.
    """
    choice = answer.choices[0]
    require_known(choice, "OpenAI's Responses API", _OWN_ITEMS)
    items: list[Item] = []
    for part in choice.parts:
        made = _item(answer, part, len(items))
        if made.get("type") == "message" and items and items[-1].get("type") == "message":
            items[-1]["content"] += made["content"]
        elif made:
            items.append(made)
    return items


def _item(answer: Answer, part: Part, number: int) -> Item:
    own_id = str(part.get("item_id") or "")
    match part.get("type"):
        case "text" | "refusal":
            content = _content(part)
            head = {"id": own_id or f"msg_{answer.seq}_{number}", "type": "message", "role": "assistant"}
            return {**head, "status": "completed", "content": [content]} if content else {}
        case "reasoning":
            summary = [{"type": "summary_text", "text": text_in(part)}] if text_in(part) else []
            kept = {"encrypted_content": part["encrypted_content"]} if part.get("encrypted_content") else {}
            named = str(part.get("id") or own_id or f"rs_{answer.seq}_{number}")
            return {"id": named, "type": "reasoning", "summary": summary, **kept}
        case "tool_call":
            return {
                "id": own_id or f"fc_{answer.seq}_{number}",
                "type": "function_call",
                "status": "completed",
                "call_id": str(part.get("id") or ""),
                "name": str(part.get("name") or ""),
                "arguments": arguments_text(part),
            }
        case _:
            return dict(part)


def _content(part: Part) -> dict[str, Any]:
    text = text_in(part)
    if part.get("type") == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": part.get("annotations") or []} if text else {}


def _response(answer: Answer, asked: Mapping[str, Any], items: Sequence[Item]) -> dict[str, Any]:
    choice = answer.choices[0]
    cut_off = _cut_off(choice)
    return {
        "id": answer.id_as("resp_"),
        "object": "response",
        "created_at": answer.created_s,
        "status": "incomplete" if cut_off else "completed",
        "error": None,
        "incomplete_details": {"reason": cut_off} if cut_off else None,
        "model": answer.model,
        "output": items,
        "tools": asked.get("tools") or [],
        "text": asked.get("text") or {"format": {"type": "text"}},
        **{key: asked.get(key, default) for key, default in _ECHOED.items()},
        "usage": _usage(answer.usage),
    }


def _cut_off(choice: Choice) -> str:
    if choice.finish_reason == "content_filter" and not choice.refusal:
        return "content_filter"
    return _CUT_OFF.get(choice.finish_reason, "")


def _opened(item: Item) -> Item:
    """Return an item as it is announced: without its content."""
    match item.get("type"):
        case "message":
            return {**item, "status": "in_progress", "content": []}
        case "function_call":
            return {**item, "status": "in_progress", "arguments": ""}
        case "reasoning":
            return {**item, "summary": []}
        case _:
            return item


def _filled(item: Item, at: Mapping[str, Any], event: Callable[..., bytes]) -> Iterator[bytes]:
    """Yield the events that fill an item."""
    match item.get("type"):
        case "message":
            for number, content in enumerate(item["content"]):
                yield from _said(content, {**at, "content_index": number}, event)
        case "function_call":
            for piece in sse.pieces(item["arguments"]):
                yield event("response.function_call_arguments.delta", **at, delta=piece)
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield event("response.function_call_arguments.done", **at, **done)
        case "reasoning":
            for number, summary in enumerate(item["summary"]):
                yield from _thought(summary["text"], {**at, "summary_index": number}, event)


def _said(content: Mapping[str, Any], at: Mapping[str, Any], event: Callable[..., bytes]) -> Iterator[bytes]:
    field, name = ("refusal", "refusal") if content["type"] == "refusal" else ("text", "output_text")
    beside: dict[str, Any] = {"logprobs": []} if field == "text" else {}
    yield event("response.content_part.added", **at, part={**content, field: ""})
    for piece in sse.pieces(content[field]):
        yield event(f"response.{name}.delta", **at, delta=piece, **beside)
    yield event(f"response.{name}.done", **at, **{field: content[field]}, **beside)
    yield event("response.content_part.done", **at, part=content)


def _thought(text: str, at: Mapping[str, Any], event: Callable[..., bytes]) -> Iterator[bytes]:
    part = {"type": "summary_text", "text": text}
    yield event("response.reasoning_summary_part.added", **at, part={**part, "text": ""})
    for piece in sse.pieces(text):
        yield event("response.reasoning_summary_text.delta", **at, delta=piece)
    yield event("response.reasoning_summary_text.done", **at, text=text)
    yield event("response.reasoning_summary_part.done", **at, part=part)


def _usage(usage: Tokens | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
