"""From the systems of the configuration to those that the replayers take."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from ..cases.errors import ConfigError
from ..replayers.boundary import BOUNDARY_KINDS
from ..replayers.replay import BoundaryKind
from ..replayers.system import AnySystem, CommandSystem, HttpSystem, McpServer, PythonSystem
from .config import Project, SystemConfig

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def kind_of_system(system: SystemConfig) -> str:
    """Return ``python``, ``command`` or ``http``; empty for a system that names nothing to run."""
    if system.command is not None:
        return "command"
    if system.url is not None:
        return "http"
    return "python" if system.python is not None else ""


def system_of(
    project: Project, name: str, system: SystemConfig, *, entry: str | None = None, required: str = ""
) -> AnySystem:
    """Return a configured system in the form its replayer takes.

    Args:
        project: The project, for relative paths.
        name: The system's name.
        system: The system.
        entry: A callable to run in place of the configured one.
        required: The weakest isolation to run it at.

    Raises:
        ConfigError: It names nothing to run, or a header needs a variable that is not set.
    """
    kind = kind_of_system(system)
    if kind == "command":
        return _command(project, name, system, required)
    if kind == "http":
        _refuse_isolation(name, required)
        return _http(project, name, system)
    if entry is None and system.python is None:
        raise ConfigError(
            "expected something to run: python, command or url, got none",
            where=f"{project.file}: systems.{name}",
            hint='Name the callable, such as python = "support_desk.app:handle", or the program, such as '
            'command = ["node", "dist/agent.js"]',
        )
    return PythonSystem(
        name=name,
        entry=entry or system.python or "",
        boundaries=_boundaries(system),
        paths=tuple(system.paths),
        interpreter=system.interpreter or sys.executable,
        timeout_s=system.timeout_s,
        env=system.env,
        allow_live=frozenset(system.allow_live),
        allow_subprocess=system.allow_subprocess,
        isolation=system.isolation or "",
        required_isolation=required,
        reads=_reads(project, system),
        mcp=_mcp(project, system),
    )


def _command(project: Project, name: str, system: SystemConfig, required: str) -> CommandSystem:
    return CommandSystem(
        name=name,
        command=tuple(system.command or ()),
        output=system.output,
        timeout_s=system.timeout_s,
        env=system.env,
        allow_live=frozenset(system.allow_live),
        boundaries=_boundaries(system),
        isolation=system.isolation or "",
        required_isolation=required,
        reads=_reads(project, system),
        mcp=_mcp(project, system),
    )


def _http(project: Project, name: str, system: SystemConfig) -> HttpSystem:
    host, _, port = system.listen.rpartition(":")
    where = f"{project.file}: systems.{name}.headers"
    return HttpSystem(
        name=name,
        url=system.url or "",
        listen=(host.strip("[]"), int(port)),
        headers={key: _expanded(value, f"{where}.{key}") for key, value in system.headers.items()},
        boundaries=_boundaries(system),
        timeout_s=system.timeout_s,
        allow_live=frozenset(system.allow_live),
        mcp=_mcp(project, system),
    )


def _refuse_isolation(name: str, required: str) -> None:
    """Refuse to ask a deployment where isolation is required: nothing here can give it any."""
    if required not in ("", "none"):
        raise ConfigError(
            f"expected isolation of at least {required}, got a deployment, which runs where nothing here isolates it",
            where=f"system {name}",
            hint="Leave --require-isolation out, or describe the program as `command`",
        )


def _boundaries(system: SystemConfig) -> Mapping[BoundaryKind, tuple[str, ...]]:
    return {kind: tuple(getattr(system.boundaries, kind)) for kind in BOUNDARY_KINDS}


def _reads(project: Project, system: SystemConfig) -> tuple[Path, ...]:
    """Return what the system needs to see: what is configured, and the project, which links of a version lead to."""
    return (project.root, *(project.root / path for path in system.reads))


def _mcp(project: Project, system: SystemConfig) -> dict[str, McpServer]:
    return {
        name: McpServer(command=each.command, tools=project.root / each.tools if each.tools else None)
        for name, each in system.mcp.items()
    }


def _expanded(value: str, where: str) -> str:
    """Return a text with ``${NAME}`` replaced by variables of this process."""
    missing = next((name for name in _VARIABLE.findall(value) if name not in os.environ), None)
    if missing is not None:
        raise ConfigError(f"expected the variable {missing} to be set, got none", where=where)
    return _VARIABLE.sub(lambda match: os.environ[match.group(1)], value)
