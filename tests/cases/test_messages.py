"""Messages of every dialect in the parts form, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.messages import to_message, to_messages, to_openai
from unrepeat.cases.trace import Message

CALL = {"type": "tool_call", "id": "c1", "name": "refund", "arguments": {"order": 7}}
RESPONSE = {"type": "tool_call_response", "id": "c1", "response": "done"}
HELLO = {"type": "text", "content": "hello"}


@pytest.mark.parametrize(
    "raw",
    [
        {"role": "user", "content": "hello"},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        {"role": "user", "content": [{"type": "text", "content": "hello"}]},
        {"role": "user", "parts": [{"type": "text", "content": "hello"}]},
        {"role": "user", "parts": [{"text": "hello"}]},
        {"type": "human", "content": "hello"},
        {"type": "human", "data": {"content": "hello"}},
        {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "hello"}},
    ],
    ids=["openai", "blocks", "responses", "agentdojo", "genai", "gemini", "langchain", "langchain-data", "lc"],
)
def test_a_user_message_reads_the_same_in_every_dialect(raw):
    assert to_message(raw) == [Message(role="user", parts=(HELLO,))]


@pytest.mark.parametrize(
    "raw",
    [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
            ],
        },
        {"role": "assistant", "tool_calls": [{"function": "refund", "args": {"order": 7}, "id": "c1"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "refund", "input": {"order": 7}}],
        },
        {"role": "assistant", "parts": [CALL]},
        {"role": "assistant", "parts": [{**CALL, "arguments": '{"order": 7}'}]},
        {
            "type": "ai",
            "content": "",
            "tool_calls": [{"name": "refund", "args": {"order": 7}, "id": "c1", "type": "tool_call"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "refund", "arguments": '{"order": 7}'},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "refund", "args": {"order": 7}}}]},
    ],
    ids=["openai", "agentdojo", "anthropic", "genai", "genai-text", "langchain", "responses", "gemini"],
)
def test_a_tool_call_reads_the_same_in_every_dialect(raw):
    assert to_message(raw) == [Message(role="assistant", parts=(CALL,))]


@pytest.mark.parametrize(
    "raw",
    [
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "done"}]},
        {"role": "tool", "parts": [RESPONSE]},
        {"type": "tool", "tool_call_id": "c1", "content": "done"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"role": "tool", "content": [{"type": "text", "content": "done"}], "tool_call": {"id": "c1"}},
    ],
    ids=["openai", "anthropic", "genai", "langchain", "responses", "agentdojo"],
)
def test_a_tool_response_reads_the_same_in_every_dialect(raw):
    assert to_message(raw) == [Message(role="tool", parts=(RESPONSE,))]


def test_several_tool_results_become_several_messages():
    results = [{"type": "tool_result", "tool_use_id": f"c{n}", "content": "ok"} for n in (1, 2)]
    messages = to_message({"role": "user", "content": [*results, {"type": "text", "text": "hello"}]})
    assert [message.role for message in messages] == ["tool", "tool", "user"]


def test_unknown_parts_and_extra_fields_are_kept():
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    cached = {"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}
    message = to_message({"role": "user", "content": [image, cached]})[0]
    assert message.parts == (image, {**HELLO, "cache_control": {"type": "ephemeral"}})


def test_arguments_that_are_not_json_stay_text():
    call = {"id": "c1", "function": {"name": "refund", "arguments": '{"order": '}}
    assert to_message({"role": "assistant", "tool_calls": [call]})[0].parts[0]["arguments"] == '{"order": '


def test_thinking_becomes_reasoning():
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    part = to_message({"role": "assistant", "content": [block]})[0].parts[0]
    assert part == {"type": "reasoning", "content": "hm", "signature": "s"}


@pytest.mark.parametrize(
    "raw",
    [
        "hello",
        ["hello"],
        [{"role": "user", "content": "hello"}],
        {"messages": [{"role": "user", "content": "hello"}]},
        json.dumps([{"role": "user", "parts": [HELLO]}]),
        json.dumps(json.dumps([{"role": "user", "parts": [HELLO]}])),
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    ],
)
def test_a_list_of_messages_is_found_in_what_holds_it(raw):
    assert to_messages(raw) == [Message(role="user", parts=(HELLO,))]


def test_answers_of_a_chat_completion_are_found():
    body = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}]}
    assert to_messages(body) == [Message(role="assistant", parts=(HELLO,), finish_reason="stop")]


def test_text_that_nests_too_deeply_stays_text():
    text = "[" * 300 + "]" * 300
    assert to_messages(text) == [Message(role="user", parts=({"type": "text", "content": text},))]


def test_a_tool_call_goes_back_to_openai():
    message = Message(role="assistant", parts=(HELLO, CALL))
    assert to_openai(message) == {
        "role": "assistant",
        "content": "hello",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order":7}'}}],
    }


def test_a_tool_response_goes_back_to_openai():
    message = Message(role="tool", parts=({**RESPONSE, "response": {"ok": True}},), name="refund")
    assert to_openai(message) == {"role": "tool", "tool_call_id": "c1", "content": '{"ok":true}', "name": "refund"}


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "parts",
                    "type",
                    "text",
                    "tool_calls",
                    "function",
                    "name",
                    "id",
                    "kwargs",
                    "lc",
                    "data",
                ]
            )
            | st.text(max_size=3),
            inner | st.sampled_from(["tool", "tool_use", "text", "ai", "tool_result", "function_call"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(anything)
def test_anything_reads_as_messages_without_a_crash(raw):
    for message in to_messages(raw):
        assert isinstance(to_openai(message), dict)


openai_messages = st.builds(
    lambda content, calls: {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})},
    st.none() | st.text(min_size=1),
    st.lists(
        st.builds(
            lambda name, number: {
                "id": f"c{number}",
                "type": "function",
                "function": {"name": name, "arguments": f'{{"n":{number}}}'},
            },
            st.text(min_size=1),
            st.integers(),
        ),
        max_size=2,
    ),
)


@given(openai_messages)
def test_openai_messages_come_back_unchanged(raw):
    assert [to_openai(message) for message in to_message(raw)] == [raw]
