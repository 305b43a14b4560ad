"""Tool names: what a recording calls a tool that an MCP server knows by its bare name.

A server says ``search``; the model that is offered the tools of several servers is told ``mcp__docs__search``, and
that is what many traces record.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from ...cases.readers.mcp_spans import SEPARATORS
from ...cases.trace import ToolCall, Trace
from .mcp_recorded import plain_name


def prefixes(server: str) -> list[str]:
    """Return what agents put before the names of a server's tools, the most telling first."""
    spelled = dict.fromkeys((server, server.replace(" ", "_"), plain_name(server)))
    return [f"mcp__{name}__" for name in spelled] + [name + mark for mark in SEPARATORS for name in spelled]


def recorded_name(server: str, tool: str, recorded: Container[str]) -> str:
    """Return the name under which a recording may hold the calls of a server's tool.

    Args:
        server: The server's name.
        tool: The tool's name as the server says it.
        recorded: Names of the tools that the recording calls.
    """
    return next((prefix + tool for prefix in prefixes(server) if prefix + tool in recorded), tool)


def names_in(trace: Trace, tools: Mapping[str, Iterable[Mapping[str, Any]]]) -> frozenset[str]:
    """Return the names under which calls of the tools of MCP servers are seen in a replay: those of its recording.

    Args:
        trace: The recording.
        tools: The tool definitions of each server, by name of the server.
    """
    recorded = {call.name for _, call in trace.views(ToolCall)}
    return frozenset(recorded_name(server, tool["name"], recorded) for server, own in tools.items() for tool in own)


def bare_name(server: str, name: str) -> str:
    """Return the name of a server's tool without the prefix an agent gave it; empty when it has none."""
    prefix = next((prefix for prefix in prefixes(server) if name.startswith(prefix)), name)
    return name.removeprefix(prefix)
