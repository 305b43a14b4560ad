"""What a recording calls a tool that a server knows by its bare name."""

from __future__ import annotations

import pytest

from unrepeat.replayers.wire.mcp_names import bare_name, names_in, recorded_name

from .mcp_serving import GET_ORDER, REFUND, recording, tool_span


@pytest.mark.parametrize(
    "recorded",
    [
        "mcp__my_desk__find",
        "my_desk__find",
        "my_desk_find",
        "My-Desk-find",
        "My-Desk.find",
        "My-Desk/find",
        "My-Desk:find",
    ],
)
def test_name_with_the_server_before_it_is_the_tools(recorded):
    assert recorded_name("My-Desk", "find", {recorded, "find", "other_find"}) == recorded
    assert bare_name("My-Desk", recorded) == "find"


def test_name_without_one_is_the_tools_own():
    assert recorded_name("docs", "find", {"orders_find"}) == "find"
    assert bare_name("docs", "orders_find") == ""


def test_calls_of_a_servers_tools_are_seen_under_their_recorded_names():
    trace = recording(tool_span("a", "mcp__orders__get_order", {}), tool_span("b", "transfer", {}))
    assert names_in(trace, {"orders": [GET_ORDER, REFUND]}) == {"mcp__orders__get_order", "refund"}
