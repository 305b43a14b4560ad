"""Requests as apps send them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.messages import to_message
from unrepeat.replayers.canonical import message_key
from unrepeat.replayers.request import Conversation, PreparedRequest, Request, prepare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ASKED: dict[str, Any] = {
    "role": "assistant",
    "content": "I look it up.",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get", "arguments": {"id": 1}}}],
}


def arguments_of(raw):
    return raw["tool_calls"][0]["function"]["arguments"]


@given(st.dictionaries(st.sampled_from(["role", "content", "name"]), JSON, max_size=3))
def test_a_message_read_again_is_the_message_read_afresh(raw):
    conversation = Conversation()
    conversation.read([raw])
    assert [repr(message) for message, _ in conversation.read([raw])] == [repr(each) for each in to_message(raw)]


def test_each_message_comes_with_its_key():
    ((message, key),) = Conversation().read([ASKED])
    assert key == message_key(message)


def test_what_the_app_changes_later_does_not_change_what_was_read():
    raw, conversation = copy.deepcopy(ASKED), Conversation()
    ((before, _),) = conversation.read([raw])
    arguments_of(raw)["id"] = 2
    assert before.parts[1]["arguments"] == {"id": 1}


def test_a_changed_message_is_read_anew():
    raw, conversation = copy.deepcopy(ASKED), Conversation()
    ((_, before),) = conversation.read([raw])
    arguments_of(raw)["id"] = 2
    ((_, after),) = conversation.read([raw])
    assert before != after


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0.0, -0.0), (float("nan"), None)])
def test_values_that_only_look_equal_are_kept_apart(one, other):
    conversation = Conversation()
    conversation.read([{"role": "user", "content": [{"type": "data", "value": one}]}])
    ((message, _),) = conversation.read([{"role": "user", "content": [{"type": "data", "value": other}]}])
    assert repr(message.parts[0]["value"]) == repr(other)


def test_a_message_of_other_types_is_read_too():
    class Odd(dict):
        pass

    ((message, _),) = Conversation().read([Odd(role="user", content="hello")])
    assert message.parts == ({"type": "text", "content": "hello"},)


def test_prompt_as_text_is_a_user_message():
    request = prepare("model", {"prompt": "hello", "model": "m"}, Conversation())
    assert [message.role for message in request.request.messages] == ["user"]


def test_keys_given_are_those_computed():
    prepared = prepare(
        "model", {"messages": [ASKED, {"role": "tool", "tool_call_id": "c1", "content": "x"}]}, Conversation()
    )
    assert prepared.message_keys == PreparedRequest(prepared.request).message_keys


@pytest.mark.parametrize(("one", "other"), [({"a": 1}, {"a": True}), ({"a": 1}, {"a": 1.0}), ({"a": "x"}, {"a": "y"})])
def test_requests_that_differ_have_different_keys(one, other):
    first, second = (PreparedRequest(Request(kind="tool", value=value)) for value in (one, other))
    assert first.exact != second.exact


def test_order_of_arguments_does_not_matter():
    first, second = (
        PreparedRequest(Request(kind="tool", value=value)) for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert first.exact == second.exact


def asked_with(system):
    return prepare("model", {"model": "m", "system": system, "messages": []}, Conversation())


def test_a_system_prompt_in_blocks_is_the_prompt_as_a_text():
    assert asked_with([{"type": "text", "text": "Be kind."}]).exact == asked_with("Be kind.").exact


def test_a_system_prompt_in_blocks_is_compared():
    said = [asked_with([{"type": "text", "text": text}]).exact for text in ("Be kind.", "Be quick.")]
    assert said[0] != said[1]


def test_how_a_request_travels_is_not_reported_as_not_compared():
    known = Request(kind="model", value={"model": "m", "tools": [], "system": [], "params": {}}, partial=True)
    asked = prepare("model", {"model": "m", "messages": [], "stream": True, "user": "u", "seed": 1}, Conversation())
    assert asked.comparable(PreparedRequest(known))[1] == ("params.seed",)
