"""What counts as the same request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.replayers.recordings import answers, asks, text

from unrepeat.cases.trace import Message
from unrepeat.replayers.canonical import digest, dumps, message_key, model_head, noise_key

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
requests = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=5)


@given(requests)
def test_order_of_keys_does_not_count(request):
    assert dumps(request) == dumps(dict(reversed(request.items())))


@given(requests, requests)
def test_different_values_have_different_forms(left, right):
    assert (dumps(left) == dumps(right)) == (left == right)


@pytest.mark.parametrize("value", [10**30, "\ud800", {"\ud800": 1}, {1: "a"}, {"x": {1, 2}}])
def test_every_value_has_a_form(value):
    assert dumps(value) == dumps(value)


def test_deep_nesting_has_a_form():
    deep: list = []
    for _ in range(300):
        deep = [deep]
    assert digest(deep) != digest([deep])


def test_one_text_part_equals_its_pieces():
    pieces = Message(role="user", parts=({"type": "text", "content": "a"}, {"type": "text", "content": "b"}))
    assert message_key(pieces) == message_key(text("user", "a\nb"))


@pytest.mark.parametrize(
    "other",
    [
        text("system", "a"),
        text("user", "A"),
        text("user", "a "),
        Message(role="user", parts=({"type": "reasoning", "content": "a"},)),
    ],
)
def test_role_text_and_kind_of_part_count(other):
    assert message_key(other) != message_key(text("user", "a"))


@pytest.mark.parametrize("field", ["user", "metadata", "stream", "timeout"])
def test_transport_fields_do_not_count(field):
    assert model_head({"params": {field: "x", "temperature": 0}}) == model_head({"params": {"temperature": 0}})


@pytest.mark.parametrize(
    "change",
    [
        {"model": "m2"},
        {"params": {"temperature": 1}},
        {"params": {"temperature": 0, "response_format": {"type": "json_object"}}},
        {"tools": [{"name": "refund", "parameters": {"x": 1}}]},
        {"system": [{"type": "text", "content": "Be rude."}]},
    ],
)
def test_model_parameters_tools_and_system_count(change):
    request = {"model": "m1", "params": {"temperature": 0}, "tools": [{"name": "refund"}], "system": []}
    assert model_head({**request, **change}) != model_head(request)


def test_order_of_tools_and_their_wrapping_do_not_count():
    plain = [{"name": "a", "parameters": {}}, {"name": "b", "parameters": {}}]
    wrapped = [{"type": "function", "function": tool} for tool in reversed(plain)]
    assert model_head({"tools": plain}) == model_head({"tools": wrapped})


def test_identifiers_and_times_in_texts_are_noise():
    assert noise_key([text("user", f"{ONE} at 2026-03-01T12:00:00Z")]) == noise_key(
        [text("user", f"{TWO} at 2026-03-02 13:30")]
    )


def test_swapped_identifiers_are_no_noise():
    assert noise_key([text("user", f"{ONE} {TWO} {ONE}")]) != noise_key([text("user", f"{ONE} {TWO} {TWO}")])


def test_call_ids_are_noise_where_answers_follow_them():
    first = [asks("c1", "refund", {"amount": 1}), answers("c1", "done")]
    second = [asks("c9", "refund", {"amount": 1}), answers("c9", "done")]
    assert noise_key(first) == noise_key(second)


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        ({"amount": 1}, {"amount": 2}),
        ({"to": ONE}, {"to": TWO}),
        ({"at": "2026-03-01T12:00Z"}, {"at": "2027-03-01T12:00Z"}),
    ],
)
def test_arguments_of_calls_are_never_noise(recorded, replayed):
    assert noise_key([asks("c1", "refund", recorded)]) != noise_key([asks("c1", "refund", replayed)])


@pytest.mark.parametrize("other", ["paid 11", "paid 10 ", "2026-03-01"])
def test_amounts_and_days_in_answers_of_tools_are_never_noise(other):
    assert noise_key([answers("c1", "paid 10")]) != noise_key([answers("c1", other)])
