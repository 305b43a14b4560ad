"""Preloading: what a program is, so that its runtime can be given a script or a library to load first."""

from __future__ import annotations

import mmap
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

_NODE = frozenset({"node", "nodejs", "npx", "npm", "tsx", "ts-node", "yarn", "pnpm"})
"""Programs that run in Node. Bun and Deno take no ``NODE_OPTIONS``."""
_PYTHON = re.compile(r"python[0-9.]*|pypy[0-9.]*")
"""Programs that run in Python."""
_ISOLATED = re.compile(r"-[A-Za-z]*[EIS][A-Za-z]*")
"""Options with which Python takes nothing from its environment, or loads nothing at its start."""
_LIBRARIES = (
    "/usr/lib/*-linux-*/faketime/libfaketime.so.1",
    "/usr/lib*/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
    "/opt/homebrew/lib/faketime/libfaketime.so.1",
)
_GO = b"\xff Go buildinf:"
"""Begins what every Go program holds of its build. Go asks the kernel for the time, past any library."""
_STARTERS = frozenset(
    "sh bash dash ash zsh ksh mksh fish busybox timeout nice ionice nohup setsid stdbuf xargs make time chrt taskset "
    "sudo setpriv unshare uv uvx mise asdf direnv docker podman".split()
)
"""Programs whose work is to start others. What those are, Go or static, nobody knows beforehand."""
_MOST_SCRIPTS = 4
"""Interpreters that are scripts themselves, one by the other."""


def located(program: str, folder: Path, path: str) -> str:
    """Return where a program lies, as it is looked up in a folder; its name where it is nowhere.

    Args:
        program: Its name, or a path.
        folder: Where it is to run.
        path: The value of ``PATH`` for it.
    """
    if os.sep in program:
        return program
    folders = [os.path.join(folder.absolute(), each) for each in (path or os.defpath).split(os.pathsep)]
    return shutil.which(program, path=os.pathsep.join(folders)) or program


def is_node(argv: Sequence[str], folder: Path | None = None, path: str | None = None) -> bool:
    """Whether a command runs a program in Node, by its name or by the first line of a script.

    Args:
        argv: The program and its arguments.
        folder: Where it runs; the current folder by default.
        path: Its ``PATH``; that of this process by default.
    """
    words = _runtime(argv, folder, path)
    return bool(words) and Path(words[0]).name in _NODE


def is_python(argv: Sequence[str], folder: Path | None = None, path: str | None = None) -> bool:
    """Whether a command runs a program in Python that heeds ``PYTHONPATH``; see ``is_node``."""
    words = _runtime(argv, folder, path)
    if not words or not _PYTHON.fullmatch(Path(words[0]).name):
        return False
    return not any(map(_ISOLATED.fullmatch, _options(words[1:])))


def _options(words: Sequence[str]) -> Iterator[str]:
    """Yield the options of Python itself; what comes after a program's name is that program's."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            return
        yield word
        if word in ("-X", "-W"):
            next(rest, None)


def _runtime(argv: Sequence[str], folder: Path | None, path: str | None) -> list[str]:
    """Return the command that runs a program: itself, or what the first line of its script names."""
    words = _without_env(argv)
    name = Path(words[0]).name if words else ""
    if not words or name in _NODE or _PYTHON.fullmatch(name):  # version managers have scripts of these names
        return words
    return _shebang(_found(words[0], folder, path)) or words


def takes_preload(argv: Sequence[str], folder: Path | None = None, path: str | None = None) -> bool:
    """Whether a program takes the time from the C library, before which another one can be loaded; see ``is_node``."""
    words = _without_env(argv)
    for _ in range(_MOST_SCRIPTS):
        program = _found(words[0], folder, path) if words else None
        if program is None:
            return False
        interpreter = _shebang(program)
        if not interpreter:
            return _is_dynamic(program)
        words = interpreter
    return False


def only_starts(argv: Sequence[str], folder: Path | None = None, path: str | None = None) -> bool:
    """Whether a command may leave its work to a program that is not known, or to one without what is preloaded.

    A shell does, and so do scripts for it, and ``env`` with options or with loader variables of its own; see
    ``is_node``.
    """
    words = list(argv)
    if words and Path(words[0]).name == "env":
        rest = _without_env(words)
        set_here = words[1 : len(words) - len(rest)]
        if any(each.startswith(("-", "LD_", "FAKETIME", "DONT_FAKE", "UNREPEAT_")) for each in set_here):
            return True
        words = rest
    for _ in range(_MOST_SCRIPTS):
        if not words or Path(words[0]).name in _STARTERS:
            return True
        interpreter = _shebang(_found(words[0], folder, path))
        if not interpreter:
            return False
        words = interpreter
    return True


def faketime_library() -> Path | None:
    """Return the library ``libfaketime`` where it is installed in one of its usual places."""
    found = (path for pattern in _LIBRARIES for path in sorted(Path("/").glob(pattern.lstrip("/"))))
    return next(found, None)


def _without_env(argv: Sequence[str]) -> list[str]:
    """Return a command without an ``env`` in front and what that sets."""
    words = list(argv)
    if words and Path(words[0]).name == "env":
        words = words[1:]
        while words and (words[0].startswith("-") or "=" in words[0]):
            words = words[1:]
    return words


def _found(program: str, folder: Path | None, path: str | None) -> Path | None:
    here = folder or Path.cwd()
    found = here / located(program, here, os.environ.get("PATH", "") if path is None else path)
    return found if found.is_file() else None


def _shebang(program: Path | None) -> list[str]:
    """Return the command that a script names in its first line; empty for what is no script."""
    if program is None:
        return []
    try:
        with program.open("rb") as file:
            line = file.readline(512)
    except OSError:
        return []
    return _without_env(line[2:].decode("utf-8", "replace").split()) if line.startswith(b"#!") else []


def _is_dynamic(program: Path) -> bool:
    """Whether a program loads the C library when it starts, and takes the time from there."""
    try:
        with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            # Programs that load libraries name the loader of them.
            is_linked = content.find(b"/ld-linux", 0, 1 << 16) >= 0 or content.find(b"/ld-musl", 0, 1 << 16) >= 0
            return content[:4] == b"\x7fELF" and is_linked and content.find(_GO) < 0
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False
