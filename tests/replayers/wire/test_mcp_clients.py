"""The official clients of MCP, Python and TypeScript, over streamable HTTP and stdio, against the stub."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from unrepeat.replayers.wire import mcp_stdio
from unrepeat.replayers.wire.mcp_shims import shims

from .mcp_serving import GET_ORDER, REFUND, TOOLS, Stub, recording, serving, tool_span

BRIDGE = str(Path(mcp_stdio.__file__).resolve())
CLIENT = Path(__file__).parents[2] / "clients" / "node" / "mcp_client.mjs"
NODE_MODULES = Path(os.environ.get("UNREPEAT_NODE_MODULES", CLIENT.parents[1] / "node_modules"))
node_client = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "@modelcontextprotocol").is_dir(),
    reason="needs node, and `npm ci` in tests/clients (or UNREPEAT_NODE_MODULES)",
)
ASKED = {"order_id": "ord_1"}
ORDER = {"status": "paid", "cents": 1000}
ORDER_TEXT = '{"status": "paid", "cents": 1000}'
TRACE = recording(
    tool_span("t1", "get_order", ASKED, ORDER, result_raw=ORDER_TEXT),
    tool_span("t2", "refund", ASKED, "refunded"),
)
SAID = {"content": [{"type": "text", "text": ORDER_TEXT}]}


def stdio(stub: Stub) -> dict[str, Any]:
    return {"command": sys.executable, "args": [BRIDGE, "orders"], "env": {"UNREPEAT_MCP_URL": stub.url}}


async def conversation(client: Client) -> list[Any]:
    async with client:
        listed = await client.list_tools()
        order = await client.call_tool("get_order", ASKED)
        refund = await client.call_tool("refund", ASKED)
    names = [tool.name for tool in listed.tools]
    return [names, *(answer.content[0].text for answer in (order, refund))]  # type: ignore[union-attr]


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
@pytest.mark.parametrize("form", ["json", "stream"])
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_python_client_is_answered_as_recorded(protocol, form, transport):
    with serving(TRACE, json_response=form == "json") as stub:
        over: Any = f"{stub.url}/orders"
        if transport == "stdio":
            over = stdio_client(StdioServerParameters(**stdio(stub)))
        said = asyncio.run(conversation(Client(over, mode=protocol)))
        assert said == [["get_order", "refund"], ORDER_TEXT, "refunded"]
        assert (stub.grades(), stub.calls.faults, stub.calls.stopped.is_set()) == ([], [], False)


def node(tmp_path: Path, transport: dict[str, Any], *steps: Any) -> list[Any]:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES.resolve(), target_is_directory=True)
    shutil.copy(CLIENT, tmp_path)
    plan = json.dumps({**transport, "steps": steps})
    done = subprocess.run(
        ["node", str(tmp_path / CLIENT.name), plan], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@node_client
@pytest.mark.parametrize("form", ["json", "stream"])
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_typescript_client_is_answered_as_recorded(tmp_path, form, transport):
    with serving(TRACE, json_response=form == "json") as stub:
        over = stdio(stub) if transport == "stdio" else {"url": f"{stub.url}/orders"}
        steps = [["listTools"], ["callTool", {"name": "get_order", "arguments": ASKED}], ["ping"]]
        listed, said, pong = node(tmp_path, over, *steps)
        known = {key: value for key, value in GET_ORDER.items() if not key.startswith("x-")}
        assert (listed, said, pong) == ({"tools": [known, REFUND]}, SAID, {})
        assert (stub.grades(), stub.calls.faults) == ([], [])


@node_client
def test_typescript_client_starts_the_shim_it_knows_as_its_server(tmp_path):
    """The client hands the shim its PATH and nothing that names the stub."""
    with serving(TRACE) as stub:
        shims(tmp_path / "bin", {"orders": "npx -y @acme/orders"}, stub.url)
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        over = {"command": "npx", "args": ["-y", "@acme/orders@2.1.0"], "env": {"PATH": path}}
        (said,) = node(tmp_path, over, ["callTool", {"name": "get_order", "arguments": ASKED}])
        assert (said, stub.calls.faults) == (SAID, [])


@node_client
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_typescript_client_is_told_what_the_recording_does_not_have(tmp_path, transport):
    with serving(TRACE) as stub:
        over = stdio(stub) if transport == "stdio" else {"url": f"{stub.url}/orders"}
        (missed,) = node(tmp_path, over, ["callTool", {"name": "refund", "arguments": {"order_id": "ord_2"}}])
        assert missed["failed"] == -32603
        assert "step 1, call of refund: the recording has no answer to this request" in missed["message"]
        assert stub.calls.stopped.is_set()


def test_twenty_sessions_at_once_are_answered():
    spans = [tool_span(f"t{n}", "get_order", {"order_id": f"ord_{n}"}, f"order {n}") for n in range(20)]

    async def one(url: str, number: int) -> str:
        async with Client(url, mode="legacy" if number % 2 else "auto") as client:
            answer = await client.call_tool("get_order", {"order_id": f"ord_{number}"})
            return answer.content[0].text  # type: ignore[union-attr]

    async def everyone(url: str) -> list[str]:
        return await asyncio.gather(*(one(url, number) for number in range(20)))

    with serving(recording(*spans)) as stub:
        assert asyncio.run(everyone(f"{stub.url}/orders")) == [f"order {n}" for n in range(20)]
        assert {event.valid for event in stub.calls.playback.events} == {True}
        assert stub.calls.faults == []


def test_listing_is_verbatim_to_every_client():
    """Seen by a client without types: those of both official clients drop what they do not know."""
    with serving(TRACE) as stub:
        done = subprocess.run(
            [sys.executable, BRIDGE, "orders"], env={"UNREPEAT_MCP_URL": stub.url}, capture_output=True, timeout=30,
            input=HELLO + b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}\n', check=True,
        )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1])["result"] == {"tools": TOOLS["orders"]}


HELLO = (
    json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "app", "version": "1"},
            },
        }
    ).encode()
    + b'\n{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'
)
