"""Programs in cells, for tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unrepeat.replayers.isolation.cell import prepared
from unrepeat.replayers.isolation.ladder import obstacles

CONFINED = ("netns", "landlock")
EVERY = (*CONFINED, "guard", "none")


def needs(level):
    """Skip a test where this machine cannot have a level; the reason says why and what to do."""
    why = obstacles()[level]
    if why:
        pytest.skip(why)


@contextlib.contextmanager
def cell(level, root, **options):
    """Yield a cell with a version folder and a scratch folder below a root."""
    needs(level)
    for name in ("version", "scratch"):
        Path(root, name).mkdir(exist_ok=True)
    with prepared(level, folder=Path(root, "version"), scratch=Path(root, "scratch"), **options) as made:
        yield made


def start(made, root, *argv, env=None, **streams):
    """Start a program in the version folder."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **streams}
    environment = {"PATH": os.environ["PATH"], "HOME": str(Path(root, "scratch")), **(env or {})}
    return made.start(argv, env=environment, cwd=Path(root, "version"), **streams)


def run(level, root, *argv, env=None, timeout=30, **options):
    """Run a program to its end; return its exit code, its output and what was refused."""
    with cell(level, root, **options) as made:
        process = start(made, root, *argv, env={**(env or {}), "PORTS": " ".join(map(str, made.ports))})
        out, _ = process.communicate(timeout=timeout)
        return process.returncode, out.decode(), made.take_attempts()


def python(level, root, code, **options):
    """Run Python code in a cell."""
    return run(level, root, sys.executable, "-c", code, **options)
