"""Parameters of model requests under their many names."""

from __future__ import annotations

from typing import Any

import pytest

from unrepeat.replayers.parameters import named_alike
from unrepeat.replayers.request import Conversation, PreparedRequest, Request, prepare


def test_names_of_one_thing_are_one_name() -> None:
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        assert named_alike({name: 5}) == {"max_tokens": 5}


def test_two_names_at_once_both_stay() -> None:
    assert named_alike({"max_tokens": 5, "max_completion_tokens": 6}) == {"max_tokens": 5, "max_completion_tokens": 6}


def test_stop_word_is_a_list_of_one() -> None:
    assert named_alike({"stop": "x"}) == named_alike({"stop_sequences": ["x"]})


def test_one_choice_is_the_default() -> None:
    assert named_alike({"n": 1}) == {}
    assert named_alike({"n": 2}) == {"choice.count": 2}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
    ],
)
def test_choice_of_a_tool_is_one_in_every_protocol(one: Any, other: Any) -> None:
    assert named_alike({"tool_choice": one}) == named_alike({"tool_choice": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "g"}),
        ("auto", "required"),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"type": "auto"}),
    ],
)
def test_different_choices_stay_different(one: Any, other: Any) -> None:
    assert named_alike({"tool_choice": one}) != named_alike({"tool_choice": other})


def asked(**body: Any) -> PreparedRequest:
    return prepare("model", {"model": "m", "messages": "hi", **body}, Conversation())


def recorded(**params: Any) -> PreparedRequest:
    value = {"model": "m", "params": params, "tools": [], "system": []}
    return PreparedRequest(Request(kind="model", value=value, messages=asked().request.messages, partial=True))


@pytest.mark.parametrize(
    "body",
    [
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"response_format": {"type": "json_object"}},
        {"text": {"format": {"type": "json_schema"}}},
    ],
)
def test_output_type_of_a_trace_is_the_format_that_was_asked_for(body: dict) -> None:
    known = recorded(output_type="json")
    assert asked(**body).comparable(known)[0].exact == known.exact
    assert asked().comparable(known)[0].exact != known.exact


def test_system_prompt_in_blocks_is_read() -> None:
    blocks = asked(system=[{"type": "text", "text": "be kind"}])
    assert blocks.exact == asked(system="be kind").exact
    assert blocks.exact != asked(system=[{"type": "text", "text": "be unkind"}]).exact


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "function", "function": {"name": "f", "parameters": {}}}, {"name": "f", "input_schema": {}}),
        ({"type": "function", "name": "f", "parameters": {}, "strict": None}, {"name": "f", "input_schema": {}}),
        ({"type": "custom", "name": "f", "input_schema": {}}, {"name": "f", "input_schema": {}}),
    ],
)
def test_schema_of_a_tool_is_one_in_every_protocol(one: dict, other: dict) -> None:
    assert asked(tools=[one]).exact == asked(tools=[other]).exact


def test_cache_control_of_a_tool_counts() -> None:
    tool = {"name": "f", "input_schema": {}}
    assert asked(tools=[{**tool, "cache_control": {"type": "ephemeral"}}]).exact != asked(tools=[tool]).exact


def said(*messages: dict) -> PreparedRequest:
    return prepare("model", {"messages": list(messages)}, Conversation())


def test_what_clients_add_to_what_they_send_back_does_not_count() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "x"}
    one = said({"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": [result]})
    other = said(
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [{**call, "index": 0}]},
        {"role": "user", "content": [{**result, "is_error": False, "caller": None}]},
    )
    assert one.exact == other.exact


def test_error_of_a_tool_counts() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "x"}
    failed = said({"role": "user", "content": [{**result, "is_error": True}]})
    assert failed.exact != said({"role": "user", "content": [result]}).exact


def test_reasoning_counts_by_its_text() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    one = said({"role": "assistant", "content": [thought]})
    assert one.exact == said({"role": "assistant", "content": [{**thought, "signature": ""}]}).exact
    assert one.exact != said({"role": "assistant", "content": [{**thought, "thinking": "oh"}]}).exact


def test_refusal_counts() -> None:
    refused = said({"role": "assistant", "content": None, "refusal": "no"})
    assert refused.exact == said({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}).exact
    assert refused.exact != said({"role": "assistant", "content": None}).exact


def test_turn_in_several_messages_is_noise() -> None:
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}
    text = {"type": "text", "content": "I look."}
    one = said({"role": "assistant", "parts": [text, call]})
    several = said({"role": "assistant", "parts": [text]}, {"role": "assistant", "parts": [call]})
    assert one.exact != several.exact
    assert one.noise == several.noise
    assert one.noise != said({"role": "assistant", "parts": [text]}).noise
