"""What a stubbed MCP server answers: from the recording, or an error that says why not."""

from __future__ import annotations

import json

import pytest
from tests.cases.readers.files import only, otlp, otlp_span, write

from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.wire.mcp_answers import McpAnswers, Recording, RpcError

from .mcp_serving import GET_ORDER, REFUND, TOOLS, mcp_span, recording, tool_span

ASKED = {"order_id": "ord_1"}
SEARCH = {"name": "search", "inputSchema": {"type": "object"}}
TWO = {"docs": [SEARCH], "tickets": [SEARCH]}


def answers(trace, server="orders", tools=TOOLS, modes=None):
    calls = Calls(Playback(trace, modes))
    return McpAnswers(server, calls, tools, Recording(calls)), calls


def both(trace):
    calls = Calls(Playback(trace))
    known = Recording(calls)
    return [McpAnswers(server, calls, TWO, known) for server in TWO], calls


def ask(stub, name="get_order", arguments=ASKED):
    return stub.answer("tools/call", {"name": name, "arguments": arguments})


def said(stub, name="search", arguments=None):
    return ask(stub, name, {"q": "x"} if arguments is None else arguments)["content"][0]["text"]


def refused(stub, method, params=None):
    with pytest.raises(RpcError) as error:
        stub.answer(method, params)
    return error.value


def test_mcp_content_behind_the_agents_call_is_served_rather_than_its_text():
    result = {"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}], "structuredContent": {"a": 1}}
    outer = tool_span("a", "mcp__orders__get_order", ASKED, "an image")
    inner = mcp_span("b", "tools/call", json.dumps(result), parent_id="a")
    stub, calls = answers(recording(outer, inner))
    assert ask(stub) == result
    assert calls.playback.events[0].name == "mcp__orders__get_order"


def test_call_that_two_spans_record_is_answered_once(tmp_path):
    made = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "gen_ai.tool.call.arguments": json.dumps(ASKED),
        "gen_ai.tool.call.result": "refunded",
    }
    inner = otlp_span("T", "B1", {**made, "mcp.method.name": "tools/call"}, parentSpanId="A1")
    stub, calls = answers(only(write(tmp_path, otlp(otlp_span("T", "A1", made), inner))))
    assert said(stub, "refund", ASKED) == "refunded"
    assert calls.playback.index.missing() == []
    assert "step 2, call of refund" in refused(stub, "tools/call", {"name": "refund", "arguments": ASKED}).message
    assert calls.stopped.is_set()


def test_failure_that_the_tool_reported_is_a_result_with_is_error():
    stub, _ = answers(recording(tool_span("a", "get_order", ASKED, error="no such order", status="error")))
    assert ask(stub) == {"content": [{"type": "text", "text": "no such order"}], "isError": True}


def test_recorded_text_of_a_failure_is_a_result_with_is_error():
    span = tool_span("a", "get_order", ASKED, "no such order", attributes={"error.type": "tool_error"})
    assert ask(answers(recording(span))[0])["isError"] is True


def test_protocol_error_is_one_again():
    span = tool_span("a", "get_order", ASKED, error="Unknown tool", attributes={"error.type": "-32602"})
    stub, calls = answers(recording(span))
    error = refused(stub, "tools/call", {"name": "get_order", "arguments": ASKED})
    assert (error.code, error.message) == (-32602, "Unknown tool")
    assert calls.faults == []


def test_miss_is_a_tool_error_where_the_case_wants_one():
    stub, calls = answers(recording(tool_span("a", "refund", ASKED, "done")), modes=Modes(on_miss="error_result"))
    assert ask(stub)["isError"] is True
    assert not calls.stopped.is_set()


def test_static_answer_is_served_in_mcps_form():
    modes = Modes(static={"tool:get_order": {"status": "lost"}})
    stub, _ = answers(recording(tool_span("a", "get_order", ASKED, "paid")), modes=modes)
    assert json.loads(said(stub, "get_order", ASKED)) == {"status": "lost"}


def test_live_tool_is_refused_and_noted():
    stub, calls = answers(recording(tool_span("a", "get_order", ASKED, "paid")), modes=Modes(live=frozenset({"tool"})))
    assert "a live tool cannot be reached over MCP" in refused(stub, "tools/call", {"name": "get_order"}).message
    assert calls.faults == ["MCP server orders: step 1, call of get_order: a live tool cannot be reached over MCP"]
    assert not calls.playback.is_open(1)


def test_answer_that_nobody_recorded_is_not_made_up():
    stub, calls = answers(recording(tool_span("a", "get_order", ASKED)))
    error = refused(stub, "tools/call", {"name": "get_order", "arguments": ASKED})
    assert "the recording does not hold what the tool answered" in error.message
    assert len(calls.faults) == 1


