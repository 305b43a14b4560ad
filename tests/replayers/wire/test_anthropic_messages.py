"""Anthropic's messages, asked with the official client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import httpx
import pytest
from pydantic import BaseModel
from tests.replayers.recordings import answers, text
from tests.replayers.wire.served import HELLO, Served, call, recorded, says, served, word

from unrepeat.cases.trace import Message

PARTS = (
    {"type": "reasoning", "content": "Think first.", "signature": "sig=="},
    word("I look."),
    call("toolu_1", "find", {"q": "a"}),
    call("toolu_2", "list_all", {}),
)


class Weather(BaseModel):
    city: str


def test_message_has_recorded_blocks_usage_and_reason() -> None:
    with served(says(*PARTS, finish_reasons=("tool_calls",))) as desk:
        message = desk.anthropic().messages.create(model="m1", messages=HELLO, max_tokens=9)
        assert desk.faultless()
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].signature == "sig=="
    assert [(each.id, each.input) for each in message.content[2:]] == [("toolu_1", {"q": "a"}), ("toolu_2", {})]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 11, 7)


def test_stream_says_what_the_message_says() -> None:
    with served(says(*PARTS, times=2)) as desk:
        client = desk.anthropic()
        whole = client.messages.create(model="m1", messages=HELLO, max_tokens=9)
        with client.messages.stream(model="m1", messages=HELLO, max_tokens=9) as events:
            names = {event.type for event in events}
            streamed = events.get_final_message()
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert streamed.usage.output_tokens == 7
    assert {"thinking", "signature", "text", "input_json", "message_stop"} <= names


def test_async_client_gets_the_same_stream() -> None:
    async def ask(desk: Served) -> str:
        async with desk.anthropic_async().messages.stream(model="m1", messages=HELLO, max_tokens=9) as events:
            return "".join([piece async for piece in events.text_stream])

    with served(says(word("one two  three\n"))) as desk:
        assert asyncio.run(ask(desk)) == "one two  three\n"


def agent_trace():
    """Return a conversation with a tool, the system prompt apart."""
    asked = [text("user", "hello")]
    proposal = Message(role="assistant", parts=PARTS[1:3])
    return recorded(
        (asked, [proposal]),
        ([*asked, proposal, answers("toolu_1", "found")], [text("assistant", "Found it.")]),
        system_instructions=({"type": "text", "content": "You search."},),
    )


def test_agent_loop_gets_its_recorded_answers() -> None:
    system = [{"type": "text", "text": "You search.", "cache_control": {"type": "ephemeral"}}]
    with served(agent_trace()) as desk:
        client, history = desk.anthropic(), [*HELLO]
        first = client.messages.create(model="m1", messages=history, system=system, max_tokens=9)
        result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "found", "is_error": False}
        history += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        last = client.messages.create(model="m1", messages=history, system=system, max_tokens=9)
        assert last.content[0].text == "Found it."
        assert desk.faultless()


def test_changed_system_prompt_is_seen() -> None:
    with served(agent_trace()) as desk:
        desk.anthropic().messages.create(model="m1", messages=HELLO, system="You invent.", max_tokens=9)
        assert [each.path for each in desk.playback.divergences[0].differences] == ["/system/0"]


def test_recording_of_openai_is_said_in_anthropics_words() -> None:
    with served(says(word("cut o"), finish_reasons=("length",))) as desk:
        assert desk.anthropic().messages.create(model="m1", messages=HELLO, max_tokens=9).stop_reason == "max_tokens"


def test_structured_output_is_parsed() -> None:
    with served(says(word('{"city": "Ulm"}'))) as desk:
        message = desk.anthropic().messages.parse(model="m1", messages=HELLO, max_tokens=9, output_format=Weather)
    assert message.parsed_output == Weather(city="Ulm")


def test_answer_that_has_no_form_is_refused() -> None:
    with served(says({"type": "blob", "mime_type": "image/png", "content": "AA=="})) as desk:
        with pytest.raises(anthropic.UnprocessableEntityError, match="no form for a recorded part of type 'blob'"):
            desk.anthropic().messages.create(model="m1", messages=HELLO, max_tokens=9)
        assert len(desk.calls.faults) == 1


def test_miss_is_refused_in_anthropics_form() -> None:
    with served(recorded()) as desk:
        with pytest.raises(anthropic.UnprocessableEntityError) as caught:
            desk.anthropic().messages.create(model="m1", messages=HELLO, max_tokens=9)
        body: Any = caught.value.body
        assert body["error"]["type"] == "invalid_request_error"
        assert caught.value.response.headers["x-should-retry"] == "false"


def test_recorded_frames_are_served_with_their_names() -> None:
    frames = [
        {
            "type": "message_start",
            "message": {
                "id": "msg_9", "type": "message", "role": "assistant", "model": "m1", "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "as it was"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]  # fmt: skip
    trace = says(word("aggregated"), raw_frames=tuple(map(json.dumps, frames)))
    with served(trace) as desk, desk.anthropic().messages.stream(model="m1", messages=HELLO, max_tokens=9) as events:
        message = events.get_final_message()
    assert (message.id, message.content[0].text) == ("msg_9", "as it was")


def test_count_of_recorded_request_takes_no_recorded_call() -> None:
    with served(says(word("hi"))) as desk:
        client = desk.anthropic()
        assert client.messages.count_tokens(model="m1", messages=HELLO).input_tokens == 11
        assert client.messages.count_tokens(model="m1", messages=HELLO).input_tokens == 11
        client.messages.create(model="m1", messages=HELLO, max_tokens=9)
        assert desk.faultless()
        assert len(desk.playback.events) == 1


def test_unrecorded_count_is_refused_and_no_step() -> None:
    with served(says(word("hi"))) as desk:
        with pytest.raises(anthropic.UnprocessableEntityError, match="no count"):
            desk.anthropic().messages.count_tokens(model="m1", messages=[{"role": "user", "content": "bye"}])
        assert desk.playback.events == []
        assert not desk.calls.stopped.is_set()


def test_models_have_anthropics_form() -> None:
    with served(says(word("hi"))) as desk:
        assert [each.display_name for each in desk.anthropic().models.list()] == ["m1"]


def test_base_url_may_lack_the_version() -> None:
    body = {"model": "m1", "messages": HELLO, "max_tokens": 9}
    with served(says(word("hi"))) as desk:
        answer = httpx.post(f"{desk.root}/messages", json=body, headers={"anthropic-version": "2023-06-01"}).json()
    assert answer["content"][0]["text"] == "hi"
