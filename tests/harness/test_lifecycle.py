"""Moving a case on: a status that claims a proof needs that proof."""

from __future__ import annotations

import json

import pytest
from tests.harness.command_line import call
from tests.harness.refund_project import make_project


@pytest.fixture
def project(tmp_path):
    make_project(tmp_path)
    return tmp_path


def proved(project, candidate):
    return call("prove", "inc-1", "--candidate", candidate, cwd=project).code


def test_proven_case_becomes_fixed(project):
    assert proved(project, "guarded") == 0
    assert call("status", "inc-1", "fixed", cwd=project).code == 0
    assert "status: fixed" in (project / "incidents/inc-1/case.yaml").read_text()


def test_custody_names_the_run_that_proves_it(project):
    proved(project, "guarded")
    call("status", "inc-1", "fixed", cwd=project)
    last = json.loads((project / "incidents/inc-1/custody.jsonl").read_text().splitlines()[-1])
    assert last["reason"].startswith("run ")
    assert "fixed (recorded_action) on guarded" in last["reason"]


def test_case_without_a_result_does_not_become_fixed(project):
    assert call("status", "inc-1", "fixed", cwd=project).code == 2


def test_case_whose_newest_result_fails_does_not_become_fixed(project):
    proved(project, "guarded")
    proved(project, "v1")
    done = call("status", "inc-1", "fixed", cwd=project)
    assert (done.code, "got still_failing" in done.err) == (2, True)


def test_result_from_before_the_case_changed_does_not_count(project):
    proved(project, "guarded")
    path = project / "incidents/inc-1/case.yaml"
    path.write_text(path.read_text().replace("nobody asked for", "somebody asked for"))
    done = call("status", "inc-1", "fixed", cwd=project)
    assert (done.code, "before its case changed" in done.err) == (2, True)


def test_recovered_is_refused_without_signatures(project):
    proved(project, "guarded")
    call("status", "inc-1", "fixed", cwd=project)
    done = call("status", "inc-1", "recovered", cwd=project)
    assert (done.code, "signed" in done.err) == (2, True)


def test_retiring_needs_owner_and_reason(project):
    assert call("status", "inc-1", "retired", cwd=project).code == 2
    assert call("status", "inc-1", "retired", "--owner", "Ada", "--reason", "shut down", cwd=project).code == 0
