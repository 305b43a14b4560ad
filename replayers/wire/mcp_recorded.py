"""Recorded MCP: the requests to MCP servers that a trace holds, each with its parameters and its result.

OpenTelemetry names the method (``mcp.method.name``) and, for ``tools/call``, arguments and result. It has no attribute
for what the other methods carry: instrumentations use their own, and ours is ``unrepeat.result``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...cases.message_parts import structured
from ...cases.trace import Span, Trace

_METHODS = ("mcp.method.name", "rpc.method")
_PARAMS = ("unrepeat.arguments", "gen_ai.tool.call.arguments", "request", "traceloop.entity.input", "input.value")
_RESULTS = (
    *("unrepeat.result", "gen_ai.tool.call.result", "response"),
    *("mcp.response.value", "traceloop.entity.output", "output.value"),
)
_SERVERS = ("mcp.server.name", "mcp.server", "mcp_server_name", "gen_ai.mcp.server.name")
_CODES = ("rpc.response.status_code", "rpc.jsonrpc.error_code", "error.type")
_METHOD = re.compile(r"[a-z]+(?:/[A-Za-z_]+)*")


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One recorded request to an MCP server."""

    span: Span
    method: str
    """``tools/list``, ``tools/call``, ``initialize`` …"""
    params: Any
    """What it was asked; for ``tools/call`` the arguments. None where nobody recorded it."""
    result: Any
    """What it answered; None where nobody recorded it."""
    servers: frozenset[str]
    """What the recording calls the server, in the form of `plain_name`; empty where it does not say."""

    def is_of(self, server: str) -> bool:
        """Whether the recording says that this was asked of a server."""
        return plain_name(server) in self.servers


def exchanges(trace: Trace) -> list[RecordedExchange]:
    """Return the requests to MCP servers that a trace holds, in recorded order."""
    found = [(span, method) for span in trace.spans if (method := _method(span.attributes))]
    sessions: dict[str, set[str]] = {}
    for span, method in found:
        if method == "initialize":
            sessions.setdefault(_session(span), set()).update(_introduced(_result(span)))
    return [_exchange(span, method, sessions.get(_session(span), ())) for span, method in found]


def tool_exchanges(trace: Trace, calls: Iterable[str]) -> dict[str, RecordedExchange]:
    """Return the ``tools/call`` behind each recorded tool call: the span itself, or the MCP span below it.

    Args:
        trace: The recording.
        calls: Ids of the spans that are tool calls.
    """
    parents, wanted = {span.span_id: span.parent_id for span in trace.spans}, frozenset(calls)
    behind: dict[str, RecordedExchange] = {}
    for exchange in exchanges(trace):
        if exchange.method != "tools/call":
            continue
        span_id, seen = exchange.span.span_id, set[str]()
        while span_id and span_id not in wanted and span_id not in seen:
            seen.add(span_id)
            span_id = parents.get(span_id, "")
        known = behind.get(span_id)
        if span_id in wanted and (known is None or (known.result is None and exchange.result is not None)):
            behind[span_id] = exchange
    return behind


def error_code(span: Span) -> int | None:
    """Return the JSON-RPC error a request ended with; None where it did not, or where nobody says."""
    for key in _CODES:
        value = span.attributes.get(key)
        if isinstance(value, (str, int)) and re.fullmatch(r"-\d{1,9}", str(value)):
            return int(value)
    return None


def is_tool_error(span: Span) -> bool:
    """Whether a tool reported a failure in its result, as the conventions for MCP say it."""
    return span.attributes.get("error.type") == "tool_error"


def plain_name(name: str) -> str:
    """Return a server's name as instrumentations and agents spell it inside other names: ``my server`` is my_server."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _method(attributes: Mapping[str, Any]) -> str:
    for key in _METHODS:
        value = attributes.get(key)
        if isinstance(value, str) and _METHOD.fullmatch(value) and (key != "rpc.method" or _is_jsonrpc(attributes)):
            return value
    return ""


def _is_jsonrpc(attributes: Mapping[str, Any]) -> bool:
    return attributes.get("rpc.system") in ("jsonrpc", "mcp") or attributes.get("rpc.system.name") == "jsonrpc"


def _exchange(span: Span, method: str, introduced: Iterable[str]) -> RecordedExchange:
    stated = [span.attributes.get(key) for key in _SERVERS]
    names = [plain_name(name) for name in (*stated, *introduced) if isinstance(name, str)]
    params = structured(_first(span, _PARAMS))
    if isinstance(params, Mapping) and params.get("method") == method:
        params = params.get("params")
    return RecordedExchange(span, method, params, _result(span), frozenset(filter(None, names)))


def _result(span: Span) -> Any:
    value = structured(_first(span, _RESULTS))
    if isinstance(value, Mapping) and "jsonrpc" in value:
        value = value.get("result")
    return value


def _first(span: Span, keys: Iterable[str]) -> Any:
    return next((span.attributes[key] for key in keys if span.attributes.get(key) is not None), None)


def _session(span: Span) -> str:
    return str(span.attributes.get("mcp.session.id") or span.span_id)


def _introduced(result: Any) -> list[str]:
    """Return the name a server gave in its answer to ``initialize``."""
    info = (result.get("serverInfo") or result.get("server_info")) if isinstance(result, Mapping) else None
    name = info.get("name") if isinstance(info, Mapping) else None
    return [name] if isinstance(name, str) else []
