"""Bytecode of the child: compiled from here, because the process of the app writes none."""

from __future__ import annotations

import contextlib
import functools
from importlib.util import cache_from_source
from pathlib import Path


@functools.cache
def compile_once(folder: Path) -> None:
    """Compile the modules of a folder that have changed, for this version of Python; once in a process.

    An app with an interpreter of another version compiles them anew each time, as where nothing can be written here.

    Args:
        folder: A package of ours.
    """
    for source in folder.glob("*.py"):
        compiled = Path(cache_from_source(str(source)))
        with contextlib.suppress(OSError):
            if not compiled.exists() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns:
                from py_compile import compile as write_compiled  # slow to import, and rarely needed

                write_compiled(str(source), str(compiled), doraise=True)
