"""What the harness takes for a message of the child."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.replayers.child.json_form import to_json
from unrepeat.replayers.child_messages import parsed

CALL: dict[str, Any] = {
    "op": "call",
    "kind": "tool",
    "name": "x",
    "arguments": {},
    "defaults": {},
    "takes": None,
    "path": [],
}
RETURNED = {"op": "returned", "output": 1, "unfinished": [], "unseen": []}
MESSAGES: list[dict[str, Any]] = [
    CALL,
    {**CALL, "takes": ["a"], "path": ["tool:y"]},
    {"op": "answered", "seq": 1, "answer": None, "error": ""},
    {"op": "refused", "what": "", "place": ""},
    {"op": "ready", "boundaries": {"tool": {"x": ["a"], "y": None}}, "clock": ""},
    RETURNED,
    {"op": "ending"},
    {"op": "ended"},
    {"op": "stopped", "error": ""},
    {"op": "crashed", "error": "", "traceback": ""},
    {"op": "failed", "error": "", "traceback": ""},
    {"op": "unusable", "error": "", "hint": ""},
]


def line(message: Any) -> bytes:
    return json.dumps(message).encode()


@pytest.mark.parametrize("message", MESSAGES)
def test_message_of_the_child_is_taken(message):
    assert parsed(line(message)) == message


@pytest.mark.parametrize("message", MESSAGES)
def test_message_with_a_field_less_or_more_is_none(message):
    assert parsed(line({**message, "more": 1})) is None
    for name in message:
        assert parsed(line({key: value for key, value in message.items() if key != name})) is None


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"op": ["call"]},
        {**CALL, "kind": "bogus"},
        {**CALL, "kind": ["tool"]},
        {**CALL, "takes": [1]},
        {**CALL, "path": [{}]},
        {"op": "answered", "seq": True, "answer": 1, "error": ""},
        {"op": "ready", "boundaries": {"tool": "abc"}},
        {"op": "ready", "boundaries": {"tool": [[1]]}},
        {"op": "ready", "boundaries": {"tool": {"x": 5}}},
        {"op": "ready", "boundaries": {"bogus": {}}},
        {**RETURNED, "unseen": [1]},
        {**RETURNED, "output": float("nan")},
        {**RETURNED, "output": float("-inf")},
        {**RETURNED, "output": "\ud800"},
    ],
)
def test_anything_else_is_none(message):
    assert parsed(line(message)) is None


@pytest.mark.parametrize("depth", [128, 900, 100_000])
def test_message_nested_too_deeply_is_none(depth):
    nested = b"[" * depth + b"]" * depth
    assert parsed(line(RETURNED).replace(b"1", nested)) is None


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=5))
def test_whatever_the_app_hands_over_is_taken(value):
    message = {**RETURNED, "output": to_json(value)}
    assert parsed(json.dumps(message, allow_nan=False).encode()) is not None


def test_deepest_value_that_the_child_sends_is_taken():
    value: Any = 1
    for _ in range(500):
        value = {"a": [value]}
    assert parsed(line({**RETURNED, "output": to_json(value)})) is not None
