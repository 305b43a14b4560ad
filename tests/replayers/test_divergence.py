"""Which fields of a call differ, in words people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.replayers.recordings import text

from unrepeat.cases.trace import Message
from unrepeat.replayers.divergence import EXCERPT, MAX_DIFFERENCES, request_differences, value_differences
from unrepeat.replayers.request import Request

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=3), each, max_size=4),
    max_leaves=12,
)


@given(values)
def test_equal_values_have_no_differences(value):
    assert value_differences(value, value) == ()


@given(values, values)
def test_unequal_values_have_a_difference(left, right):
    assert bool(value_differences(left, right)) == (repr(left) != repr(right) and not same(left, right))


def same(left: object, right: object) -> bool:
    """Equality that keeps 1 and True apart."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


@pytest.mark.parametrize(
    ("recorded", "replayed", "path", "change"),
    [
        ({"amount": 1}, {"amount": 2}, "/amount", "changed"),
        ({"amount": 1}, {}, "/amount", "removed"),
        ({}, {"amount": 1}, "/amount", "added"),
        ({"to": [{"id": 1}]}, {"to": [{"id": 2}]}, "/to/0/id", "changed"),
        ([1, 2, 3], [1, 3], "/1", "removed"),
    ],
)
def test_difference_names_place_and_kind(recorded, replayed, path, change):
    [found] = value_differences(recorded, replayed)
    assert (found.path, found.change) == (path, change)


def test_long_texts_are_shown_around_the_first_difference():
    [found] = value_differences("x" * 5000 + "old", "x" * 5000 + "new")
    assert found.recorded.endswith("old")
    assert len(found.recorded) <= EXCERPT + 2


def test_number_of_differences_is_limited():
    assert len(value_differences(dict.fromkeys(map(str, range(500)), 1), {})) == MAX_DIFFERENCES


def test_conversations_are_compared_up_to_the_first_message_that_differs():
    old = Request(kind="model", value={}, messages=(text("system", "a"), text("user", "b"), text("user", "c")))
    new = Request(kind="model", value={}, messages=(text("system", "a"), text("user", "B"), text("user", "C")))
    assert [each.path for each in request_differences(old, new)] == ["/messages/1/content"]


def test_further_message_is_an_addition():
    old = Request(kind="model", value={}, messages=(text("system", "a"),))
    new = Request(kind="model", value={}, messages=(text("system", "a"), text("user", "b")))
    assert [(each.path, each.change) for each in request_differences(old, new)] == [("/messages/1", "added")]


def test_message_that_only_spells_its_json_differently_is_not_the_difference():
    def asked(*responses):
        parts = [({"type": "tool_call_response", "id": "c", "response": each},) for each in responses]
        messages = tuple(Message(role="tool", parts=each) for each in parts)
        return Request(kind="model", value={"model": "m", "params": {}, "tools": [], "system": []}, messages=messages)

    found = request_differences(asked({"a": 1}, "paid"), asked('{"a": 1}', "refused"))
    assert [(each.path, each.recorded, each.replayed) for each in found] == [
        ("/messages/1/content/0/response", "paid", "refused")
    ]
