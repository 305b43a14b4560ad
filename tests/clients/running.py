"""Runs a client program as its team would: a process of its own, with nothing of ours but environment variables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
_SUFFIX = {"python": ".py", "node": ".mjs"}


def program_file(name: str) -> Path:
    """Return the file of a program, by a name such as ``python/openai_chat``."""
    return HERE / f"{name}{_SUFFIX[name.partition('/')[0]]}"


def changed_program(name: str, old: str, new: str, folder: Path) -> Path:
    """Write a program in which one text is another, and return its file.

    Args:
        name: The program.
        old: The text, which it has.
        new: The text it has instead.
        folder: Where to write it.
    """
    source = program_file(name).read_text(encoding="utf-8")
    assert old in source, f"{name} does not say {old!r}"
    file = folder / program_file(name).name
    file.write_text(source.replace(old, new), encoding="utf-8")
    if file.suffix == ".mjs":
        (folder / "node_modules").symlink_to(HERE / "node_modules")
    return file


def run(program: Path, variables: Mapping[str, str], timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        program: A file of Python or Node.
        variables: What its environment has besides the path and a home.
        timeout_s: How long it may take.
    """
    command = [sys.executable, "-P"] if program.suffix == ".py" else [shutil.which("node") or "node"]
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [*command, str(program)],
        env={**inherited, "PYTHONUTF8": "1", **variables},
        cwd=program.parent,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
