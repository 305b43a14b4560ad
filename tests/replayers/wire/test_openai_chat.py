"""OpenAI's chat completions, asked with the official client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from tests.replayers.recordings import QUESTION, refund_trace, text
from tests.replayers.wire.served import HELLO, Served, call, recorded, says, served, word

from unrepeat.cases.trace import Message

TWO_CALLS = (word("Let me look."), call("c1", "find", {"q": "a b", "n": 2**70}), call("c2", "find", {"q": "ü"}))


class Weather(BaseModel):
    city: str
    degrees: float


def run_desk(desk: Served, client: Any, *, stream: bool) -> str:
    """Run the refund agent's loop over the wire."""
    import httpx

    history: list = [{"role": "system", "content": "You are a desk."}, {"role": "user", "content": QUESTION}]
    while True:
        if stream:
            with client.chat.completions.stream(model="m1", messages=history) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model="m1", messages=history).choices[0].message
        history.append(message)
        if not message.tool_calls:
            return message.content or ""
        for each in message.tool_calls:
            url = f"{desk.root}/boundary/tool/{each.function.name}"
            result = httpx.post(url, json=json.loads(each.function.arguments)).json()["answer"]
            history.append({"role": "tool", "tool_call_id": each.id, "content": result})


@pytest.mark.parametrize("stream", [False, True])
def test_agent_loop_gets_its_recorded_answers(stream: bool) -> None:
    with served(refund_trace()) as desk:
        assert run_desk(desk, desk.openai(), stream=stream) == "Done, refunded."
        assert desk.faultless()
        assert len(desk.playback.events) == 5


def test_answer_has_recorded_ids_usage_model_and_reason() -> None:
    trace = says(*TWO_CALLS, response_model="m1-2026", finish_reasons=("tool_calls",))
    with served(trace) as desk:
        answer = desk.openai().chat.completions.create(model="m1", messages=HELLO)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert [each.id for each in choice.message.tool_calls or ()] == ["c1", "c2"]
    assert choice.message.tool_calls[0].function.arguments == '{"q":"a b","n":1180591620717411303424}'
    assert (answer.model, answer.created) == ("m1-2026", 1_700_000_000)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)


def test_stream_says_what_the_answer_says() -> None:
    with served(says(*TWO_CALLS, times=2)) as desk:
        client = desk.openai()
        whole = client.chat.completions.create(model="m1", messages=HELLO).choices[0].message
        with client.chat.completions.stream(model="m1", messages=HELLO) as events:
            streamed = events.get_final_completion().choices[0].message
    assert streamed.content == whole.content
    assert [each.function.arguments for each in streamed.tool_calls] == [
        each.function.arguments for each in whole.tool_calls
    ]


def test_usage_is_streamed_only_when_asked_for() -> None:
    with served(says(word("hi"), times=2)) as desk:
        client = desk.openai()
        plain = list(client.chat.completions.create(model="m1", messages=HELLO, stream=True))
        counted = list(
            client.chat.completions.create(
                model="m1", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
    assert all(chunk.usage is None for chunk in [*plain, *counted[:-1]])
    assert counted[-1].choices == []
    assert counted[-1].usage.total_tokens == 18


def test_async_client_gets_the_same_stream() -> None:
    async def ask(desk: Served) -> str:
        stream = await desk.openai_async().chat.completions.create(model="m1", messages=HELLO, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    with served(says(word("one two  three\n"))) as desk:
        assert asyncio.run(ask(desk)) == "one two  three\n"


def test_structured_output_is_parsed() -> None:
    with served(says(word('{"city": "Ulm", "degrees": 3.5}'))) as desk:
        answer = desk.openai().chat.completions.parse(model="m1", messages=HELLO, response_format=Weather)
    assert answer.choices[0].message.parsed == Weather(city="Ulm", degrees=3.5)


def test_refusal_is_no_content() -> None:
    with served(says({"type": "refusal", "refusal": "I will not."})) as desk:
        message = desk.openai().chat.completions.create(model="m1", messages=HELLO).choices[0].message
    assert (message.content, message.refusal) == (None, "I will not.")


def test_several_choices_come_with_their_reasons() -> None:
    said = [Message(role="assistant", parts=(word(each),)) for each in ("one", "two")]
    trace = recorded(([text("user", "hello")], said), params={"choice.count": 2}, finish_reasons=("stop", "length"))
    with served(trace) as desk:
        choices = desk.openai().chat.completions.create(model="m1", messages=HELLO, n=2).choices
        assert desk.faultless()
    assert [(each.message.content, each.finish_reason) for each in choices] == [("one", "stop"), ("two", "length")]


def test_recorded_frames_are_served_as_recorded() -> None:
    chunk = {
        "id": "chatcmpl-9",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "m1",
        "choices": [{"index": 0, "delta": {"content": "as it was"}, "finish_reason": "stop"}],
    }
    with served(says(word("aggregated"), raw_frames=(json.dumps(chunk),))) as desk:
        chunks = list(desk.openai().chat.completions.create(model="m1", messages=HELLO, stream=True))
    assert [(each.id, each.choices[0].delta.content) for each in chunks] == [("chatcmpl-9", "as it was")]


def test_unrecorded_request_is_refused_once_and_stops_the_replay() -> None:
    with served(says(word("hi"))) as desk:
        client = desk.openai()
        client.chat.completions.create(model="m1", messages=HELLO)
        with pytest.raises(openai.UnprocessableEntityError, match="step 2, model call: the recording has no answer"):
            client.chat.completions.create(model="m1", messages=HELLO)
        assert desk.calls.stopped.is_set()
        assert len(desk.playback.events) == 2
        assert not desk.calls.faults


def test_changed_request_is_answered_and_reported() -> None:
    with served(says(word("hi"))) as desk:
        asked = [{"role": "user", "content": "something else"}]
        answer = desk.openai().chat.completions.create(model="m1", messages=asked)
        assert answer.choices[0].message.content == "hi"
        assert [each.grade for each in desk.playback.divergences] == ["changed_request"]


def test_parameters_count_under_all_their_names() -> None:
    with served(says(word("hi"), params={"max_tokens": 5, "stop_sequences": ["x"]})) as desk:
        desk.openai().chat.completions.create(model="m1", messages=HELLO, max_completion_tokens=5, stop="x", n=1)
        assert desk.faultless()


def test_models_are_those_of_the_recording() -> None:
    with served(says(word("hi"), response_model="m1-2026")) as desk:
        client = desk.openai()
        assert [each.id for each in client.models.list()] == ["m1", "m1-2026"]
        assert client.models.retrieve("m1").owned_by == "recording"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("m2")


def test_azure_client_finds_its_deployment() -> None:
    with served(says(word("hi"))) as desk:
        client: Any = openai.AzureOpenAI(azure_endpoint=desk.root, api_key="k", api_version="2024-10-21")
        assert client.chat.completions.create(model="m1", messages=HELLO).choices[0].message.content == "hi"
        assert desk.faultless()
