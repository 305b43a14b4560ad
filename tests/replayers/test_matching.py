"""Which recorded call answers a request."""

from __future__ import annotations

from tests.replayers.recordings import refund_trace

from unrepeat.cases.trace import Retrieval, Source, Span, ToolCall, Trace
from unrepeat.replayers.boundary import recorded_calls
from unrepeat.replayers.matching import CallIndex
from unrepeat.replayers.request import PreparedRequest, Request


def tools(*calls: tuple[str, dict, str], effect: str = "read") -> CallIndex:
    """Return an index over tool calls of name, arguments and result."""
    spans = tuple(
        Span(span_id=f"s{number}", view=ToolCall(name=name, arguments=arguments, result=result, effect=effect))  # type: ignore[arg-type]
        for number, (name, arguments, result) in enumerate(calls, start=1)
    )
    return CallIndex(recorded_calls(Trace(trace_id="t", source=Source(format="test"), spans=spans)))


def ask(index: CallIndex, name: str, arguments: dict, path: tuple[str, ...] = ()):
    """Return the answer, match and grade of a call."""
    found, _ = index.find("tool", name, path, PreparedRequest(Request(kind="tool", value=arguments)))
    return (found.call.answer() if found.call else None, found.match, found.grade)


def test_same_calls_in_recorded_order_get_their_answers():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert [ask(index, "a", {"x": x}) for x in (1, 2)] == [("one", "exact", None), ("two", "exact", None)]


def test_swapped_calls_keep_their_own_answers():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert [ask(index, "a", {"x": x})[0] for x in (2, 1)] == ["two", "one"]


def test_swap_is_a_difference_of_order_only():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert ask(index, "a", {"x": 2}) == ("two", "exact", "order")


def test_equal_requests_are_answered_in_recorded_order():
    index = tools(("a", {}, "first"), ("a", {}, "second"), effect="write")
    assert [ask(index, "a", {})[0] for _ in range(2)] == ["first", "second"]


def test_changed_request_is_compared_with_the_call_of_its_place():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert ask(index, "a", {"x": 3}) == ("one", "none", "changed_request")


def test_call_beyond_the_recording_is_compared_with_the_nearest():
    index = tools(("a", {"x": 1, "y": 1}, "one"), ("a", {"x": 2, "y": 2}, "two"), effect="write")
    for x in (1, 2):
        ask(index, "a", {"x": x, "y": x})
    assert ask(index, "a", {"x": 2, "y": 3}) == ("two", "none", "unrecorded_call")


def test_read_asked_again_has_the_answer_it_had():
    index = tools(("a", {}, "one"))
    ask(index, "a", {})
    assert ask(index, "a", {}) == ("one", "exact", "changed_request_same_answer_valid")


def test_write_made_again_has_no_answer():
    index = tools(("a", {}, "one"), effect="write")
    ask(index, "a", {})
    assert ask(index, "a", {})[1:] == ("none", "unrecorded_call")


def test_call_of_unknown_effect_made_again_has_no_answer():
    index = tools(("a", {}, "one"), effect="unknown")
    ask(index, "a", {})
    assert ask(index, "a", {})[1:] == ("none", "unrecorded_call")


def test_tools_are_told_apart_by_name():
    assert ask(tools(("a", {}, "one")), "b", {}) == (None, "none", "unrecorded_call")


def test_same_request_inside_of_another_call_is_a_difference_of_order():
    assert ask(tools(("a", {}, "one")), "a", {}, ("tool:outer",)) == ("one", "exact", "order")


def test_numbers_and_booleans_are_told_apart():
    assert ask(tools(("a", {"x": 1}, "one")), "a", {"x": True})[1] == "none"


def test_recording_without_a_request_matches_no_request():
    span = Span(span_id="s", view=Retrieval())
    index = CallIndex(recorded_calls(Trace(trace_id="t", source=Source(format="test"), spans=(span,))))
    asked = PreparedRequest(Request(kind="retrieval", value={"query": "q"}))
    assert index.find("retrieval", "retrieval", (), asked)[0].match == "none"


def test_calls_that_were_not_made_are_missing():
    index = CallIndex(recorded_calls(refund_trace()))
    ask(index, "get_order", {"order_id": "ord_1"})
    assert [call.name for call in index.missing()] == ["model", "model", "refund", "model"]
