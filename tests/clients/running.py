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
