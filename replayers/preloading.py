"""Preloading: what a program is, so that its runtime can be given a script or a library to load first."""

from __future__ import annotations

import itertools
import mmap
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

_NODE = frozenset({"node", "nodejs", "npx", "npm", "tsx", "ts-node", "yarn", "pnpm"})
"""Programs that run in Node. Bun and Deno take no ``NODE_OPTIONS``."""
_PYTHON = re.compile(r"python[0-9.]*|pypy[0-9.]*|uvicorn|gunicorn|flask|fastapi")
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
_MOST_SCRIPTS = 4
"""Interpreters that are scripts themselves, one by the other."""


def is_node(argv: Sequence[str], folder: Path | None = None) -> bool:
    """Whether a command runs a program in Node, by its name or by the first line of a script.

    Args:
        argv: The program and its arguments.
        folder: Where it runs; the current folder by default.
    """
    words = _runtime(argv, folder)
    return bool(words) and Path(words[0]).name in _NODE


def is_python(argv: Sequence[str], folder: Path | None = None) -> bool:
    """Whether a command runs a program in Python that heeds ``PYTHONPATH``; see ``is_node``."""
    words = _runtime(argv, folder)
    if not words or not _PYTHON.fullmatch(Path(words[0]).name):
        return False
    options = itertools.takewhile(lambda word: word.startswith("-") and word not in ("-c", "-m"), words[1:])
    return not any(map(_ISOLATED.fullmatch, options))


def _runtime(argv: Sequence[str], folder: Path | None) -> list[str]:
    """Return the command that runs a program: itself, or what the first line of its script names."""
    words = _without_env(argv)
    if not words or Path(words[0]).name in _NODE:
        return words
    return _shebang(_found(words[0], folder)) or words


def takes_preload(argv: Sequence[str], folder: Path | None = None) -> bool:
    """Whether a program takes the time from the C library, in whose place another one can be loaded.

    Args:
        argv: The program and its arguments.
        folder: Where it runs; the current folder by default.
    """
    words = _without_env(argv)
    for _ in range(_MOST_SCRIPTS):
        program = _found(words[0], folder) if words else None
        if program is None:
            return False
        interpreter = _shebang(program)
        if not interpreter:
            return _is_dynamic(program)
        words = interpreter
    return False


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


def _found(program: str, folder: Path | None) -> Path | None:
    if os.sep in program:
        path = (folder or Path.cwd()) / program
        return path if path.is_file() else None
    found = shutil.which(program)
    return Path(found) if found else None


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
