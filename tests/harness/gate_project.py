"""A project in a git repository whose one case was proven fixed, as a gate finds it."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.cases.case_samples import ACT
from tests.harness.command_line import call
from tests.harness.refund_project import ASSERT, make_project
from tests.replayers.apps import GUARDED
from tests.replayers.recordings import APP, refund_trace

from unrepeat.cases import library
from unrepeat.cases.trace import TraceDocument

CASE = "incidents/inc-1/case.yaml"
FACTS = "severity: medium\nowners: {engineering: desk}\n"


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, as a person nobody has configured."""
    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> None:
    """Commit everything."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "state")


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="unrepeat-gate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_project(folder, ASSERT + FACTS)
    (folder / "app.py").write_text(GUARDED)
    assert call("prove", "inc-1", cwd=folder).code == 0
    assert call("status", "inc-1", "fixed", cwd=folder).code == 0
    shutil.rmtree(folder / ".unrepeat")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def protected(folder: Path) -> Path:
    """Return a copy of the project: on the branch main, its working tree fixed."""
    return shutil.copytree(_template(), folder)


def regress(project: Path) -> None:
    """Take the guard out of the working tree."""
    (project / "app.py").write_text(APP)


def add_case(project: Path, case_id: str, text: str = ASSERT) -> Path:
    """Add an open case of the same recording and return its folder."""
    folder = project / "incidents" / case_id
    library.create(
        folder, f"id: {case_id}\ntitle: Another refund\n{text}", TraceDocument(traces=(refund_trace(),)), {}, ACT
    )
    return folder


def edit(path: Path, before: str, after: str) -> None:
    """Replace a text that is there."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