@pytest.mark.parametrize("params", [{}, {"name": 3}, {"name": "a", "arguments": [1]}, [1]])
def test_call_that_is_none_is_refused_and_noted(params):
    stub, calls = answers(recording())
    assert refused(stub, "tools/call", params).code == -32602
    assert (len(calls.faults), calls.playback.events) == (1, [])


def test_call_without_arguments_is_one_with_none():
    stub, _ = answers(recording(tool_span("a", "get_order", {}, "all of them")))
    assert stub.answer("tools/call", {"name": "get_order"})["content"][0]["text"] == "all of them"


def test_same_tool_of_two_servers_is_told_apart_by_the_name_the_agent_gave():
    spans = [tool_span(server, f"mcp__{server}__search", {"q": "x"}, f"of {server}") for server in TWO]
    (docs, tickets), calls = both(recording(*spans))
    assert (said(tickets), said(docs)) == ("of tickets", "of docs")
    assert {event.match for event in calls.playback.events} == {"exact"}


def test_same_tool_of_two_servers_is_told_apart_by_arguments():
    spans = [tool_span(server, "search", {"q": server}, f"of {server}") for server in TWO]
    (docs, tickets), _ = both(recording(*spans))
    assert (said(tickets, arguments={"q": "tickets"}), said(docs, arguments={"q": "docs"})) == ("of tickets", "of docs")


def stated(server):
    outer = tool_span(server, "search", {"q": "x"}, f"of {server}")
    return outer, mcp_span(f"{server}2", "tools/call", f"of {server}", parent_id=server, **{"mcp.server.name": server})


def test_answer_of_another_server_is_never_served():
    (_, tickets), calls = both(recording(*stated("docs"), *stated("tickets")))
    error = refused(tickets, "tools/call", {"name": "search", "arguments": {"q": "x"}})
    assert "the recorded answer is another server's" in error.message
    assert len(calls.faults) == 1


def test_same_tool_of_two_servers_in_recorded_order_is_served():
    (docs, tickets), calls = both(recording(*stated("docs"), *stated("tickets")))
    assert (said(docs), said(tickets), calls.faults) == ("of docs", "of tickets", [])


def test_call_that_two_servers_may_have_answered_differently_is_refused():
    spans = [tool_span(server, "search", {"q": "x"}, f"of {server}") for server in TWO]
    (docs, _), calls = both(recording(*spans))
    error = refused(docs, "tools/call", {"name": "search", "arguments": {"q": "x"}})
    assert "the recording does not say which of them gave which answer" in error.message
    assert (len(calls.faults), calls.playback.events) == (1, [])


def test_name_that_no_configured_server_has_says_nothing():
    outer = tool_span("a", "search", {"q": "x"}, "found")
    (docs, _), _ = both(recording(outer, mcp_span("b", "tools/call", parent_id="a", **{"mcp.server.name": "Prod 7"})))
    assert said(docs) == "found"


def test_recorded_resources_and_prompts_are_served():
    read = {"contents": [{"uri": "file:///a", "text": "A"}]}
    spans = [
        mcp_span("l", "resources/list", {"resources": [{"uri": "file:///a", "name": "a"}]}),
        mcp_span("r", "resources/read", read, **{"mcp.resource.uri": "file:///a"}),
        mcp_span("p", "prompts/get", {"messages": []}, **{"gen_ai.prompt.name": "greet"}),
    ]
    stub, calls = answers(recording(*spans))
    assert stub.answer("resources/list", None) == {"resources": [{"uri": "file:///a", "name": "a"}]}
    assert stub.answer("resources/read", {"uri": "file:///a"}) == read
    assert stub.answer("prompts/get", {"name": "greet"}) == {"messages": []}
    assert (stub.has("resources"), stub.has("prompts"), calls.faults) == (True, True, [])


def test_resources_and_prompts_that_nobody_recorded_are_none():
    stub, calls = answers(recording())
    listed = [stub.answer(m, {}) for m in ("resources/list", "resources/templates/list", "prompts/list")]
    assert listed == [{"resources": []}, {"resourceTemplates": []}, {"prompts": []}]
    assert calls.faults == []
    assert "the recording has no such request" in refused(stub, "resources/read", {"uri": "file:///b"}).message
    assert len(calls.faults) == 1


def test_tools_are_listed_as_they_are():
    assert answers(recording())[0].answer("tools/list", None) == {"tools": [GET_ORDER, REFUND]}


def test_server_introduces_itself_as_recorded():
    result = {"serverInfo": {"name": "Orders", "version": "3"}, "instructions": "Be careful.", "capabilities": 7}
    stub, _ = answers(recording(mcp_span("i", "initialize", json.dumps(result))))
    assert stub.introduction() == {"serverInfo": {"name": "Orders", "version": "3"}, "instructions": "Be careful."}
