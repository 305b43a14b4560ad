"""What `status fixed` takes for a proof, and what it refuses."""

from __future__ import annotations

import json
import shutil

import pytest

from .command_line import call

CASE = "inc-hidden-instruction"


@pytest.fixture
def desk(tmp_path):
    folder = tmp_path / "desk"
    assert call("demo", "--dir", str(folder), cwd=tmp_path).code == 0
    assert call("prove", CASE, "--candidate", "v2", cwd=folder).code == 0
    return folder


def newest(desk):
    return max((desk / ".unrepeat/results" / CASE).glob("*/result.json"))


def forged(desk, **changes):
    path = newest(desk)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return call("status", CASE, "fixed", cwd=desk)


def test_result_that_holds_together_is_a_proof(desk):
    assert call("status", CASE, "fixed", cwd=desk).code == 0


@pytest.mark.parametrize(
    "changes", [{"case_id": "inc-wrong-account"}, {"run_id": "20990101T000000000000Z"}, {"scope": None}, {"traces": []}]
)
def test_result_of_another_shape_is_none(desk, changes):
    done = forged(desk, **changes)
    assert (done.code, "holds together" in done.err) == (2, True)


def test_word_that_was_edited_is_noticed(desk):
    call("prove", CASE, "--candidate", "v1", cwd=desk)
    done = forged(desk, verdict="fixed", scope="recorded_action")
    assert (done.code, "whose scores say still_failing" in done.err) == (2, True)


@pytest.mark.parametrize("file", ["manifest-sha256.txt", "custody.jsonl", "evidence/trace-1.json"])
def test_no_status_is_given_over_evidence_that_was_tampered_with(desk, file):
    path = desk / "incidents" / CASE / file
    kept = path.read_text()
    path.write_text("" if file == "custody.jsonl" else kept.replace("0", "1", 1))
    for command in (["status", CASE, "fixed"], ["prove", CASE, "--candidate", "v2"]):
        done = call(*command, cwd=desk)
        assert (done.code, "expected" in done.err) == (2, True), done.err
    assert call("doctor", cwd=desk).code == 1


def test_results_behind_a_link_are_refused(desk):
    shutil.move(desk / ".unrepeat/results", desk.parent / "elsewhere")
    (desk / ".unrepeat/results").symlink_to(desk.parent / "elsewhere")
    done = call("prove", CASE, "--candidate", "v2", cwd=desk)
    assert (done.code, "symbolic link" in done.err) == (2, True)


@pytest.mark.parametrize("out", ["support_desk/v1/support_desk/app.py", "page.txt", "mine.html"])
def test_report_replaces_no_file_but_a_report(desk, out):
    (desk / "mine.html").write_text("<p>mine</p>")
    before = (desk / out).read_bytes() if (desk / out).exists() else None
    assert call("report", CASE, "--out", out, cwd=desk).code == 2
    assert ((desk / out).read_bytes() if (desk / out).exists() else None) == before


def test_report_replaces_its_own_page(desk):
    assert [call("report", CASE, "--out", "page.html", cwd=desk).code for _ in range(2)] == [0, 0]
