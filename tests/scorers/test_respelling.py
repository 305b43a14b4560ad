"""One value, several spellings."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import Source, Span, ToolCall, Trace
from unrepeat.scorers.respelling import as_recorded


def spelled(replayed, recorded):
    call = Span(span_id="s1", name="pay", view=ToolCall(name="pay", arguments=replayed))
    trace = Trace(trace_id="t", source=Source(format="test"), spans=(call,))
    found = as_recorded(trace, ToolCall(name="pay", arguments=recorded), {"s1"})
    return next(view.arguments for _, view in found.views(ToolCall))


@pytest.mark.parametrize(
    ("replayed", "recorded"),
    [
        ({"to": "AC-1 "}, {"to": "AC-1"}),
        ({"to": "ac-1"}, {"to": "AC-1"}),
        ({"to": ["AC-1"]}, {"to": "AC-1"}),
        ({"to": {"__bytes__": "QUMtMQ=="}}, {"to": "AC-1"}),
        ({"to": {"id": "AC-1"}}, {"to": "AC-1"}),
        ({"to": "AC-1\0"}, {"to": "AC-1"}),
        ({"to": "AC%2D1"}, {"to": "AC-1"}),
        ({"to": "https://shop/orders/AC-1"}, {"to": "AC-1"}),
        ({"to": "https://shop/orders?id=AC-1"}, {"to": "AC-1"}),
        ({"to": "#AC-1"}, {"to": "AC-1"}),
        ({"to": "AC_1"}, {"to": "AC-1"}),
        ({"amount": "59.00"}, {"amount": 59}),
        ({"amount": 59.0}, {"amount": 59}),
        ({"lines": [{"to": "a\u200b1"}]}, {"lines": [{"to": "a1"}]}),
        ({}, {"to": "AC-1"}),
        ("text", {"to": "AC-1"}),
    ],
)
def test_respelled_or_absent_argument_is_read_as_recorded(replayed, recorded):
    assert spelled(replayed, recorded) == recorded


@pytest.mark.parametrize(
    ("replayed", "recorded"),
    [
        ({"to": "AC-2"}, {"to": "AC-1"}),
        ({"flag": True}, {"flag": 1}),
        ({"to": None}, {"to": "None"}),
        ({"lines": ["a"]}, {"lines": ["a", "b"]}),
    ],
)
def test_other_value_is_left_alone(replayed, recorded):
    assert spelled(replayed, recorded) == replayed


def test_argument_of_another_name_is_kept_beside_the_recorded_one():
    assert spelled({"order": "x", "amount": 9}, {"order_id": "ord_1", "amount": 7}) == {
        "order_id": "ord_1",
        "order": "x",
        "amount": 9,
    }
