"""Show: a case, a draft, a library."""

from __future__ import annotations

import json

import pytest
from tests.cases.readers.files import CHAT, write

from .command_line import call, desk


@pytest.fixture
def project(tmp_path):
    """The shipped desk."""
    return desk(tmp_path / "desk")


def test_library_is_listed(project):
    rows = call("show", "--json", cwd=project).json
    assert [row["id"] for row in rows] == sorted(path.name for path in (project / "incidents").glob("*/"))
    assert {row["status"] for row in rows} == {"open"}


def test_case_that_does_not_load_is_listed_with_its_problem(project):
    with (project / "incidents/inc-wrong-account/trace.json").open("ab") as file:
        file.write(b" ")
    rows = {row["id"]: row for row in call("show", "--json", cwd=project).json}
    assert rows["inc-wrong-account"]["status"] == "unreadable"
    assert "preserved file" in rows["inc-wrong-account"]["title"]


def test_empty_library_says_how_to_make_a_case(tmp_path):
    done = call("show", cwd=tmp_path)
    assert (done.code, "unrepeat import TRACE.json" in done.out) == (0, True)
    assert call("show", "--json", cwd=tmp_path).json == []


def test_case_is_shown_with_its_trace_and_what_it_can_prove(project):
    out = call("show", "inc-wrong-account", cwd=project).out
    for part in ("get_customer", "EVIDENCE", "WITH THIS TRACE YOU CAN PROVE", "unrepeat replay inc-wrong-account"):
        assert part in out


@pytest.mark.parametrize(
    "way", ["INC-Wrong-Account", "incidents/inc-wrong-account", "incidents/inc-wrong-account/case.yaml"]
)
def test_case_is_found_by_id_or_path(project, way):
    assert call("show", way, "--json", cwd=project).json["case"]["id"] == "inc-wrong-account"


def test_json_of_a_case_has_its_traces_and_digests(project):
    told = call("show", "inc-wrong-account", "--json", cwd=project).json
    assert (len(told["traces"]), len(told["completeness"])) == (1, 14)
    assert set(told["digests"]) == {"case", "trace", "evidence", "custody"}


def test_draft_is_shown_with_proposals(tmp_path):
    call("import", write(tmp_path, {"messages": CHAT}), "--id", "i1", cwd=tmp_path)
    assert "PROPOSED ASSERTIONS" in call("show", "i1", cwd=tmp_path).out
    assert call("show", "i1", "--json", cwd=tmp_path).json["proposals"]


def test_nearest_case_is_named(project):
    done = call("show", "inc-wrong-acount", cwd=project)
    assert (done.code, "Did you mean 'inc-wrong-account'?" in done.err) == (2, True)


def test_hostile_trace_writes_nothing_of_its_own_on_the_terminal(tmp_path):
    hostile = "\x1b]52;c;QQ\x07\u202e\n::error::x\n##[error]"
    turns = [{"role": "user", "content": hostile}, {"role": "assistant", "content": hostile}]
    call("import", write(tmp_path, {"messages": turns, hostile: hostile}), "--id", "i1", cwd=tmp_path)
    for args in (["show"], ["show", "i1"], ["import", "run.json", "--list"], ["replay", "i1"]):
        out = call(*args, cwd=tmp_path).out
        assert not {"\x1b", "\x07", "\u202e"}.intersection(out)
        assert not any(line.lstrip().startswith("::") or "##[" in line for line in out.splitlines())


def test_json_keeps_what_a_trace_says(tmp_path):
    turns = [{"role": "user", "content": "a\x1b\u202e"}, {"role": "assistant", "content": "b"}]
    call("import", write(tmp_path, {"messages": turns}), "--id", "i1", cwd=tmp_path)
    assert json.dumps(call("show", "i1", "--json", cwd=tmp_path).json).count("a\\u001b\\u202e") > 0
