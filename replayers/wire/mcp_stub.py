"""MCP stub server: what an app that speaks MCP talks to in a replay, over streamable HTTP, in place of its servers.

Transport, sessions and the handshake of every protocol version are the official SDK's. What servers answer is not left
to it: its result types drop fields that a version does not know, and a recording is served as it is.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson

from ...cases.errors import ConfigError
from ..calls import Calls
from .asgi import Event, Receive, Scope, Send
from .exchange import PATH_HEADER, CallPath, path_in
from .mcp_answers import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, METHODS, McpAnswers, Recording, RpcError
from .mcp_messages import fault_in, read_ahead
from .refusals import RefusedError
from .trace_check import TraceCheck

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Largest request, in bytes: arguments may hold files."""
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600
_MODERN = "2026-07-28"
"""The first protocol version in which each result says what it is."""


def mcp_app(
    calls: Calls,
    tools: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    trace_ids: frozenset[str] | None = None,
    json_response: bool = True,
) -> McpApp:
    """Return an ASGI app that stands for MCP servers: ``/{server}`` below where it is mounted.

    Args:
        calls: Answers the tool calls.
        tools: The tool definitions of each server in MCP's form, by name of the server; see `tools_of`.
        trace_ids: The only traces whose tool calls are answered, where a call says its trace; None for all.
        json_response: Answer with JSON, which takes half the time of a stream of one event. Clients take both.

    Raises:
        ConfigError: The extra ``mcp`` is not installed.
    """
    try:
        import mcp.server.lowlevel  # noqa: F401
        import mcp_types  # noqa: F401  # since version 2
    except ImportError as error:
        raise ConfigError(
            "expected the extra `mcp`, got an installation without it", hint="pip install 'unrepeat[mcp]'"
        ) from error
    return McpApp(calls, tools, trace_ids, json_response)


class McpApp:
    """The stub of all MCP servers of one system.

    An app that mounts it enters ``running()`` in its own lifespan, so that sessions start and end in its event loop.
    Served by itself, it does so when the server starts. It can be started again after it ended.
    """

    def __init__(
        self,
        calls: Calls,
        tools: Mapping[str, Sequence[Mapping[str, Any]]],
        trace_ids: frozenset[str] | None,
        json_response: bool,
    ) -> None:
        recording = Recording(calls)
        self._calls = calls
        self._traces = TraceCheck(calls, trace_ids)
        self._json_response = json_response
        self._answers = {server: McpAnswers(server, calls, tools, recording) for server in tools}
        self._managers: dict[str, Any] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve requests until the end of the block; open sessions end with it."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        # The SDK logs what it was sent. Trace text stays out of logs; a refusal is a fault of the replay.
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
        async with AsyncExitStack() as stack:
            for server, answers in self._answers.items():
                manager = StreamableHTTPSessionManager(
                    _server(answers, self._calls, self._traces),
                    json_response=self._json_response,
                    max_request_body_size=MAX_BODY_BYTES,
                )
                await stack.enter_async_context(manager.run())
                self._managers[server] = manager
            try:
                yield
            finally:
                self._managers.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of a server of its own."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        server = str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).strip("/")
        manager = self._managers.get(server)
        if manager is None and server in self._answers:
            raise RuntimeError("the stub of MCP servers is not running: enter its running(), or serve its lifespan")
        if manager is None:
            known = ", ".join(sorted(self._answers)) or "none"
            self._calls.fault(f"MCP server {server}: not configured")
            await _refuse(send, 404, f"no MCP server {server!r} in this replay; there is {known}")
            return
        if scope["method"] == "POST":
            body, receive = await read_ahead(receive, MAX_BODY_BYTES)
            if wrong := fault_in(body):
                self._calls.fault(f"MCP server {server}: {wrong}")
                await _refuse(send, 400, wrong)
                return
        await manager.handle_request(scope, receive, _Watched(send, self._calls, server))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class _Watched:
    """Notes a request that is none: the SDK refuses it before it is anybody's to answer."""

    def __init__(self, send: Send, calls: Calls, server: str) -> None:
        self._send, self._calls, self._server = send, calls, server
        self._status = 200

    async def __call__(self, message: Event) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body" and self._status in (400, 406, 413, 415):
            said = _error_in(message.get("body", b""))
            # Any other error of a 400 is the negotiation of versions.
            if self._status != 400 or said[0] in (_PARSE_ERROR, _INVALID_REQUEST, INVALID_PARAMS):
                self._calls.fault(f"MCP server {self._server}: a request that is none ({self._status}, {said[1]})")
        await self._send(message)


