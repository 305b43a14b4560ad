"""MCP answers: what one MCP server answers in a replay, request by request, whatever transport it came over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...cases.trace import Span
from ..boundary import RecordedCall
from ..calls import Answered, Calls
from ..canonical import dumps
from .mcp_names import recorded_name
from .mcp_recorded import RecordedExchange, error_code, exchanges, is_tool_error, tool_exchanges
from .mcp_results import recorded_result, tool_error, tool_result

METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32601, -32602, -32603
_LISTS = {
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}
_INTRODUCTION = {"serverInfo": dict, "capabilities": dict, "instructions": str}
_READS = ("resources/read", "prompts/get")
_LOGGING = "logging/setLevel"
METHODS = ("tools/list", "tools/call", *_LISTS, *_READS, _LOGGING)
"""What is answered here; everything else is the SDK's, or unknown."""


class RpcError(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Recording:
    """What a trace says about MCP servers, worked out once for all of them."""

    def __init__(self, calls: Calls) -> None:
        recorded = [call for call in calls.playback.index.calls if call.kind == "tool"]
        self.exchanges = exchanges(calls.playback.trace)
        self.behind = tool_exchanges(calls.playback.trace, [call.span.span_id for call in recorded])
        """The MCP request behind a recorded tool call, by id of the call's span."""
        self.by_name: dict[str, list[RecordedCall]] = {}
        for call in recorded:
            self.by_name.setdefault(call.name, []).append(call)


class McpAnswers:
    """Answers in place of one MCP server."""

    def __init__(
        self,
        server: str,
        calls: Calls,
        tools: Mapping[str, Sequence[Mapping[str, Any]]],
        recording: Recording,
    ) -> None:
        """Begin a replay.

        Args:
            server: The server's name.
            calls: Answers the tool calls.
            tools: The tools of all servers, by name of the server.
            recording: What the trace holds.
        """
        self.server = server
        self._calls = calls
        self._recording = recording
        self._tools = {str(tool.get("name")): tool for tool in tools[server]}
        self._listed = list(tools[server])
        others = (tool.get("name") for name, listed in tools.items() if name != server for tool in listed)
        self._shared = self._tools.keys() & set(others)
        """Tools that another server has too, under the same name."""
        self._others = frozenset(tools) - {server}
        self._own = [each for each in recording.exchanges if self._may_be_own(each)]

    def introduction(self) -> dict[str, Any]:
        """Return what the recorded server said of itself: ``serverInfo``, ``capabilities``, ``instructions``."""
        for exchange in self._own:
            if exchange.method == "initialize" and isinstance(exchange.result, Mapping):
                said = exchange.result
                return {key: said[key] for key, form in _INTRODUCTION.items() if isinstance(said.get(key), form)}
        return {}

    def has(self, kind: str) -> bool:
        """Whether the recording holds requests of a kind: ``resources``, ``prompts``."""
        return any(exchange.method.startswith(f"{kind}/") for exchange in self._own)

    def answer(self, method: str, params: Any, call_path: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the result of a request.

        Args:
            method: One of `METHODS`.
            params: As received.
            call_path: Enclosing boundary calls; None when nobody knows.

        Raises:
            RpcError: The answer is an error.
        """
        if method == "tools/list":
            return {"tools": self._listed}
        params = {} if params is None else params
        if not isinstance(params, Mapping):
            raise self.refusal(f"{method} with params that are no object", INVALID_PARAMS)
        if method == "tools/call":
            return self._call(params, call_path)
        if method == _LOGGING:
            return self._set_level()
        return self._list(method) if method in _LISTS else self._read(method, params)

    def _call(self, params: Mapping[str, Any], call_path: Sequence[str] | None) -> dict[str, Any]:
        tool, arguments = params.get("name"), params.get("arguments")
        if not isinstance(tool, str) or not (arguments is None or isinstance(arguments, Mapping)):
            raise self.refusal("tools/call without the name of a tool and an object of arguments", INVALID_PARAMS)
        arguments = dict(arguments or {})
        name = recorded_name(self.server, tool, self._recording.by_name)
        if name == tool and tool in self._shared:
            self._tell_apart(tool, arguments)
        return self._replied(self._calls.ask("tool", name, arguments, call_path), name, tool)

    def _replied(self, answered: Answered, name: str, tool: str) -> dict[str, Any]:
        reply, step = answered.reply, f"step {answered.seq}, call of {name}"
        if reply.action == "stop":
            raise RpcError(INTERNAL_ERROR, f"{step}: {reply.error}")
        if reply.action == "call":
            self._calls.answered(answered.seq, None, "a live tool cannot be reached over MCP")
            raise self.refusal(f"{step}: a live tool cannot be reached over MCP")
        recorded = answered.recorded if self._calls.playback.events[answered.seq - 1].mode == "recorded" else None
        behind = self._behind(recorded)
        if behind is not None and name == tool and self._is_others(behind):
            raise self.refusal(f"{step}: the recorded answer is another server's")
        if reply.action == "raise":
            return self._failed(reply.error, recorded)
        if recorded is not None and reply.value is None and not _has_answer(recorded.span):
            raise self.refusal(f"{step}: the recording does not hold what the tool answered")
        result = recorded_result(behind.result) if behind is not None else None
        result = result or tool_result(reply.value, answered.text, self._tools.get(tool))
        failed = recorded is not None and (recorded.stated_error() or is_tool_error((behind or recorded).span))
        return {**result, "isError": True} if failed else result

    def _failed(self, error: str, recorded: RecordedCall | None) -> dict[str, Any]:
        """Return the result of a tool that failed, or raise the error of a request that was refused."""
        if recorded is None or recorded.error() != error:
            return tool_error(error)
        behind = self._behind(recorded)
        code = error_code(behind.span if behind is not None else recorded.span)
        if code is not None:
            raise RpcError(code, error)
        result = recorded_result(behind.result) if behind is not None else None
        return {**result, "isError": True} if result is not None else tool_error(error)

    def _behind(self, recorded: RecordedCall | None) -> RecordedExchange | None:
        return self._recording.behind.get(recorded.span.span_id) if recorded is not None else None

    def _tell_apart(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Refuse a call that a tool of the same name of another server may have answered otherwise.

        Where the recording says whose a call was, the answer is checked against that.
        """
        asked = self._calls.playback.prepared("tool", arguments).exact
        same = [call for call in self._recording.by_name.get(tool, ()) if call.prepared.exact == asked]
        unsaid = [call for call in same if (behind := self._behind(call)) is None or not self._is_stated(behind)]
        if unsaid and len({dumps([call.answer(), call.error()]) for call in same}) > 1:
            raise self.refusal(
                f"call of {tool}: several servers have a tool of this name, and the recording does not say which of"
                " them gave which answer to these arguments"
            )

    def _is_others(self, exchange: RecordedExchange) -> bool:
        return not exchange.is_of(self.server) and any(map(exchange.is_of, self._others))

    def _is_stated(self, exchange: RecordedExchange) -> bool:
        """Whether the recording says which of the servers a request was asked of, in a name that one of them has."""
        return exchange.is_of(self.server) or self._is_others(exchange)

    def _may_be_own(self, exchange: RecordedExchange) -> bool:
        """Whether a recorded request was asked of this server, for all that the recording says."""
        if exchange.is_of(self.server) or not self._others:
            return True
        return exchange.method in ("tools/call", *_READS) and not self._is_others(exchange)

    def _set_level(self) -> dict[str, Any]:
        """Take the level of log messages, of which a stub sends none, where the recorded server took it."""
        if "logging" in self.introduction().get("capabilities", {}):
            return {}
        raise self.refusal(f"unknown method {_LOGGING}", METHOD_NOT_FOUND)

    def _list(self, method: str) -> dict[str, Any]:
        """Return a recorded listing, all its pages together; an empty one where there is none."""
        key, items = _LISTS[method], list[Any]()
        for exchange in self._own:
            if exchange.method == method and isinstance(exchange.result, Mapping):
                page = exchange.result.get(key)
                items += page if isinstance(page, list) else []
                if not exchange.result.get("nextCursor"):
                    break
        return {key: items}

    def _read(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a resource or a prompt was recorded as."""
        read = [each for each in self._own if each.method == method and isinstance(each.result, Mapping)]
        for exchange in read:
            if _asked(_params(exchange)) == _asked(params):
                return dict(exchange.result)
        raise self.refusal(f"{method} of {params.get('uri') or params.get('name')}: the recording has no such request")

    def refusal(self, what: str, code: int = INTERNAL_ERROR) -> RpcError:
        """Note that nothing can be said about a request, and return the error it is answered with."""
        self._calls.fault(f"MCP server {self.server}: {what}")
        return RpcError(code, what)


def _has_answer(span: Span) -> bool:
    keys: Iterable[str] = ("unrepeat.result", "gen_ai.tool.call.result", "output.value")
    return any(span.attributes.get(key) is not None for key in keys)


def _params(exchange: RecordedExchange) -> Mapping[str, Any]:
    if isinstance(exchange.params, Mapping):
        return exchange.params
    attributes = exchange.span.attributes
    return {"uri": attributes.get("mcp.resource.uri"), "name": attributes.get("gen_ai.prompt.name")}


def _asked(params: Mapping[str, Any]) -> bytes:
    return dumps([params.get("uri"), params.get("name"), params.get("arguments") or {}])
