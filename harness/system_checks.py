"""What doctor says of systems that are programs or deployments."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from ..replayers.isolation.ladder import level_for
from ..replayers.system import Checkout, CommandSystem, HttpSystem

_TIMEOUT_S = 2.0


def check_command(system: CommandSystem, checkout: Checkout) -> tuple[bool, str]:
    """Return whether a version's program is there, and what to say of it.

    Raises:
        ReplayError: It cannot be isolated as it must be.
    """
    level = level_for(system, python=False)
    program = system.command[0]
    found = shutil.which(program, path=system.env.get("PATH")) if "/" not in program else _inside(checkout, program)
    if found is None:
        return False, f"its program {program} is not there: check `command` in unrepeat.toml"
    missing = [each for each in system.command[1:] if _is_script(each) and not (checkout.folder / each).exists()]
    if missing:
        return False, f"{missing[0]} is not in the version: check `command` in unrepeat.toml, or build the version"
    return True, f"{found}, isolated by {level}; {_asks_for(system)}"


def check_deployment(system: HttpSystem, checkout: Checkout) -> tuple[bool, str]:
    """Return whether a deployment answers and its boundaries can be served, and what to say of it."""
    url = checkout.url or system.url
    target, (host, port) = urlsplit(url), system.listen
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        return False, f"cannot listen on {host}:{port}, where it looks for its boundaries: {error.strerror or error}"
    try:
        standard = 443 if target.scheme == "https" else 80
        socket.create_connection((target.hostname or "", target.port or standard), timeout=_TIMEOUT_S).close()
    except OSError as error:
        return False, f"nothing answers at {url}: {error.strerror or error}"
    return True, f"{url} answers; not isolated by unrepeat; {_asks_for(system)}"


def _inside(checkout: Checkout, program: str) -> str | None:
    path = checkout.folder / program
    return str(path) if path.is_file() else None


def _is_script(argument: str) -> bool:
    return not argument.startswith("-") and Path(argument).suffix in (".js", ".mjs", ".cjs", ".ts", ".py", ".rb", ".sh")


def _asks_for(system: CommandSystem | HttpSystem) -> str:
    named = [f"{kind} {name}" for kind, names in system.boundaries.items() for name in names]
    return f"asks the harness for model{''.join(f', {each}' for each in named)}"
