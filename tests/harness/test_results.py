"""Results on disk and the report made of them."""

from __future__ import annotations

import json

import pytest

from unrepeat.harness import results

from .command_line import SHIPPED, call, desk, files_of

CASE = "inc-wrong-account"


@pytest.fixture
def project(tmp_path):
    """The shipped desk with one result."""
    folder = desk(tmp_path / "desk")
    assert call("prove", CASE, "--candidate", "v2", cwd=folder).code == 0
    return folder


def result_of(project):
    """Return the one result file."""
    [path] = project.glob(".unrepeat/results/*/*/result.json")
    return path


def test_report_is_written_beside_the_result(project):
    told = call("report", CASE, "--json", cwd=project).json
    assert [name.rpartition("/")[2] for name in told.values()] == ["report.html", "report.json"]
    assert (project / told["page"]).read_text().count("<html") == 1


@pytest.mark.parametrize("way", [CASE, CASE.upper(), f"incidents/{CASE}"])
def test_report_finds_the_case_by_id_or_path(project, way):
    assert call("report", way, "--out", "page.html", cwd=project).code == 0
    assert (project / "page.json").read_bytes() == result_of(project).read_bytes()


def test_report_is_made_of_a_result_file(project, tmp_path):
    assert call("report", result_of(project), "--out", tmp_path / "new/folder/page.html", cwd=tmp_path).code == 0
    assert (tmp_path / "new/folder/page.html").exists()


def test_newest_result_is_reported(project):
    call("prove", CASE, "--candidate", "v1", cwd=project)
    call("report", CASE, "--out", "page.html", cwd=project)
    assert json.loads((project / "page.json").read_bytes())["verdict"] == "still_failing"


def test_report_of_a_case_never_proven_says_what_to_do_first(tmp_path):
    done = call("report", CASE, cwd=desk(tmp_path / "desk"))
    assert (done.code, f"`unrepeat prove {CASE}` first" in done.err) == (2, True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"null",
        lambda data: b"[]",
        lambda data: data.replace(b'"verdict": "fixed"', b'"verdict": "proven"', 1),
        lambda data: data.replace(b'"format": 1', b'"format": 99', 1),
        lambda data: data.replace(b'"case_id"', b'"case_id": "x", "case_id"', 1),
        lambda data: b"\xff" + data,
        lambda data: b"[" * 100_000,
    ],
    ids=["truncated", "empty", "null", "list", "unknown word", "newer", "duplicate key", "encoding", "deep"],
)
def test_damaged_result_is_refused_and_no_page_is_written(project, damage):
    path = result_of(project)
    path.write_bytes(damage(path.read_bytes()))
    done = call("report", CASE, cwd=project)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "result.json" in done.err
    assert not path.with_name("report.html").exists()


@pytest.mark.parametrize("out", ["page.json", ".", "incidents", "unrepeat.toml/page.html"])
def test_page_that_cannot_be_there_is_refused(project, out):
    done = call("report", CASE, "--out", out, cwd=project)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_json_beside_the_page_never_replaces_a_foreign_file(project):
    target = f"incidents/{CASE}/trace.html"
    before = files_of(project)
    done = call("report", CASE, "--out", target, cwd=project)
    assert (done.code, "a file that is no report" in done.err) == (2, True)
    assert files_of(project) == before


def test_report_replaces_its_own_files(project):
    assert [call("report", CASE, cwd=project).code for _ in range(2)] == [0, 0]


def test_results_ignore_themselves_in_git(project):
    assert (project / ".unrepeat/.gitignore").read_text() == "*\n"


def test_result_leaves_the_preserved_source_in_the_case(project):
    data = result_of(project).read_bytes()
    assert b'"original"' not in data
    [trace] = results.load(result_of(project)).traces
    assert trace.recording.original is None


@pytest.mark.parametrize("args", [["prove", CASE, "--candidate", "v2"], ["replay", CASE, "--version", "v2"]], ids=str)
def test_no_path_of_this_machine_is_in_a_result(project, args):
    call("report", CASE, cwd=project)
    texts = [
        call(*args, "--json", cwd=project).out,
        *(data.decode() for data in files_of(project / ".unrepeat").values()),
    ]
    assert not [text for text in texts if str(project) in text or "/python" in text or str(SHIPPED) in text]


def test_json_of_prove_is_the_result(project):
    told = call("prove", CASE, "--candidate", "v2", "--json", cwd=project).json
    newest = max(project.glob(".unrepeat/results/*/*/result.json"))
    assert told == json.loads(newest.read_bytes())


def test_evidence_is_not_touched_by_proving_and_reporting(project):
    call("report", CASE, cwd=project)
    folder = project / "incidents" / CASE
    assert files_of(folder) == files_of(SHIPPED / "incidents" / CASE)
