"""OpenAI's Responses API, asked with the official client."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from tests.replayers.recordings import answers, text
from tests.replayers.wire.served import Served, call, recorded, says, served, word

from unrepeat.cases.trace import Message
from unrepeat.replayers.wire import conversations
from unrepeat.replayers.wire.refusals import RefusedError

PARTS = (
    {"type": "reasoning", "content": "Think first."},
    word("I look."),
    call("c1", "find", {"q": "a"}),
    call("c2", "list_all", {}),
)
TOOLS = [{"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": None}]


class Weather(BaseModel):
    city: str


def agent_trace(**view):
    """Return a conversation with two tool calls at once."""
    asked = [text("system", "You search."), text("user", "hello")]
    proposal = Message(role="assistant", parts=PARTS)
    results = [answers("c1", "found"), answers("c2", "none")]
    return recorded(
        (asked, [proposal]),
        ([*asked, proposal, *results], [text("assistant", "Found it.")]),
        **view,
    )


def test_response_has_recorded_items_in_order() -> None:
    with served(says(*PARTS)) as desk:
        response = desk.openai().responses.create(model="m1", input="hello")
        assert desk.faultless()
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call", "function_call"]
    assert response.output_text == "I look."
    assert [each.call_id for each in response.output[2:]] == ["c1", "c2"]
    assert response.usage.total_tokens == 18


def test_stream_says_what_the_response_says() -> None:
    with served(says(*PARTS)) as desk, desk.openai().responses.stream(model="m1", input="hello") as events:
        seen = list(events)
        response = events.get_final_response()
    assert [event.sequence_number for event in seen[:3]] == [0, 1, 2]
    assert response.output_text == "I look."
    assert response.output[2].arguments == '{"q":"a"}'
    assert seen[0].type == "response.created"
    assert seen[-1].type == "response.completed"


def test_async_client_gets_the_same_stream() -> None:
    async def ask(desk: Served) -> str:
        stream = await desk.openai_async().responses.create(model="m1", input="hello", stream=True)
        return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])

    with served(says(word("one two  three\n"))) as desk:
        assert asyncio.run(ask(desk)) == "one two  three\n"


def test_agent_loop_that_sends_all_items_gets_its_recorded_answers() -> None:
    with served(agent_trace()) as desk:
        client = desk.openai()
        items: list = [{"role": "user", "content": "hello"}]
        first = client.responses.create(model="m1", instructions="You search.", input=items, tools=TOOLS)
        items += first.output
        items += [{"type": "function_call_output", "call_id": "c1", "output": "found"}]
        items += [{"type": "function_call_output", "call_id": "c2", "output": "none"}]
        last = client.responses.create(model="m1", instructions="You search.", input=items, tools=TOOLS)
        assert last.output_text == "Found it."
        assert desk.faultless()


def test_agent_loop_that_names_the_previous_response_gets_its_recorded_answers() -> None:
    with served(agent_trace()) as desk:
        client = desk.openai()
        first = client.responses.create(model="m1", instructions="You search.", input="hello")
        new = [
            {"type": "function_call_output", "call_id": "c1", "output": "found"},
            {"type": "function_call_output", "call_id": "c2", "output": "none"},
        ]
        last = client.responses.create(model="m1", instructions="You search.", input=new, previous_response_id=first.id)
        assert last.output_text == "Found it."
        assert last.previous_response_id == first.id
        assert desk.faultless()


def test_recording_that_keeps_each_item_as_a_message_differs_by_noise_at_most() -> None:
    asked = [text("user", "hello")]
    items = [Message(role="assistant", parts=(part,)) for part in PARTS[1:]]
    results = [answers("c1", "found"), answers("c2", "none")]
    trace = recorded((asked, items), ([*asked, *items, *results], [text("assistant", "Found it.")]))
    with served(trace) as desk:
        client = desk.openai()
        first = client.responses.create(model="m1", input="hello")
        new = [
            {"type": "function_call_output", "call_id": each.call_id, "output": output}
            for each, output in zip(first.output[1:], ("found", "none"), strict=True)
        ]
        last = client.responses.create(model="m1", input=new, previous_response_id=first.id)
        assert last.output_text == "Found it."
        assert [each.grade for each in desk.playback.divergences] == ["noise"]


def test_unknown_previous_response_is_refused() -> None:
    with served(agent_trace()) as desk:
        with pytest.raises(openai.BadRequestError, match="expected a response of this replay"):
            desk.openai().responses.create(model="m1", input="hello", previous_response_id="resp_other")
        assert len(desk.calls.faults) == 1


def test_structured_output_is_parsed() -> None:
    with served(says(word('{"city": "Ulm"}'))) as desk:
        response = desk.openai().responses.parse(model="m1", input="hello", text_format=Weather)
    assert response.output_parsed == Weather(city="Ulm")


def test_answer_that_was_cut_off_is_incomplete() -> None:
    with served(says(word("cut o"), finish_reasons=("max_tokens",), times=2)) as desk:
        response = desk.openai().responses.create(model="m1", input="hello")
        stream = list(desk.openai().responses.create(model="m1", input="hello", stream=True))
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert stream[-1].type == "response.incomplete"


def test_items_that_are_only_named_are_those_that_were_served() -> None:
    with served(agent_trace()) as desk:
        client = desk.openai()
        items: list = [{"role": "user", "content": "hello"}]
        first = client.responses.create(model="m1", instructions="You search.", input=items)
        items += [{"type": "item_reference", "id": item.id} for item in first.output]
        items += [{"type": "function_call_output", "call_id": "c1", "output": "found"}]
        items += [{"type": "function_call_output", "call_id": "c2", "output": "none"}]
        last = client.responses.create(model="m1", instructions="You search.", input=items)
        assert last.output_text == "Found it."
        assert desk.faultless()


def test_unknown_item_is_refused() -> None:
    with served(agent_trace()) as desk:
        with pytest.raises(openai.BadRequestError, match="expected an item of this replay"):
            desk.openai().responses.create(model="m1", input=[{"type": "item_reference", "id": "msg_other"}])
        assert len(desk.calls.faults) == 1


def test_conversations_are_bounded_with_their_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_MOST_BYTES", 250)
    kept = conversations.Conversations()
    for number in range(5):
        kept.keep(f"r{number}", {"input": []}, [{"id": f"i{number}", "type": "message", "role": "assistant"}], 100)
    for number, is_known in enumerate((False, False, False, True, True)):
        for asked in ({"input": "x", "previous_response_id": f"r{number}"},
                      {"input": [{"type": "item_reference", "id": f"i{number}"}]}):  # fmt: skip
            with contextlib.nullcontext() if is_known else pytest.raises(RefusedError, match="of this replay"):
                kept.whole(asked, goes_on=True)


def frames(*items: dict, in_the_end: bool) -> tuple[str, ...]:
    """Return the events of a recorded stream, with the ids that the provider gave."""
    whole: dict[str, Any] = {
        "id": "resp_real",
        "object": "response",
        "created_at": 0,
        "model": "m1",
        "status": "completed",
    }
    ending: dict[str, Any] = {
        **whole,
        "output": list(items) if in_the_end else [],
        "tools": [],
        "parallel_tool_calls": True,
    }
    ending["tool_choice"] = "auto"
    done = [{"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(items)]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**ending, "status": "in_progress", "output": []}},
        *done,
        {"type": "response.completed", "response": ending},
    ]
    return tuple(json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events))


@pytest.mark.parametrize("in_the_end", [True, False])
def test_conversation_is_kept_under_the_ids_of_the_recorded_stream(in_the_end: bool) -> None:
    content = [{"type": "output_text", "text": "I look.", "annotations": []}]
    item = {"id": "msg_real", "type": "message", "role": "assistant", "status": "completed", "content": content}
    asked, said = [text("user", "hello")], text("assistant", "I look.")
    again = text("user", "again")
    turns = (asked, [said]), ([*asked, said, again], [said]), ([*asked, said, again], [said])
    with served(recorded(*turns, raw_frames=frames(item, in_the_end=in_the_end))) as desk:
        client = desk.openai()
        first = list(client.responses.create(model="m1", input="hello", stream=True))[-1].response
        assert first.id == "resp_real"
        new = {"role": "user", "content": "again"}
        client.responses.create(model="m1", input=[new], previous_response_id="resp_real")
        named = {"type": "item_reference", "id": "msg_real"}
        client.responses.create(model="m1", input=[{"role": "user", "content": "hello"}, named, new])
        assert desk.faultless()
