"""A tool call over MCP that several spans record is one call."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import ToolCall

from .files import only, otlp, otlp_span, write


def call(span_id, parent="", *, name="get_order", arguments='{"id": 1}', mcp=False, **attributes):
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.arguments": arguments}
    said |= {"mcp.method.name": "tools/call"} if mcp else {}
    said = {key: value for key, value in (said | attributes).items() if value is not None}
    return otlp_span("T", span_id, parentSpanId=parent, attributes=said)


def calls(tmp_path, *spans):
    trace = only(write(tmp_path, otlp(*spans)))
    return trace, [span.span_id for span, _ in trace.views(ToolCall)]


def test_client_and_server_span_inside_the_agents_are_its_call(tmp_path):
    spans = [call("A1"), call("B1", "A1", mcp=True), call("C1", "B1", mcp=True)]
    trace, made = calls(tmp_path, *spans)
    assert made == ["A1"]
    assert trace.span("B1").attributes["mcp.method.name"] == "tools/call"


def test_server_span_inside_the_clients_is_its_call(tmp_path):
    assert calls(tmp_path, call("B1", mcp=True), call("C1", "B1", mcp=True))[1] == ["B1"]


@pytest.mark.parametrize("agents", ["mcp__orders__get_order", "orders_get_order", "orders.get_order"])
def test_agent_may_name_the_tool_with_its_server(tmp_path, agents):
    trace, made = calls(tmp_path, call("A1", name=agents), call("B1", "A1", mcp=True))
    assert made == ["A1"]
    assert trace.span("A1").view.name == agents


def test_what_only_the_mcp_span_says_is_taken_from_it_and_marked(tmp_path):
    inner = call("B1", "A1", mcp=True, **{"gen_ai.tool.call.result": "paid"})
    trace, _ = calls(tmp_path, call("A1", arguments=None), inner)
    span = trace.span("A1")
    assert (span.view.arguments, span.view.result) == ({"id": 1}, "paid")
    assert {span.origins[field].note for field in ("arguments", "result")} == {"the MCP span inside"}


@pytest.mark.parametrize("inner", [{"name": "get_customer"}, {"arguments": '{"id": 2}'}])
def test_other_tool_or_other_arguments_are_a_call_of_their_own(tmp_path, inner):
    assert calls(tmp_path, call("A1"), call("B1", "A1", mcp=True, **inner))[1] == ["A1", "B1"]


def test_two_calls_beside_each_other_are_two(tmp_path):
    spans = [call("A1"), call("B1", "A1", mcp=True), call("A2"), call("B2", "A2", mcp=True)]
    assert calls(tmp_path, *spans)[1] == ["A1", "A2"]


def test_tool_inside_a_tool_without_mcp_is_a_call_of_its_own(tmp_path):
    assert calls(tmp_path, call("A1"), call("B1", "A1"))[1] == ["A1", "B1"]
