"""Promoting a near miss: from then on it blocks."""

from __future__ import annotations

import pytest

from unrepeat.cases import custody, evidence
from unrepeat.cases.library import load

from .command_line import SHIPPED, call, desk, files_of

NAME = "nm-refund-amount"


@pytest.fixture
def project(tmp_path):
    return desk(tmp_path / "desk")


def entries(project):
    return custody.read((project / "incidents" / NAME / "custody.jsonl").read_bytes())[0]


def test_promoted_near_miss_blocks_while_it_is_open(project):
    before = (project / "incidents" / NAME / "case.yaml").read_text()
    assert call("near-miss", "promote", NAME, "--reason", "came twice", cwd=project).code == 0
    after = (project / "incidents" / NAME / "case.yaml").read_text()
    assert after == before.replace("status: open\n", "blocks_while_open: true\nstatus: open\n", 1)
    assert load(project / "incidents" / NAME).case.blocks_while_open
    assert [(each.action, each.reason) for each in entries(project)][1:] == [("promoted", "came twice")]
    assert evidence.verify(project / "incidents" / NAME) == []


def test_promoting_again_changes_nothing(project):
    call("near-miss", "promote", NAME, cwd=project)
    before = files_of(project)
    done = call("near-miss", "promote", NAME, "--json", cwd=project)
    assert (done.code, done.json["changed"], done.json["red"]) == (0, False, [0])
    assert files_of(project) == before


def test_blocking_is_seen_in_the_list(project):
    call("near-miss", "promote", NAME, cwd=project)
    rows = {row["id"]: row for row in call("near-miss", "list", "--json", cwd=project).json}
    assert (rows[NAME]["status"], rows[NAME]["barrier"]) == ("open, blocks", "human-review")


def refused(project, name, told):
    before = files_of(project)
    done = call("near-miss", "promote", name, cwd=project)
    assert (done.code, len(done.err.splitlines()), told in done.err) == (2, 1, True), done.err
    assert files_of(project) == before


def test_incident_is_no_near_miss(project):
    refused(project, "inc-wrong-account", "got a case of kind incident")


def test_unknown_near_miss_is_named_with_the_nearest(project):
    refused(project, "nm-refund-amont", f"Did you mean '{NAME}'?")


def test_draft_is_refused_with_what_to_do(project):
    call("near-miss", "add", SHIPPED / "traces/refund-amount.json", "--id", "nm-1", cwd=project)
    refused(project, "nm-1", "Run `unrepeat show nm-1`, then --accept N")


def test_case_without_a_trace_is_refused(project):
    (project / "mail.txt").write_text("nearly")
    call("near-miss", "add", "mail.txt", "--id", "nm-1", cwd=project)
    refused(project, "nm-1", "got a case without a trace")


def rewritten(project, old, new):
    path = project / "incidents" / NAME / "case.yaml"
    path.write_text(path.read_text().replace(old, new, 1))


def test_near_miss_that_is_green_on_its_recording_is_refused(project):
    rewritten(project, "{lte: 7479}", "{lte: 99999}")
    refused(project, NAME, "expected an assertion that is red on the recording, got none")


def test_assertion_that_cannot_be_told_is_refused(project):
    rewritten(project, "{amount_cents: {lte: 7479}}", "{amount_cents: {lte: 7479}}\n    trace: another")
    refused(project, NAME, "another")


def test_retired_near_miss_is_refused(project):
    args = ["--owner", "Ada", "--reason", "shut down"]
    assert call("status", NAME, "retired", *args, cwd=project).code == 0
    refused(project, NAME, "got a retired one")


def test_fixed_near_miss_blocks_anyway(project):
    call("prove", NAME, "--candidate", "v2", cwd=project)
    assert call("status", NAME, "fixed", cwd=project).code == 0
    done = call("near-miss", "promote", NAME, cwd=project)
    assert (done.code, "blocks already: it is fixed" in done.out) == (0, True)
