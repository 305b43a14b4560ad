"""One value, several spellings."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import Source, Span, ToolCall, Trace
from unrepeat.scorers.respelling import as_recorded


def trace(arguments):
    call = Span(span_id="s1", name="pay", view=ToolCall(name="pay", arguments=arguments))
    return Trace(trace_id="t", source=Source(format="test"), spans=(call,))


def spelled(replayed, recorded):
    found = as_recorded(trace(replayed), trace(recorded))
    return None if found is None else next(view.arguments for _, view in found.views(ToolCall))


@pytest.mark.parametrize(
    ("replayed", "recorded"),
    [
        ({"to": "AC-1 "}, {"to": "AC-1"}),
        ({"to": "ac-1"}, {"to": "AC-1"}),
        ({"amount": "59.00"}, {"amount": 59}),
        ({"amount": 59.0}, {"amount": 59}),
        ({"lines": [{"to": "a\u200b1"}]}, {"lines": [{"to": "a1"}]}),
        ({"to": "AC-1 ", "amount": 7}, {"to": "AC-1", "amount": 7}),
    ],
)
def test_respelled_value_is_read_as_recorded(replayed, recorded):
    assert spelled(replayed, recorded) == recorded


@pytest.mark.parametrize(
    ("replayed", "recorded"),
    [
        ({"to": "AC-2"}, {"to": "AC-1"}),
        ({"to": "AC-1"}, {"to": "AC-1"}),
        ({"flag": True}, {"flag": 1}),
        ({"to": None}, {"to": "None"}),
        ({"lines": ["a"]}, {"lines": ["a", "b"]}),
        ("text", {"to": "text"}),
    ],
)
def test_other_value_is_left_alone(replayed, recorded):
    assert spelled(replayed, recorded) is None


def test_only_respelled_arguments_are_replaced():
    assert spelled({"to": "AC-1 ", "amount": 9}, {"to": "AC-1", "amount": 7}) == {"to": "AC-1", "amount": 9}
