"""The stdio side of the stub, and the shims that an app starts in place of its servers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server.lowlevel import Server
from mcp.shared.message import ServerMessageMetadata
from mcp_types import CallToolResult, EmptyResult, PingRequest, TextContent

from unrepeat.cases.errors import ConfigError
from unrepeat.replayers.wire import mcp_stdio
from unrepeat.replayers.wire.mcp_shims import shims

from .mcp_serving import TOOLS, recording, served, serving, tool_span

BRIDGE = str(Path(mcp_stdio.__file__).resolve())
ASKED = {"order_id": "ord_1"}
SEARCH = {"name": "search", "inputSchema": {"type": "object"}}
TRACE = recording(tool_span("t1", "get_order", ASKED, "paid"), tool_span("t2", "search", {"q": "x"}, "found"))
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "app", "version": "1"}}


def lines(*messages):
    return b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)


def bridge(stub_url, sent, *, command=(sys.executable, BRIDGE, "orders")):
    env = {"UNREPEAT_MCP_URL": stub_url}
    done = subprocess.run(list(command), input=sent, capture_output=True, timeout=60, env=env, check=False)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def hello(method="tools/list", **params):
    return lines(
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": "two", "method": method, "params": params},
    )


def test_session_ends_cleanly_when_stdin_closes():
    with serving(TRACE) as stub:
        done, said = bridge(stub.url, hello())
        assert (done.returncode, done.stderr, [each["id"] for each in said]) == (0, b"", [1, "two"])
        assert stub.calls.faults == []


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13", "3.14"])
def test_runs_with_other_pythons_and_nothing_installed(version):
    python = next(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), f"python{version}")
    if shutil.which(python) is None or subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode:
        pytest.skip(f"no Python {version} on this machine")
    with serving(TRACE) as stub:
        done, said = bridge(stub.url, hello(), command=[python, "-I", "-S", BRIDGE, "orders"])
        assert (done.returncode, len(said)) == (0, 2)


def test_line_that_is_no_json_is_answered_and_noted_and_the_next_is_served():
    with serving(TRACE) as stub:
        _, said = bridge(stub.url, b"{oops\n\n" + hello())
        assert [each.get("id") for each in said] == [None, 1, "two"]
        assert said[0]["error"]["code"] == -32700
        assert len(stub.calls.faults) == 1


def test_replay_that_is_gone_is_an_error_of_the_request():
    done, said = bridge("http://127.0.0.1:9/mcp", lines({"id": 7, "method": "ping"}, {"method": "notifications/x"}))
    assert (done.returncode, [each["id"] for each in said]) == (0, [7])
    assert "the replay does not answer" in said[0]["error"]["message"]


@pytest.mark.parametrize("url", ["", "https://127.0.0.1/mcp", "nonsense"])
def test_url_that_is_none_is_refused(url):
    done, _ = bridge(url, b"")
    assert (done.returncode, b"expected UNREPEAT_MCP_URL as http://HOST:PORT/mcp" in done.stderr) == (1, True)


def test_client_that_vanishes_ends_the_bridge():
    with serving(TRACE) as stub:
        process = subprocess.Popen(
            [sys.executable, BRIDGE, "orders"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"UNREPEAT_MCP_URL": stub.url},
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(hello())
        process.stdin.close()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()


def test_text_of_any_script_survives_the_way():
    asked = {"order_id": "Größe 日本 🧾 \u2028"}
    with serving(recording(tool_span("t1", "get_order", asked, "bezahlt ✓ \u2028"))) as stub:
        _, said = bridge(stub.url, hello("tools/call", name="get_order", arguments=asked))
        assert said[1]["result"]["content"][0]["text"] == "bezahlt ✓ \u2028"
        assert stub.grades() == []


def over_shim(folder, command, *args):
    """Return what the real client is told by what an app starts, with nothing of its environment but the PATH."""

    async def asked():
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        server = StdioServerParameters(command=command, args=list(args), env={"PATH": path})
        async with Client(stdio_client(server)) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("configured", "started", "listed"),
    [
        ("mcp-server-orders", ["mcp-server-orders", "--verbose"], ["get_order", "refund"]),
        ("npx -y @acme/orders", ["npx", "--yes", "@acme/orders@1.2.0", "--region", "eu"], ["get_order", "refund"]),
        ("uvx acme-orders", ["uvx", "acme-orders@latest"], ["get_order", "refund"]),
        ("node ./dist/orders.js", ["node", "/srv/app/dist/orders.js"], ["get_order", "refund"]),
    ],
)
def test_shim_stands_for_the_server_it_is_configured_for(tmp_path, configured, started, listed):
    with serving(TRACE) as stub:
        shims(tmp_path, {"orders": configured}, stub.url)
        assert over_shim(tmp_path, *started) == listed


def test_shim_needs_nothing_beside_itself_but_an_interpreter(tmp_path):
    """Isolation shows a system its scratch folder and the machine's programs, not where the harness lies."""
    shims(tmp_path, {"orders": "orders-server"}, "http://127.0.0.1:9/mcp")
    text = (tmp_path / "orders-server").read_text()
    assert str(Path(BRIDGE).parent) not in text
    assert (tmp_path / ".unrepeat-mcp_stdio.py").read_bytes() == Path(BRIDGE).read_bytes()
    assert os.path.realpath(sys.executable) in text


def test_shim_of_one_program_tells_servers_by_their_arguments(tmp_path):
    with serving(TRACE, {**TOOLS, "docs": [SEARCH]}) as stub:
        shims(tmp_path, {"orders": "npx -y @acme/orders", "docs": "npx @acme/docs"}, stub.url)
        assert over_shim(tmp_path, "npx", "-y", "@acme/docs") == ["search"]
        assert over_shim(tmp_path, "npx", "-y", "@acme/orders") == ["get_order", "refund"]


