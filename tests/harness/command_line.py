"""Running the command line: in this process where speed matters, else as people do."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import unrepeat.cases
from unrepeat.harness.cli import main

SHIPPED = Path(next(iter(unrepeat.cases.__path__))) / "shipped"
START = "from unrepeat.harness.cli import main; main()"
_HOME = Path(tempfile.mkdtemp(prefix="unrepeat-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
ENVIRONMENT = {
    "HOME": str(_HOME),
    "UNREPEAT_TENANT_KEY_FILE": str(_HOME / "tenant.key"),
    "UNREPEAT_USER": "Ada <ada@example.org>",
}


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def call(*args: str | Path, cwd: Path, **env: str) -> Done:
    """Run a command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    code = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(cwd):
        for name, value in {**ENVIRONMENT, **env}.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main([str(arg) for arg in args])
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        out.flush()
        err.flush()
    return Done(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def command(*args: str | Path) -> list[str]:
    """Return the words that start a command as a program."""
    return [sys.executable, "-c", START, *map(str, args)]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a started command."""
    return {**os.environ, **ENVIRONMENT, **more}


def run(*args: str | Path, cwd: Path, timeout_s: float = 60, **env: str) -> Done:
    """Run a command as a program of its own."""
    done = subprocess.run(
        command(*args), cwd=cwd, env=environment(**env), capture_output=True, timeout=timeout_s, check=False
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def desk(folder: Path) -> Path:
    """Return a project: the shipped support desk with its incidents, in a folder."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("__pycache__", ".unrepeat", "*.py[co]"))
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
