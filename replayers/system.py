"""The system under test, as the replayers need to know it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .replay import BoundaryKind, Version


@dataclass(frozen=True, slots=True)
class McpServer:
    """An MCP server that the system talks to, and that is answered from the recording in a replay."""

    command: str = ""
    """How the system starts it, for servers on standard input and output; empty where it is reached by URL."""
    tools: Path | None = None
    """A JSON file with its tools, as ``tools/list`` answers; None: as the recording has them."""


@dataclass(frozen=True, slots=True)
class PythonSystem:
    """A callable of a Python app and the named functions that are its boundaries."""

    name: str
    entry: str
    """``module:function``; may be a coroutine function."""
    boundaries: Mapping[BoundaryKind, tuple[str, ...]] = field(default_factory=dict)
    """By boundary: ``module:function``, ``module:Class.method`` or ``module:*`` (its public functions)."""
    paths: tuple[str, ...] = (".",)
    """Folders of the version that are put on the import path."""
    interpreter: str = sys.executable
    timeout_s: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment the app needs; nothing else of the caller's environment reaches it but PATH and locale."""
    allow_live: frozenset[str] = frozenset()
    """Boundaries that may run for real in a replay: ``retrieval`` or ``tool:get_order``."""
    allow_subprocess: bool = False
    isolation: str = ""
    """The level to run it at; empty: the strongest there is."""
    required_isolation: str = ""
    """The weakest level it may run at; empty: guard. ``none``: even without any."""
    reads: tuple[Path, ...] = ()
    """Files and folders it needs although they lie where isolation hides everything."""
    mcp: Mapping[str, McpServer] = field(default_factory=dict)
    """Its MCP servers by name."""


@dataclass(frozen=True, slots=True)
class CommandSystem:
    """Any program in any language; its boundaries reach the harness over connections."""

    name: str
    command: tuple[str, ...]
    """Program and arguments. ``{input}`` in an argument becomes the input as text; without it the input comes on
    standard input."""
    output: Literal["stdout", "last-line"] = "stdout"
    """Where its answer is: all it prints, or the last line of that. JSON is read as JSON."""
    timeout_s: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment the program needs; nothing else of the caller's environment reaches it but PATH and locale."""
    allow_live: frozenset[str] = frozenset()
    boundaries: Mapping[BoundaryKind, tuple[str, ...]] = field(default_factory=dict)
    """Names of tools and other boundaries that the program asks the harness for; ``*`` for any."""
    isolation: str = ""
    """The level to run it at; empty: the strongest there is."""
    required_isolation: str = ""
    """The weakest level it may run at; empty: landlock. ``none``: even without any."""
    reads: tuple[Path, ...] = ()
    """Files and folders it needs although they lie where isolation hides everything."""
    mcp: Mapping[str, McpServer] = field(default_factory=dict)
    """Its MCP servers by name."""


@dataclass(frozen=True, slots=True)
class HttpSystem:
    """A running deployment; nothing of it is started, confined or ended here."""

    name: str
    url: str
    """Where the input is posted to."""
    listen: tuple[str, int]
    """Host and port that the deployment has as its model's base URL and for its other boundaries."""
    headers: Mapping[str, str] = field(default_factory=dict)
    boundaries: Mapping[BoundaryKind, tuple[str, ...]] = field(default_factory=dict)
    """Names of tools and other boundaries that the deployment asks the harness for; ``*`` for any."""
    timeout_s: float = 60.0
    allow_live: frozenset[str] = frozenset()
    mcp: Mapping[str, McpServer] = field(default_factory=dict)
    """Its MCP servers by name; reached by URL only."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One version of a system on disk."""

    version: Version
    folder: Path
    """The folder the app runs in."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment overrides of this version (components that are environment values)."""
    url: str = ""
    """For a deployment, where it is; empty: where the system says."""


AnySystem = PythonSystem | CommandSystem | HttpSystem
