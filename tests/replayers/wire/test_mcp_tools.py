"""The tools of MCP servers: from the recording, a file, or what the model was offered."""

from __future__ import annotations

import json

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.replayers.wire.mcp_tools import tools_of

from .mcp_serving import GET_ORDER, REFUND, mcp_span, recording

SEARCH = {"name": "search", "inputSchema": {"type": "object"}}
PARAMETERS = {"type": "object", "properties": {"q": {"type": "string"}}}


def listing(span_id, *tools, cursor=None, **attributes):
    result = {"tools": list(tools)} | ({"nextCursor": cursor} if cursor else {})
    return mcp_span(span_id, "tools/list", json.dumps(result), **attributes)


def file_of(tmp_path, value):
    path = tmp_path / "tools.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_recorded_listing_is_verbatim_and_wins_over_a_file(tmp_path):
    trace = recording(listing("l1", GET_ORDER, REFUND))
    assert tools_of(trace, {"orders": file_of(tmp_path, [SEARCH])}) == {"orders": [GET_ORDER, REFUND]}


def test_pages_of_a_listing_are_one_list_and_a_second_listing_is_not_added():
    trace = recording(listing("l1", GET_ORDER, cursor="2"), listing("l2", REFUND), listing("l3", GET_ORDER, REFUND))
    assert tools_of(trace, {"orders": None}) == {"orders": [GET_ORDER, REFUND]}


def test_listings_of_two_servers_are_told_apart_by_name():
    trace = recording(
        listing("l1", SEARCH, **{"mcp.server.name": "docs"}), listing("l2", GET_ORDER, **{"mcp.server.name": "Orders"})
    )
    assert tools_of(trace, {"orders": None, "docs": None}) == {"orders": [GET_ORDER], "docs": [SEARCH]}


def test_listings_of_two_servers_are_told_apart_by_session():
    def session(span_id, server):
        result = json.dumps({"serverInfo": {"name": server, "version": "1"}})
        return mcp_span(span_id, "initialize", result, **{"mcp.session.id": span_id})

    trace = recording(
        session("s1", "docs"),
        session("s2", "orders"),
        listing("l2", GET_ORDER, **{"mcp.session.id": "s2"}),
        listing("l1", SEARCH, **{"mcp.session.id": "s1"}),
    )
    assert tools_of(trace, {"orders": None, "docs": None}) == {"orders": [GET_ORDER], "docs": [SEARCH]}


def test_listings_of_two_servers_are_told_apart_by_what_the_model_was_offered():
    offered = [{"name": "mcp__docs__search"}, {"name": "mcp__orders__get_order"}]
    trace = recording(listing("l1", SEARCH), listing("l2", GET_ORDER), offered=offered)
    assert tools_of(trace, {"orders": None, "docs": None}) == {"orders": [GET_ORDER], "docs": [SEARCH]}


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: {"tools": t}, lambda t: {"id": 1, "result": {"tools": t}}])
def test_file_holds_tools_or_the_servers_answer(tmp_path, wrap):
    assert tools_of(recording(), {"orders": file_of(tmp_path, wrap([GET_ORDER]))}) == {"orders": [GET_ORDER]}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "tools.json"),
        ({"tools": 3}, "expected a list of tools"),
        ([{"name": "a"}], "tools.json: $[0]: expected a tool with `name` and `inputSchema`"),
    ],
)
def test_file_that_holds_no_tools_is_refused_with_its_place(tmp_path, value, told):
    with pytest.raises(ConfigError) as refused:
        tools_of(recording(), {"orders": file_of(tmp_path, value)})
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "definition",
    [
        {
            "type": "function",
            "function": {"name": "search", "description": "d", "parameters": PARAMETERS, "strict": True},
        },
        {"type": "function", "name": "search", "description": "d", "parameters": PARAMETERS},
        {"name": "search", "description": "d", "input_schema": PARAMETERS, "cache_control": {"type": "ephemeral"}},
        {"name": "search", "description": "d", "inputSchema": PARAMETERS},
        {"functionDeclarations": [{"name": "search", "description": "d", "parameters": PARAMETERS}]},
    ],
)
def test_definition_of_any_provider_becomes_mcps(definition):
    expected = {"name": "search", "description": "d", "inputSchema": PARAMETERS}
    assert tools_of(recording(offered=[definition]), {"docs": None}) == {"docs": [expected]}


def test_offered_tools_are_a_servers_under_its_name():
    offered = [{"name": "mcp__docs__search"}, {"name": "orders_search"}, {"name": "transfer"}]
    trace = recording(offered=offered)
    assert tools_of(trace, {"docs": None, "orders": None}) == {"docs": [SEARCH], "orders": [SEARCH]}


def test_own_name_of_a_tool_is_no_prefix_where_the_server_was_called_by_it():
    offered = [{"name": "orders_list", "inputSchema": {}}, {"name": "get", "inputSchema": {}}]
    trace = recording(mcp_span("c", "tools/call", **{"gen_ai.tool.name": "orders_list"}), offered=offered)
    assert [tool["name"] for tool in tools_of(trace, {"orders": None})["orders"]] == ["orders_list", "get"]


def test_tools_that_nobody_tells_are_refused_with_what_to_do():
    with pytest.raises(ConfigError, match=r"MCP server docs: .*name the file as `tools` of the server"):
        tools_of(recording(offered=[{"name": "search"}]), {"docs": None, "orders": None})