def _error_in(body: bytes) -> tuple[Any, str]:
    try:
        error = orjson.loads(body)["error"]
        return error["code"], str(error["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None, body[:200].decode("utf-8", "replace")


def _server(answers: McpAnswers, calls: Calls, traces: TraceCheck) -> Any:
    """Return the SDK's server, with every method that is answered here taken out of its hands."""
    import mcp_types as types
    from anyio import to_thread
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    async def announced(ctx: Any, params: Any) -> dict[str, Any]:
        raise AssertionError  # answered before; being there is what makes the SDK announce the capability

    async def middleware(ctx: Any, call_next: Any) -> Any:
        if ctx.request_id is None:
            return await call_next(ctx)
        try:
            if ctx.method not in METHODS:
                result = await call_next(ctx)
                return {**result, **introduced.get(ctx.method, {})}
            if ctx.method == "tools/call":
                _check_trace(ctx, answers, traces)
            path = _call_path(ctx.request, answers)
            result = await to_thread.run_sync(answers.answer, ctx.method, ctx.params, path)
        except RpcError as error:
            raise MCPError(error.code, error.message) from None
        except MCPError as error:
            if error.code == METHOD_NOT_FOUND:
                calls.fault(f"MCP server {answers.server}: unknown method {ctx.method}")
            raise
        except Exception as error:
            # The harness is at fault, not the app: whoever runs the replay raises it.
            calls.failed = calls.failed or error
            calls.stopped.set()
            raise MCPError(INTERNAL_ERROR, "the replay failed") from None
        return _in_words_of(ctx.protocol_version, ctx.method, result)

    said = answers.introduction()
    introduced = {"initialize": said, "server/discover": {key: said[key] for key in said if key != "serverInfo"}}
    server: Any = Server(answers.server)
    for kind in ("tools", *(kind for kind in ("resources", "prompts") if answers.has(kind))):
        server.add_request_handler(f"{kind}/list", types.PaginatedRequestParams, announced)
    server.middleware.append(middleware)
    return server


def _in_words_of(version: str, method: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with what a newer protocol version wants beside it: recordings are older."""
    if version < _MODERN:
        return result
    cached = {} if method in ("tools/call", "prompts/get") else {"ttlMs": 0, "cacheScope": "private"}
    return {"resultType": "complete", **cached, **result}


def _check_trace(ctx: Any, answers: McpAnswers, traces: TraceCheck) -> None:
    """Refuse a call that says it belongs to another trace, in the message itself or beside it."""
    meta = ctx.params.get("_meta") if isinstance(ctx.params, Mapping) else None
    stated = meta.get("traceparent") if isinstance(meta, Mapping) else None
    if stated is None and ctx.request is not None:
        stated = ctx.request.headers.get("traceparent")
    try:
        traces.check(f"calls of MCP server {answers.server}", None if stated is None else str(stated))
    except RefusedError as error:
        raise answers.refusal(f"tools/call {error.message}") from None


def _call_path(request: Any, answers: McpAnswers) -> CallPath | None:
    stated = request.headers.get(PATH_HEADER.decode()) if request is not None else None
    try:
        return None if stated is None else path_in(stated.encode("latin-1"))
    except RefusedError as error:
        raise answers.refusal(error.message, INVALID_PARAMS) from None


async def _refuse(send: Send, status: int, message: str) -> None:
    body = orjson.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": _INVALID_REQUEST, "message": message}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
