"""A stub of MCP servers behind a real HTTP server, and a recording for it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from unrepeat.cases.trace import ModelCall, Source, Span, ToolCall, Trace
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.wire.mcp_stub import mcp_app

GET_ORDER = {
    "name": "get_order",
    "description": "Look an order up.",
    "inputSchema": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
    "x-of-a-later-version": {"kept": True},
}
REFUND = {"name": "refund", "description": "Refund an order.", "inputSchema": {"type": "object"}}
TOOLS = {"orders": [GET_ORDER, REFUND]}


@dataclass(frozen=True)
class Stub:
    """A stub that is being served."""

    url: str
    calls: Calls

    def grades(self) -> list[str]:
        """Return how the calls so far differ from the recording."""
        return [divergence.grade for divergence in self.calls.playback.divergences]


def tool_span(span_id: str, name: str, arguments: Any, result: Any = None, **fields: Any) -> Span:
    """Return a recorded tool call; ``fields`` of the span, and ``error`` and ``result_raw`` of the call."""
    said = {key: fields.pop(key) for key in ("error", "result_raw") if key in fields}
    attributes = {"gen_ai.tool.call.result": result} | fields.pop("attributes", {})
    view = ToolCall(name=name, arguments=arguments, result=result, **said)
    return Span(span_id=span_id, view=view, attributes=attributes, **fields)


def mcp_span(span_id: str, method: str, result: Any = None, **attributes: Any) -> Span:
    """Return a recorded request to an MCP server that is no tool call, or the inside of one."""
    named = {key.replace("__", "."): value for key, value in attributes.items() if key != "parent_id"}
    return Span(
        span_id=span_id,
        name=method,
        parent_id=attributes.get("parent_id", ""),
        attributes={"mcp.method.name": method, "unrepeat.result": result, **named},
    )


def recording(*spans: Span, offered: Sequence[dict[str, Any]] = ()) -> Trace:
    """Return a trace of these spans, after a model call that was offered these tools."""
    model = Span(span_id="m", view=ModelCall(request_model="m1", tool_definitions=tuple(offered)))
    return Trace(trace_id="t", source=Source(format="test"), spans=(model, *spans) if offered else spans)


@contextlib.contextmanager
def serving(
    trace: Trace, tools: dict[str, list[dict[str, Any]]] | None = None, modes: Modes | None = None, **options: Any
) -> Iterator[Stub]:
    """Serve the stub under /mcp until the end of the block."""
    calls = Calls(Playback(trace, modes))
    stub = mcp_app(calls, TOOLS if tools is None else tools, **options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        async with stub.running():
            yield

    with served(Starlette(routes=[Mount("/mcp", app=stub)], lifespan=lifespan)) as url:
        yield Stub(url, calls)


@contextlib.contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """Serve an app on the loopback until the end of the block, and give the URL of its /mcp."""
    # With the protocol named: asyncio sets TCP_NODELAY only then, and each answer would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, **options))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    _wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
    assert not thread.is_alive()


def _wait_until(holds: Any, longest_s: float = 10) -> None:
    end = time.monotonic() + longest_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
