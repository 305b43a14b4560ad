"""Systems that reach their tools over MCP are replayed: the stub stands where they look for their servers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.replayers.apps import replayed
from tests.replayers.programs import replayed_command

from unrepeat.replayers.system import McpServer

pytest.importorskip("mcp")

OVER_STDIO = """
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
import os

def transport():
    return stdio_client(StdioServerParameters(command="mcp-server-shop", args=["--read-only"], env=dict(os.environ)))
"""
OVER_HTTP = """
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
import os

def transport():
    return streamable_http_client(os.environ["UNREPEAT_MCP_URL"] + "/shop")
"""
DESK = """
import anyio, json

async def main():
    async with transport() as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        names = sorted(tool.name for tool in (await session.list_tools()).tools)
        order = await session.call_tool("get_order", {"order_id": "ord_1"})
        AGAIN
        print(json.dumps({"tools": names, "order": order.content[0].text}))

anyio.run(main)
"""
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("get_order", "refund")]


def replayed_shop(folder, transport, again="pass", command="mcp-server-shop --read-only"):
    folder.mkdir(exist_ok=True)
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    return replayed_command(
        folder,
        transport + DESK.replace("AGAIN", again),
        command=(sys.executable, "desk.py"),
        mcp={"shop": McpServer(command=command, tools=folder / "tools.json")},
        boundaries={},
    )


@pytest.mark.parametrize(("transport", "command"), [(OVER_STDIO, "mcp-server-shop --read-only"), (OVER_HTTP, "")])
def test_tools_are_listed_and_answered_as_recorded(tmp_path, transport, command):
    replay = replayed_shop(tmp_path / "v", transport, command=command)
    assert replay.outcome == "completed", replay.error
    assert replay.trace.output == {"tools": ["get_order", "refund"], "order": "paid 10"}
    assert [(event.kind, event.name, event.match) for event in replay.events] == [("tool", "get_order", "exact")]
    assert not replay.refused
    assert not replay.faults
    assert not replay.unfinished
    assert {"tool:get_order", "tool:refund"} <= set(replay.functions)


@pytest.mark.parametrize("transport", [OVER_STDIO, OVER_HTTP])
def test_call_without_an_answer_stops_the_replay(tmp_path, transport):
    replay = replayed_shop(tmp_path / "v", transport, 'await session.call_tool("get_order", {"order_id": "other"})')
    assert replay.outcome == "stopped"
    assert "call of get_order" in replay.error


def test_server_named_like_the_interpreter_does_not_stand_for_it(tmp_path):
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(TOOLS))
    replay = replayed(
        tmp_path / "v",
        interpreter=Path(sys.executable).name,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        mcp={"shop": McpServer(command=f"{Path(sys.executable).name} shop_server.py", tools=tools)},
    )
    assert (replay.outcome, replay.trace.output) == ("completed", "Done, refunded."), replay.error
