"""Outside: what a replayed system reaches in place of the outside world, all of it on loopback.

The wire server stands for model providers and for boundaries without one, MCP stubs for MCP servers, the proxy sink
for the rest.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cases.trace import Trace
from .calls import Calls
from .proxy_sink import ProxySink, proxy_environment, sinking
from .replay import BoundaryKind
from .system import McpServer
from .wire import server


class Outside:
    """The world of one replay."""

    listeners = 2
    """How many listening sockets it takes: for the wire server, and for the proxy sink."""

    def __init__(self, calls: Calls, trace: Trace, mcp: Mapping[str, McpServer]) -> None:
        self.calls = calls
        self.tools: dict[str, list[dict[str, Any]]] = {}
        """The tools of each MCP server."""
        self._trace, self._mcp = trace, mcp
        self._sink = ProxySink()
        if mcp:
            from .wire.mcp_tools import tools_of  # the extra `mcp`

            self.tools = tools_of(trace, {name: each.tools for name, each in mcp.items()})

    def functions_with(self, declared: Mapping[BoundaryKind, Sequence[str]]) -> tuple[str, ...]:
        """Return the boundaries that are seen at work in a replay, as ``kind:name``.

        Args:
            declared: What else the system asks the harness for, by boundary.
        """
        own = {f"tool:{name}" for name in self._tool_names()}
        named = {f"{kind}:{name}" for kind, names in declared.items() for name in names}
        return tuple(sorted(own | named | {"model:*"}))

    def _tool_names(self) -> frozenset[str]:
        if not self._mcp:
            return frozenset()
        from .wire.mcp_names import names_in

        return names_in(self._trace, self.tools)

    @property
    def refused(self) -> tuple[str, ...]:
        """What was asked of the proxy, which leads nowhere."""
        return tuple(self._sink.attempts)

    def prepare(self, ports: Sequence[int], scratch: Path, path: str) -> dict[str, str]:
        """Write the programs that stand for MCP servers, and return what a system needs in its environment.

        Args:
            ports: Of the wire server and the proxy sink.
            scratch: A folder of the system's, for those programs.
            path: The system's ``PATH``.
        """
        found = {**server.environment(ports[0]), **proxy_environment(ports[1])}
        commands = {name: each.command for name, each in self._mcp.items() if each.command}
        url = f"http://127.0.0.1:{ports[0]}/mcp"
        if self._mcp:
            found["UNREPEAT_MCP_URL"] = url
        if commands:
            from .wire.mcp_shims import shims

            programs = scratch / "bin"
            programs.mkdir()
            found |= shims(programs, commands, url)
            found["PATH"] = f"{programs}:{path}"
        return found

    @contextlib.contextmanager
    def serving(
        self,
        sockets: Sequence[socket.socket],
        trace_ids: frozenset[str] | None = None,
        now: Callable[[], str] | None = None,
    ) -> Iterator[None]:
        """Answer what comes to listening sockets: the wire server's first, then the proxy's where there is one.

        Args:
            sockets: Listening sockets; closed at the end.
            trace_ids: Trace ids that requests may belong to; None for any.
            now: Gives the time that the system is to see; None where only the system itself can tell it.
        """
        with contextlib.ExitStack() as stack:
            mounts = self._mounts(trace_ids)
            served = server.serving(self.calls, sockets[:1], mounts=mounts, trace_ids=trace_ids, now=now)
            stack.enter_context(served)
            for listener in sockets[1:]:
                self._sink = stack.enter_context(sinking(listener))
            yield

    def _mounts(self, trace_ids: frozenset[str] | None) -> dict[str, Any]:
        if not self._mcp:
            return {}
        from .wire.mcp_stub import mcp_app

        return {"/mcp": mcp_app(self.calls, self.tools, trace_ids=trace_ids)}
