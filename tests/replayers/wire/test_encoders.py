"""Encoders: whatever a model was recorded to say comes out in each protocol, whole or streamed, and back in again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.replayers.wire.served import call, word

from unrepeat.cases.messages import to_message
from unrepeat.cases.trace import Message
from unrepeat.replayers.canonical import message_key
from unrepeat.replayers.wire import anthropic_messages, openai_chat, openai_responses, sse
from unrepeat.replayers.wire.answers import Answer, Choice, tokens
from unrepeat.replayers.wire.responses_input import conversation

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text("abc_", min_size=1, max_size=8)
TEXTS = st.builds(word, st.text(min_size=1))
CALLS = st.builds(call, NAMES, NAMES, st.dictionaries(st.text(), JSON, max_size=3))
THOUGHTS = st.builds(lambda said: {"type": "reasoning", "content": said}, st.text(min_size=1))
REFUSALS = st.builds(lambda said: {"type": "refusal", "refusal": said}, st.text(min_size=1))
REASONS = st.sampled_from(
    ["", "stop", "length", "tool_calls", "tool_call", "end_turn", "max_tokens", "tool_use", "refusal", "content_filter"]
)
ANY = st.lists(TEXTS | CALLS | THOUGHTS | REFUSALS, max_size=5)
IN_ORDER = st.tuples(st.lists(THOUGHTS, max_size=1), st.lists(TEXTS, max_size=1), st.lists(CALLS, max_size=3)).map(
    lambda lists: [part for parts in lists for part in parts]
)
ANTHROPIC_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
RESPONSES_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def answer(parts: list[dict], reason: str = "") -> Answer:
    return Answer(seq=3, choices=(Choice(tuple(parts), reason),), model="m1", usage=tokens({"input_tokens": 2}))


def payloads(events: Any) -> list[Any]:
    """Return the JSON values of a stream, as a client reads them."""
    blocks = b"".join(events).decode().split("\n\n")
    assert blocks.pop() == ""
    lines = [line for block in blocks for line in block.split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


@given(st.text())
def test_pieces_of_a_text_are_the_text(text: str) -> None:
    pieces = list(sse.pieces(text))
    assert "".join(pieces) == text
    assert all(pieces)


@given(ANY, REASONS)
def test_chat_completion_is_valid_and_streams_the_same(parts: list[dict], reason: str) -> None:
    whole = openai_chat.body(answer(parts, reason), {})
    made: Any = ChatCompletion.model_validate(whole, strict=True).choices[0]
    said: dict[str, str] = {"content": "", "refusal": "", "reasoning_content": ""}
    calls: dict[int, dict] = {}
    for payload in payloads(openai_chat.events(answer(parts, reason), {})):
        chunk: Any = ChatCompletionChunk.model_validate(payload, strict=True).choices[0]
        for field in said:
            said[field] += getattr(chunk.delta, field, None) or ""
        for each in chunk.delta.tool_calls or ():
            known = calls.setdefault(each.index, {"id": each.id, "name": each.function.name, "arguments": ""})
            known["arguments"] += each.function.arguments
    assert said["content"] == (made.message.content or "")
    assert said["refusal"] == (made.message.refusal or "")
    assert said["reasoning_content"] == getattr(made.message, "reasoning_content", "")
    assert list(calls.values()) == [
        {"id": each.id, "name": each.function.name, "arguments": each.function.arguments}
        for each in made.message.tool_calls or ()
    ]
    assert chunk.finish_reason == made.finish_reason


@given(IN_ORDER)
def test_chat_message_sent_back_is_the_recorded_one(parts: list[dict]) -> None:
    message = openai_chat.body(answer(parts), {})["choices"][0]["message"]
    assert key(to_message(message)) == key([Message(role="assistant", parts=tuple(parts))])


@given(ANY, REASONS)
def test_anthropic_message_is_valid_and_streams_the_same(parts: list[dict], reason: str) -> None:
    whole = anthropic_messages.body(answer(parts, reason), {})
    AnthropicMessage.model_validate(whole)
    blocks: list[dict] = []
    for payload in payloads(anthropic_messages.events(answer(parts, reason), {})):
        ANTHROPIC_EVENT.validate_python(payload)
        match payload["type"]:
            case "content_block_start":
                blocks.append(payload["content_block"])
                arguments = ""
            case "content_block_delta":
                delta = dict(payload["delta"])
                kind = delta.pop("type")
                if kind == "input_json_delta":
                    arguments += delta["partial_json"]
                else:
                    for field, piece in delta.items():
                        blocks[-1][field] += piece
            case "content_block_stop" if blocks[-1]["type"] == "tool_use":
                blocks[-1]["input"] = json.loads(arguments or "{}")
            case "message_delta":
                assert payload["delta"]["stop_reason"] == whole["stop_reason"]
    assert blocks == json.loads(json.dumps(whole["content"]))


@given(st.lists(TEXTS | CALLS | THOUGHTS, max_size=5))
def test_anthropic_message_sent_back_is_the_recorded_one(parts: list[dict]) -> None:
    whole = anthropic_messages.body(answer(parts), {})
    sent = to_message({"role": "assistant", "content": whole["content"]})
    assert key(sent) == key([Message(role="assistant", parts=tuple(parts))])


@given(ANY, REASONS)
def test_response_is_valid_and_streams_the_same(parts: list[dict], reason: str) -> None:
    whole = openai_responses.body(answer(parts, reason), {"model": "m1"})
    Response.model_validate(whole)
    seen = payloads(openai_responses.events(answer(parts, reason), {"model": "m1"}))
    for payload in seen:
        RESPONSES_EVENT.validate_python(payload)
    assert [payload["sequence_number"] for payload in seen] == list(range(len(seen)))
    assert seen[-1]["response"] == json.loads(json.dumps(whole))
    done = [payload["item"] for payload in seen if payload["type"] == "response.output_item.done"]
    assert done == seen[-1]["response"]["output"]
    for kind, field in (("output_text", "text"), ("refusal", "refusal"), ("function_call_arguments", "arguments")):
        pieces = "".join(each["delta"] for each in seen if each["type"] == f"response.{kind}.delta")
        assert pieces == "".join(each[field] for each in seen if each["type"] == f"response.{kind}.done")


@given(ANY)
def test_response_items_sent_back_are_the_recorded_message(parts: list[dict]) -> None:
    items = openai_responses.output_items(answer(parts))
    sent = [each for item in conversation(items) for each in to_message(item)]
    assert key(sent) == key([Message(role="assistant", parts=tuple(parts))] if parts else [])


def key(messages: list[Message]) -> list[bytes]:
    return [message_key(each) for each in messages]


def test_half_a_surrogate_pair_is_served() -> None:
    whole = openai_chat.body(answer([word("\ud83d"), call("c1", "f", {"x": "\ude00"})]), {})
    assert "\\ud83d" in sse.event(whole).decode()


@pytest.mark.parametrize("arguments", ["[1]", "not json", 3, [1]])
def test_arguments_that_are_no_object_have_no_form_in_anthropics_protocol(arguments: Any) -> None:
    from unrepeat.replayers.wire.answers import InexpressibleError

    with pytest.raises(InexpressibleError, match="arguments of f are no object"):
        anthropic_messages.body(answer([call("c1", "f", arguments)]), {})
