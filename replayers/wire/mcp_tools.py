"""Tools of MCP servers: what each server listed when the trace was recorded."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...cases import strict_json
from ...cases.errors import ConfigError, SourceError
from ...cases.trace import ModelCall, Trace
from .mcp_names import bare_name, prefixes
from .mcp_recorded import RecordedExchange, exchanges

Tool = dict[str, Any]
_SCHEMAS = ("inputSchema", "input_schema", "parameters")
_OF_PROVIDERS = frozenset(("strict", "cache_control", "type", "function", "defer_loading"))
"""Fields of a provider's tool definition that MCP has not."""
_HINT = "save the server's answer to tools/list as JSON and name the file as `tools` of the server in unrepeat.toml"


def tools_of(trace: Trace, servers: Mapping[str, Path | None]) -> dict[str, list[Tool]]:
    """Return what each MCP server answers to ``tools/list``.

    As recorded, where the trace holds the server's answer: a server's tools change over time, and a file named in the
    configuration stands for every trace of the system. Then from that file; then from the tools that the recorded
    model calls were offered.

    Args:
        trace: The recording.
        servers: By name, a JSON file of the server's tools where there is one.

    Raises:
        ConfigError: A file holds no tools, or nobody says which tools are a server's.
    """
    listings = [each for each in exchanges(trace) if each.method == "tools/list" and _tools_in(each.result)]
    offered = {tool["name"] for tool in _definitions(trace)}
    found: dict[str, list[Tool]] = {}
    for name, file in servers.items():
        own = [each for each in listings if each.is_of(name) or _is_offered(each, name, offered)]
        if not own and len(servers) == 1 and len({each.servers for each in listings}) == 1:
            own = listings  # one server in the recording and one in the configuration, whatever they are called
        tools = _listed(own) or ([] if file is None else _read(file))
        if tools or file is not None:
            found[name] = tools
    return found | _offered(trace, [name for name in servers if name not in found], found)


def _is_offered(listing: RecordedExchange, server: str, offered: Container[str]) -> bool:
    """Whether the model was offered the tools of a listing under the name of a server."""
    names = [tool["name"] for tool in _tools_in(listing.result)]
    return not listing.servers and any(all(prefix + name in offered for name in names) for prefix in prefixes(server))


def _listed(listings: list[RecordedExchange]) -> list[Tool]:
    """Return the tools of the first listing, all its pages together."""
    tools: list[Tool] = []
    for listing in listings:
        tools += _tools_in(listing.result)
        if not listing.result.get("nextCursor"):
            break
    return tools


def _tools_in(result: Any) -> list[Tool]:
    tools = result.get("tools") if isinstance(result, Mapping) else None
    return tools if isinstance(tools, list) and all(map(_is_tool, tools)) else []


def _is_tool(tool: Any) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("name"), str) and isinstance(tool.get("inputSchema"), dict)


def _read(file: Path) -> list[Tool]:
    """Return the tools in a file: a list, a tools/list result, or the whole JSON-RPC answer."""
    try:
        value = strict_json.read(file)
    except SourceError as error:
        raise ConfigError(f"expected the tools of an MCP server as JSON: {error}", where=str(file)) from error
    for key in ("result", "tools"):
        value = value[key] if isinstance(value, dict) and key in value else value
    if not isinstance(value, list):
        raise ConfigError("expected a list of tools", where=str(file), hint=_HINT)
    for place, tool in enumerate(value):
        if not _is_tool(tool):
            raise ConfigError("expected a tool with `name` and `inputSchema`", where=f"{file}: $[{place}]", hint=_HINT)
    return value


def _offered(trace: Trace, servers: list[str], known: Mapping[str, list[Tool]]) -> dict[str, list[Tool]]:
    """Return the tools of servers that only the recorded model calls tell of."""
    taken = {tool["name"] for tools in known.values() for tool in tools}
    offered = {tool["name"]: tool for tool in _definitions(trace)}
    called = {each.span.attributes.get("gen_ai.tool.name") for each in exchanges(trace) if each.method == "tools/call"}
    found: dict[str, list[Tool]] = {}
    for server in servers:
        prefixed = {} if called & offered.keys() else {name: bare_name(server, name) for name in offered}
        own = [{**offered[name], "name": bare} for name, bare in prefixed.items() if bare]
        if not own and len(servers) == 1:
            own = [tool for name, tool in offered.items() if name not in taken]
        if not own:
            where = f"MCP server {server}"
            raise ConfigError("expected its tools in the recording or in a file, got neither", where=where, hint=_HINT)
        found[server] = own
    return found


def _definitions(trace: Trace) -> Iterable[Tool]:
    """Yield the tools that the recorded model calls were offered, in MCP's form."""
    for _, call in trace.views(ModelCall):
        for definition in call.tool_definitions:
            declared = definition.get("functionDeclarations", definition.get("function_declarations"))
            forms = map(_in_mcp_form, declared if isinstance(declared, list) else [definition])
            yield from (tool for tool in forms if tool is not None)


def _in_mcp_form(definition: Any) -> Tool | None:
    inner = definition.get("function") if isinstance(definition, Mapping) else None
    given = inner if isinstance(inner, Mapping) else definition
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        return None
    schema = next((given[key] for key in _SCHEMAS if isinstance(given.get(key), Mapping)), None)
    rest = {key: item for key, item in given.items() if key not in _OF_PROVIDERS and key not in _SCHEMAS}
    known = {key: item for key, item in rest.items() if item is not None}
    return {**known, "inputSchema": schema or {"type": "object"}}
