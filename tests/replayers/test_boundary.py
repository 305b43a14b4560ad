"""The recorded calls of a trace: which spans they are, what was asked and answered, where they were made."""

from __future__ import annotations

import json

import pytest
from tests.replayers.recordings import refund_trace, text

from unrepeat.cases.trace import (
    Approval,
    Document,
    Guardrail,
    ModelCall,
    Permission,
    Retrieval,
    Source,
    Span,
    ToolCall,
    Trace,
    UserTurn,
    Write,
)
from unrepeat.replayers.boundary import answer_of, kind_of, recorded_calls


def trace_of(*spans: Span, **fields) -> Trace:
    return Trace(trace_id="t", source=Source(format="test"), spans=spans, **fields)


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (ModelCall(), "model"),
        (Retrieval(), "retrieval"),
        (ToolCall(name="a"), "tool"),
        (ToolCall(name="a", stage="proposed"), None),
        (Approval(), "approval"),
        (UserTurn(), "user"),
        (Guardrail(), None),
        (Permission(), None),
        (Write(), None),
        (None, None),
    ],
)
def test_boundary_of_a_span_is_that_of_its_view(view, kind):
    assert kind_of(Span(span_id="s", view=view)) == kind


def test_calls_come_in_recorded_order():
    assert [call.name for call in recorded_calls(refund_trace())] == ["model", "get_order", "model", "refund", "model"]


def test_call_inside_of_a_tool_has_its_path():
    spans = (
        Span(span_id="a", view=ToolCall(name="outer")),
        Span(span_id="b", parent_id="a"),
        Span(span_id="c", parent_id="b", view=Retrieval()),
    )
    assert [call.call_path for call in recorded_calls(trace_of(*spans))] == [(), ("tool:outer",)]


def test_model_that_proposed_a_call_is_not_on_its_path():
    [*_, tool, _] = recorded_calls(refund_trace())
    assert tool.call_path == ()


def test_spans_that_are_their_own_ancestors_end():
    spans = (
        Span(span_id="a", parent_id="b", view=ToolCall(name="x")),
        Span(span_id="b", parent_id="a", view=ToolCall(name="y")),
    )
    assert len(recorded_calls(trace_of(*spans))) == 2


def test_arguments_and_result_verbatim_win_over_the_view():
    attributes = {"unrepeat.arguments": json.dumps({"id": 1}), "unrepeat.result": json.dumps({"raw": True})}
    span = Span(span_id="a", view=ToolCall(name="x", arguments={"id": "other"}, result="text"), attributes=attributes)
    [call] = recorded_calls(trace_of(span))
    assert (call.prepared.request.value, call.answer()) == ({"id": 1}, {"raw": True})


@pytest.mark.parametrize(
    ("view", "error"),
    [
        (ToolCall(name="x", error="Boom: no"), "Boom: no"),
        (ToolCall(name="x", result="text", error="Boom: no"), ""),
        (ToolCall(name="x", result=0, error="Boom: no"), ""),
        (ToolCall(name="x", result="text"), ""),
    ],
)
def test_call_that_answered_did_not_raise(view, error):
    [call] = recorded_calls(trace_of(Span(span_id="a", view=view)))
    assert call.error() == error


def test_model_answers_in_the_form_apps_read():
    trace = refund_trace()
    answer = answer_of(trace.spans[0], trace)
    assert answer["tool_calls"][0]["function"]["name"] == "get_order"


def test_retrieval_answers_with_its_documents():
    span = Span(span_id="a", view=Retrieval(documents=(Document(id="d", metadata={"team": "x"}),)))
    [document] = answer_of(span, trace_of(span))
    assert (document["id"], document["team"]) == ("d", "x")


def test_user_turn_answers_with_what_was_said():
    span = Span(span_id="a", view=UserTurn(messages=(0,)))
    assert answer_of(span, trace_of(span, messages=(text("user", "yes"),))) == "yes"
