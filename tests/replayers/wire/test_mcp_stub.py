"""The stub over HTTP: what is no request, what nobody knows, who goes away."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp import Client

from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Playback
from unrepeat.replayers.wire.mcp_stub import mcp_app

from .mcp_serving import GET_ORDER, TOOLS, mcp_span, recording, serving, tool_span

ASKED = {"order_id": "ord_1"}
TRACE = recording(tool_span("t1", "get_order", ASKED, "paid"))
CALL: dict[str, Any] = {"method": "tools/call", "params": {"name": "get_order", "arguments": ASKED}}
BOTH = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "app", "version": "1"}}


class RawClient:
    """A client without an SDK, which sends what no SDK would."""

    def __init__(self, url, server="orders"):
        parts = urlsplit(url)
        self.host, self.port, self.path = parts.hostname, parts.port, f"{parts.path}/{server}"
        self.headers = dict(BOTH)

    def post(self, body, **headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        data = body if isinstance(body, bytes) else json.dumps({"jsonrpc": "2.0", "id": 1, **body}).encode()
        connection.request("POST", self.path, data, {**self.headers, **headers})
        response = connection.getresponse()
        said = response.read()
        self.headers |= {key: value for key, value in response.getheaders() if key == "mcp-session-id"}
        connection.close()
        of_json = response.getheader("content-type") == "application/json"
        return response.status, json.loads(said) if of_json and said else said

    def hello(self):
        assert self.post({"method": "initialize", "params": HELLO})[0] == 200
        return self


def test_unknown_method_is_a_json_rpc_error_and_noted():
    with serving(TRACE) as stub:
        _, said = RawClient(stub.url).hello().post({"method": "orders/explode"})
        assert said["error"]["code"] == -32601
        assert stub.calls.faults == ["MCP server orders: unknown method orders/explode"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0"}',
        b'"hello"',
        b"\xff\xfe",
        b'[{"jsonrpc": "2.0", "id": 1, "method": "a"}]',
    ],
)
def test_what_is_no_request_is_refused_and_noted(body):
    with serving(TRACE) as stub:
        client = RawClient(stub.url).hello()
        status, said = client.post(body)
        assert (status, said["error"]["code"] in (-32700, -32600, -32602)) == (400, True)
        assert len(stub.calls.faults) == 1
        assert client.post({"method": "tools/list"})[1]["result"] == {"tools": TOOLS["orders"]}


def test_huge_arguments_are_matched_and_more_are_refused():
    huge = {"text": "é" * 5_000_000}
    with serving(recording(tool_span("t1", "get_order", huge, "stored"))) as stub:
        client = RawClient(stub.url).hello()
        _, said = client.post({"method": "tools/call", "params": {"name": "get_order", "arguments": huge}})
        assert said["result"]["content"][0]["text"] == "stored"
        status, _ = client.post(b" " * (33 * 1024 * 1024))
        assert (status, len(stub.calls.faults)) == (413, 1)


def test_server_that_is_not_configured_is_refused_with_those_there_are():
    with serving(TRACE) as stub:
        status, said = RawClient(stub.url, "billing").post({"method": "initialize", "params": HELLO})
        assert (status, said["error"]["message"]) == (404, "no MCP server 'billing' in this replay; there is orders")
        assert stub.calls.faults == ["MCP server billing: not configured"]


def test_client_of_a_protocol_to_come_is_told_the_versions_there_are():
    with serving(TRACE) as stub:
        _, said = RawClient(stub.url).post(
            {"method": "initialize", "params": HELLO | {"protocolVersion": "2031-01-01"}}
        )
        assert said["result"]["protocolVersion"] == "2025-11-25"
        assert stub.calls.faults == []


def test_client_that_vanishes_in_mid_request_leaves_the_others_served():
    with serving(TRACE) as stub:
        parts = urlsplit(stub.url)
        for _ in range(20):
            with socket.create_connection((parts.hostname, parts.port)) as half:
                half.sendall(b"POST /mcp/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
        client = RawClient(stub.url).hello()
        _, said = client.post({"method": "tools/call", "params": {"name": "get_order", "arguments": ASKED}})
        assert said["result"]["content"][0]["text"] == "paid"


@pytest.mark.parametrize("header", ["tool:outer, tool:inner", '["tool:outer", "tool:inner"]'])
def test_call_path_that_a_client_states_is_the_one_that_is_compared(header):
    with serving(TRACE) as stub:
        client = RawClient(stub.url).hello()
        client.post(CALL, **{"x-unrepeat-path": header})
        assert stub.calls.playback.events[0].call_path == ("tool:outer", "tool:inner")
        assert stub.grades() == ["order"]


@pytest.mark.parametrize("header", ["outer", "[3]", "["])
def test_call_path_that_is_none_is_refused(header):
    with serving(TRACE) as stub:
        _, said = RawClient(stub.url).hello().post(CALL, **{"x-unrepeat-path": header})
        assert said["error"]["message"].startswith("x-unrepeat-path: expected kind:name")
        assert (stub.calls.playback.events, len(stub.calls.faults)) == ([], 1)


def test_call_of_another_trace_is_refused():
    ours, other = f"00-{'a' * 32}-{'b' * 16}-01", f"00-{'c' * 32}-{'b' * 16}-01"
    with serving(TRACE, trace_ids=frozenset({"a" * 32})) as stub:
        client = RawClient(stub.url).hello()
        in_message = {**CALL, "params": {**CALL["params"], "_meta": {"traceparent": other}}}
        refused = [client.post(CALL, traceparent=other), client.post(in_message), client.post(CALL, traceparent="x")]
        assert ["belongs to another trace" in said["error"]["message"] for _, said in refused] == [True] * 3
        assert (len(stub.calls.faults), stub.calls.playback.events) == (3, [])
        assert "result" in client.post(CALL, traceparent=ours)[1]


def test_failure_of_the_harness_itself_ends_the_replay():
    with serving(TRACE) as stub:
        stub.calls.playback.index = None  # type: ignore[assignment]  # what the harness would never do
        _, said = RawClient(stub.url).hello().post(CALL)
        assert said["error"] == {"code": -32603, "message": "the replay failed"}
        assert isinstance(stub.calls.failed, AttributeError)
        assert stub.calls.stopped.is_set()


@pytest.mark.parametrize(
    "arguments", [b'{"n": 123456789012345678901234567890}', b'{"t": "\\ud800"}', b'{"a":' * 5000 + b"1" + b"}" * 5000]
)
def test_arguments_that_are_hard_to_read_are_no_match_and_no_failure(arguments):
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_order", "arguments": '
    with serving(TRACE) as stub:
        _, said = RawClient(stub.url).hello().post(body + arguments + b"}}")
        assert said["error"]["code"] in (-32700, -32603)
        assert stub.calls.failed is None
        assert stub.calls.stopped.is_set() or stub.calls.faults


def test_recorded_introduction_reaches_the_client():
    result = {"serverInfo": {"name": "Orders", "version": "3"}, "instructions": "Be careful."}
    with serving(recording(mcp_span("i", "initialize", json.dumps(result)))) as stub:
        _, said = RawClient(stub.url).post({"method": "initialize", "params": HELLO})
        assert (said["result"]["serverInfo"], said["result"]["instructions"]) == tuple(result.values())


def test_stub_is_started_again_after_it_ended():
    stub = mcp_app(Calls(Playback(TRACE)), TOOLS)

    async def once():
        async with stub.running():
            return list(stub._managers)

    assert [asyncio.run(once()), asyncio.run(once()), list(stub._managers)] == [["orders"], ["orders"], []]


def test_nothing_that_was_sent_is_logged(capfd):
    with serving(TRACE) as stub:
        client = RawClient(stub.url).hello()
        client.post({"method": "tools/call", "params": {"name": {"secret": "s3cret"}}})
        client.post(b'{"jsonrpc": "2.0", "id": 4, "method": "s3cret", "params": "s3cret"}')
    assert "s3cret" not in "".join(capfd.readouterr())


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "from unrepeat.cases.errors import ConfigError\n"
        "from unrepeat.replayers.wire.mcp_stub import mcp_app\n"
        "try:\n    mcp_app(None, {})\nexcept ConfigError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'unrepeat[mcp]'" in done.stdout


def test_structured_content_satisfies_the_output_schema_that_a_client_checks():
    schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    tools = {"orders": [{**GET_ORDER, "outputSchema": schema}]}

    async def asked(url):
        async with Client(url) as client:
            await client.list_tools()
            return (await client.call_tool("get_order", ASKED)).structured_content

    with serving(recording(tool_span("t1", "get_order", ASKED, {"status": "paid"})), tools) as stub:
        assert asyncio.run(asked(f"{stub.url}/orders")) == {"status": "paid"}


@pytest.mark.parametrize(
    "message",
    [CALL, {"method": "tools/list"}, {"method": "notifications/x"}, {**CALL, "id": None}, {"method": 3}],
    ids=["call", "list", "unknown notification", "null", "number"],
)
def test_request_without_an_id_is_refused_and_noted(message):
    with serving(TRACE) as stub:
        status, said = RawClient(stub.url).hello().post(json.dumps({"jsonrpc": "2.0", **message}).encode())
        assert (status, said["error"]["code"]) == (400, -32600)
        assert len(stub.calls.faults) == 1
        assert not stub.calls.playback.events


@pytest.mark.parametrize("method", ["initialized", "cancelled", "progress", "roots/list_changed"])
def test_notification_that_clients_send_is_taken(method):
    params = {"requestId": 9, "progressToken": 9, "progress": 1}
    body = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}
    with serving(TRACE) as stub:
        assert RawClient(stub.url).hello().post(json.dumps(body).encode())[0] == 202
        assert not stub.calls.faults


def test_argument_given_twice_is_refused_and_noted():
    twice = json.dumps({"jsonrpc": "2.0", "id": 1, **CALL}).replace('"ord_1"', '"ord_2", "order_id": "ord_1"')
    with serving(TRACE) as stub:
        assert RawClient(stub.url).hello().post(twice.encode())[0] == 400
        assert stub.calls.faults == ["MCP server orders: expected every key once, got 'order_id' twice"]
        assert not stub.calls.playback.events


def test_call_after_a_refused_one_is_answered():
    with serving(TRACE) as stub:
        client = RawClient(stub.url).hello()
        client.post(b'{"jsonrpc": "2.0", "method": "tools/call"}')
        assert client.post(CALL)[0] == 200
        assert stub.grades() == []
