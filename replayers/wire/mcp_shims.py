"""MCP shims: programs named like the ones that an app starts as its stdio MCP servers.

They go first on the PATH of the replayed app. MCP clients hand a server only a few variables of their own environment
(HOME, PATH and the like), so that what a shim must know is written into it.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...cases.errors import ConfigError
from .mcp_stdio import INTERPRETERS, fits

_BRIDGE = Path(__file__).resolve().with_name("mcp_stdio.py")


def shims(folder: Path, servers: Mapping[str, str], url: str = "") -> dict[str, str]:
    """Write a program for each command that starts a stdio MCP server.

    Args:
        folder: Where to; the caller puts it first on the app's PATH.
        servers: The command line of each server, by name of the server: ``npx -y @acme/orders``.
        url: Where the stub is: ``http://127.0.0.1:PORT/mcp``. Without it, the app needs ``UNREPEAT_MCP_URL`` in its
            environment, and a shim looks for it there: that can only be done on Linux.

    Returns:
        What the environment of the app needs besides its PATH.

    Raises:
        ConfigError: A command is not looked up on the PATH, or two servers cannot be told apart.
    """
    started: dict[str, dict[str, list[str]]] = {}
    for server, command in servers.items():
        program, *arguments = _words(server, command)
        started.setdefault(program, {})[server] = arguments
    for program, arguments_of in started.items():
        _check_told_apart(program, arguments_of)
    commands = {program: {server: _told_by(each) for server, each in own.items()} for program, own in started.items()}
    folder.mkdir(parents=True, exist_ok=True)
    bridge = folder / f".unrepeat-{_BRIDGE.name}"  # isolation may hide the place of the harness's own code
    bridge.write_bytes(_BRIDGE.read_bytes())
    for program, told in commands.items():
        shim = folder / program
        shim.write_text(_script(program, told, url, bridge), encoding="utf-8")
        shim.chmod(0o755)
    return {"UNREPEAT_MCP_URL": url} if url else {}


def _words(server: str, command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"expected a command line, got {command!r}: {error}", where=_where(server)) from error
    if not words or "/" in words[0]:
        raise ConfigError(
            f"expected a program that is looked up on the PATH, got {command!r}",
            where=_where(server),
            hint="an app that starts its server by path can be given the URL $UNREPEAT_MCP_URL/NAME instead",
        )
    return words


def _told_by(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that tell a server from others: those that are no options."""
    return [word for word in arguments if not word.startswith("-")]


def _check_told_apart(program: str, arguments_of: Mapping[str, list[str]]) -> None:
    """Refuse servers that the same arguments may start, and such as may be the app itself."""
    for server, arguments in arguments_of.items():
        got, words = shlex.join([program, *arguments]), _told_by(arguments)
        if not words and INTERPRETERS.match(program):
            rule = f"the file or module that tells it from other programs that {program} runs"
            raise ConfigError(f"expected {rule}, got {got}", where=_where(server))
        for other, given in arguments_of.items():
            if other != server and fits(words, given):  # as the shim will see it
                raise ConfigError(
                    f"expected arguments that tell it from MCP server {other}, got {got}", where=_where(server)
                )


def _where(server: str) -> str:
    return f"MCP server {server}: command"


def _script(program: str, told: Mapping[str, list[str]], url: str, bridge: Path) -> str:
    chosen = json.dumps({"program": program, "servers": told, "url": url, "folder": str(bridge.parent)})
    # Without the virtual environment, which isolation may hide too: -I -S, nothing but the standard library.
    words = [os.path.realpath(sys.executable), "-I", "-S", str(bridge), "--shim", chosen]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