def test_shim_finds_the_stub_through_the_app_that_started_it(tmp_path):
    """The client in this app hands its server the PATH, and nothing of what the app knows of the replay."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("looks for the app's environment under /proc")
    app = tmp_path / "app.py"
    app.write_text(
        "import asyncio\nfrom mcp import Client\nfrom mcp.client.stdio import StdioServerParameters, stdio_client\n"
        "async def main():\n"
        "    async with Client(stdio_client(StdioServerParameters(command='orders-server'))) as client:\n"
        "        print([tool.name for tool in (await client.list_tools()).tools])\n"
        "asyncio.run(main())\n"
    )
    shims(tmp_path / "bin", {"orders": "orders-server"})
    with serving(TRACE) as stub:
        env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "UNREPEAT_MCP_URL": stub.url}
        done = subprocess.run([sys.executable, str(app)], env=env, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("['get_order', 'refund']\n", "")


def started(folder, *command):
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(folder / command[0]), *command[1:]], env={"PATH": path}, capture_output=True, text=True, check=False
    )


def test_shim_refuses_to_start_anything_else(tmp_path):
    shims(tmp_path, {"orders": "npx -y @acme/orders"}, "http://127.0.0.1:9/mcp")
    done = started(tmp_path, "npx", "-y", "left-pad")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "unrepeat: `npx -y left-pad` is not started in a replay; `npx` stands for npx @acme/orders\n"
    )


def test_interpreter_that_runs_the_app_too_goes_on_to_the_real_one(tmp_path):
    shims(tmp_path, {"orders": "python3 -m orders_server"}, "http://127.0.0.1:9/mcp")
    done = started(tmp_path, "python3", "-c", "print('the app')")
    assert (done.returncode, done.stdout) == (0, "the app\n")


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ({"orders": "/opt/acme/orders"}, "expected a program that is looked up on the PATH"),
        ({"orders": ""}, "expected a program that is looked up on the PATH"),
        ({"orders": "npx 'a"}, "expected a command line"),
        ({"orders": "npx a", "docs": "npx -y a"}, "expected arguments that tell it from MCP server"),
        ({"orders": "npx", "docs": "npx -y a"}, "expected arguments that tell it from MCP server docs"),
        ({"orders": "uvx orders", "docs": "uvx --from pkg orders"}, "tell it from MCP server docs, got uvx orders"),
        ({"orders": "uvx --from pkg orders", "docs": "uvx orders"}, "tell it from MCP server orders, got uvx orders"),
        ({"orders": "npx @acme/a", "docs": "npx @acme/a@2"}, "tell it from MCP server docs"),
        ({"orders": "node a.js", "docs": "node /opt/a.js"}, "tell it from MCP server docs"),
        ({"orders": "node --inspect"}, "expected the file or module that tells it from other programs that node runs"),
        ({"orders": "python3"}, "expected the file or module"),
    ],
)
def test_commands_that_cannot_be_stood_for_are_refused(tmp_path, servers, told):
    with pytest.raises(ConfigError, match=told):
        shims(tmp_path / "bin", servers)
    assert not (tmp_path / "bin").exists() or not any((tmp_path / "bin").iterdir())


def test_requests_sent_at_once_are_asked_in_their_order():
    spans = [tool_span(f"t{n}", "get_order", {"n": n}, f"order {n}") for n in range(50)]
    asked = [{"name": "get_order", "arguments": {"n": n}} for n in range(50)]
    calls = [{"id": n, "method": "tools/call", "params": params} for n, params in enumerate(asked)]
    with serving(recording(*spans)) as stub:
        _, said = bridge(stub.url, lines({"id": "i", "method": "initialize", "params": HELLO}, *calls))
        assert [each["id"] for each in said[1:]] == list(range(50))
        assert stub.grades() == []


def test_ping_of_a_server_is_answered_while_a_call_is_open():
    """Against a real server of the SDK that pings its client before it answers."""

    async def call(ctx, params):
        on_this_stream = ServerMessageMetadata(related_request_id=ctx.request_id)
        await ctx.session.send_request(PingRequest(), EmptyResult, 10, on_this_stream)
        return CallToolResult(content=[TextContent(type="text", text="pinged")])

    app = Server("pinging", on_call_tool=call).streamable_http_app(streamable_http_path="/mcp/orders")
    with served(app) as url:
        _, said = bridge(url, hello("tools/call", name="a", arguments={}))
    assert said[1]["result"]["content"][0]["text"] == "pinged"


def test_connection_that_the_server_closed_meanwhile_is_opened_again():
    async def call(ctx, params):
        return CallToolResult(content=[TextContent(type="text", text="still here")])

    app = Server("idle", on_call_tool=call).streamable_http_app(streamable_http_path="/mcp/orders")
    with served(app, timeout_keep_alive=1) as url:
        command, env = [sys.executable, BRIDGE, "orders"], {"UNREPEAT_MCP_URL": url}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        with process:
            assert process.stdin is not None
            process.stdin.write(hello("ping"))
            process.stdin.flush()
            time.sleep(2)
            process.stdin.write(lines({"id": 3, "method": "tools/call", "params": {"name": "a"}}))
            said = [json.loads(line) for line in process.communicate(timeout=30)[0].splitlines()]
    assert said[-1]["result"]["content"][0]["text"] == "still here"


def test_answer_that_is_cut_off_is_an_error_of_the_request():
    async def app(scope, receive, send):
        if scope["type"] == "http":
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b": nothing comes\n\n"})

    with served(app, lifespan="off") as url:
        _, said = bridge(url, lines({"id": 5, "method": "tools/list"}))
    assert (said[0]["id"], said[0]["error"]["message"]) == (5, "the replay does not answer: the answer was cut off")
