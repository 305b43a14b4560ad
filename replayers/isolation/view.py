"""What a program in namespaces is to see of the host: what is hidden, and what is kept although it lies below that."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_HIDDEN = ("/tmp", "/var/tmp", "/run", "/var/run")
"""Where services and agents put their sockets."""
_DEVICES = Path("/dev")
"""Made anew, with its few harmless devices."""
_OWN_CODE = Path(__file__).resolve().parents[1]
"""The replayers: the part that runs in the app's process is read by its interpreter."""


def view_of(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, folder: Path, scratch: Path, reads: Iterable[Path]
) -> dict[str, Any]:
    """Return the arguments of ``launch.mounts.View`` for a program.

    Args:
        argv: The program and its arguments.
        env: Its environment.
        cwd: Its working directory.
        folder: The version.
        scratch: The folder that is written to.
        reads: What else it needs.
    """
    hidden = _hidden(os.environ.get("XDG_RUNTIME_DIR", ""))
    wanted = [*_interpreters(argv[0], env), _OWN_CODE, cwd.resolve(), *(path.resolve() for path in reads)]
    kept = {path for path in wanted if path.exists() and _is_below(path, [*hidden, _DEVICES])}
    version, writable = folder.resolve(), scratch.resolve()
    return {
        "hidden": [os.fsencode(path) for path in hidden],
        "kept": [os.fsencode(path) for path in sorted(kept) if not _is_covered(path, {*kept, version, writable})],
        "version": os.fsencode(version),
        "scratch": os.fsencode(writable),
    }


@functools.cache
def _hidden(runtime: str) -> list[Path]:
    """Return the folders to hide, each once and none below another."""
    named = [*_HIDDEN, runtime]
    found = {Path(name).resolve() for name in named if name and os.path.isdir(name)}
    found = {path for path in found if _DEVICES not in path.parents and len(path.parts) > 1}
    return sorted(path for path in found if not found & set(path.parents))


def _is_below(path: Path, hidden: Iterable[Path]) -> bool:
    """Tell whether hiding would take a path away. A hidden folder itself is not kept: all of it would be seen again."""
    return any(folder in path.parents for folder in hidden)


def _is_covered(path: Path, kept: set[Path]) -> bool:
    return bool(kept & set(path.parents))


@functools.cache
def _own_interpreter() -> list[Path]:
    return sorted({Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)})


def _interpreters(program: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield what the program and our own Python are installed in, virtual environments and their bases included."""
    yield from _own_interpreter()
    found = shutil.which(program, path=env.get("PATH", os.defpath))
    if found is None:
        return
    for path in (Path(os.path.abspath(found)), Path(found).resolve()):
        yield from _installation(path)


def _installation(program: Path) -> Iterator[Path]:
    """Yield the folder that a program belongs to, the program itself, and what its virtual environment rests on."""
    yield program
    prefix = program.parent.parent if program.parent.name in ("bin", "Scripts") else program.parent
    yield prefix
    settings = prefix / "pyvenv.cfg"
    if settings.is_file():
        for line in settings.read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home" and value.strip():
                yield Path(value.strip()).parent.resolve()
