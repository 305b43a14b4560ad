"""The forms a gate writes, through the command line."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree as ET

import pytest

from .command_line import call, run
from .refund_project import make_project


@pytest.fixture
def project(tmp_path):
    make_project(tmp_path)
    call("prove", "inc-1", "--candidate", "guarded", cwd=tmp_path)
    assert call("status", "inc-1", "fixed", cwd=tmp_path).code == 0
    return tmp_path


def test_blocked_gate_writes_every_form(project):
    (project / ".git").mkdir()
    summary = project / "summary.md"
    done = run(
        *("gate", "--junit", "gate.xml", "--markdown", "gate.md", "--github", "--candidate", "v1"),
        cwd=project,
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.code == 1
    assert "::error title=inc-1%3A still failing,file=incidents/inc-1/case.yaml::" in done.out
    assert ET.parse(project / "gate.xml").getroot().get("failures") == "1"
    assert (project / "gate.md").read_text() == summary.read_text()
    assert re.search(r"step \d, tool refund", summary.read_text())


def test_json_stays_alone_on_standard_output(project):
    done = call("gate", "--github", "--json", "--candidate", "v1", cwd=project)
    assert done.json["exit_code"] == 1
    assert "::error" in done.err


def test_gate_that_passed_annotates_nothing(project):
    done = call("gate", "--github", "--candidate", "guarded", cwd=project)
    assert (done.code, "::" in done.out) == (0, False)


def test_summary_that_cannot_be_written_is_told_and_changes_nothing(project):
    done = call("gate", "--github", "--candidate", "guarded", cwd=project, GITHUB_STEP_SUMMARY=str(project))
    assert done.code == 0
    assert f"warning: GITHUB_STEP_SUMMARY {project}: expected a file that can be written" in done.err


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_place_that_is_not_there_is_refused_before_anything_runs(project, option):
    done = call("gate", option, "nowhere/file", cwd=project)
    assert call("gate", option, os.devnull, cwd=project).code == 2
    assert (done.code, option in done.err, (project / ".unrepeat/gates").exists()) == (2, True, False)
