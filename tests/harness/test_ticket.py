"""A case from a ticket, without a trace."""

from __future__ import annotations

import json
import subprocess

import pytest

from unrepeat.cases import custody, evidence
from unrepeat.cases.library import load

from .command_line import call, command, environment, files_of

TITLE = ["--title", "The desk promised a date"]


def test_ticket_is_kept_redacted_as_stated_with_who_and_when(tmp_path):
    (tmp_path / "ticket.txt").write_text("It said Tuesday. bob@example.com")
    args = ["--from", "ticket.txt", "--severity", "high", "--detected-by", "complaint", "--json"]
    done = call("new", *TITLE, *args, cwd=tmp_path)
    folder = tmp_path / "incidents" / done.json["case"]
    loaded = load(folder)
    assert (loaded.case.severity, loaded.case.detected_by, loaded.document.traces) == ("high", "complaint", ())
    assert b"bob@" not in b"".join(files_of(folder).values())
    [entry] = custody.read((folder / "custody.jsonl").read_bytes())[0]
    stated = {each.get("field", each.get("file")): each["by"] for each in entry.details["stated"]}
    assert set(stated) == {"title", "severity", "detected_by", "evidence/ticket.txt"}
    assert set(stated.values()) == {"Ada <ada@example.org>"}
    assert evidence.verify(folder) == []


def test_end_says_that_only_a_live_run_can_judge_it_and_what_to_add(tmp_path):
    out = " ".join(call("new", *TITLE, cwd=tmp_path).out.split())
    assert "only a live run can judge it" in out
    assert "What must hold, under `assert`" in out
    assert "$ unrepeat show inc-" in out


@pytest.mark.parametrize("inline", [True, False])
def test_input_is_what_the_system_is_called_with(tmp_path, inline):
    given = '{"ticket": {"body": "when? bob@example.com"}}'
    (tmp_path / "input.json").write_text(given)
    done = call("new", *TITLE, "--id", "i1", "--input", given if inline else "input.json", cwd=tmp_path)
    assert done.code == 0
    found = load(tmp_path / "incidents/i1").case.replay.input
    assert isinstance(found, dict)
    assert found["ticket"]["body"].startswith("when? email_")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--title", "  "], "--title: expected what happened"),
        (["--title", "a\x1b[31mb"], "--title: "),
        ([*TITLE, "--input", "[1]"], "--input: expected an object"),
        ([*TITLE, "--input", "{oops"], "--input:1:"),
        ([*TITLE, "--input", "missing.json"], "missing.json: expected a file, got none"),
        ([*TITLE, "--from", "missing.txt"], "missing.txt: expected a file, got none"),
        ([*TITLE, "--from", "picture.png"], "expected text"),
        ([*TITLE, "--id", "a/b"], "--id: expected an id"),
        ([*TITLE, "--severity", "bad"], "--severity"),
        ([], "--title"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, args, told):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    done = call("new", *args, cwd=tmp_path)
    assert (done.code, len(done.err.splitlines()), told in done.err) == (2, 1, True), done.err
    assert not (tmp_path / "incidents").exists()


def test_taken_id_is_refused(tmp_path):
    call("new", *TITLE, "--id", "i1", cwd=tmp_path)
    assert "Choose another --id" in call("new", *TITLE, "--id", "i1", cwd=tmp_path).err


def test_several_at_once_each_get_a_number(tmp_path):
    started = [
        subprocess.Popen(command("new", *TITLE, "--json"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    ended = [(each.communicate(timeout=120)[0], each.returncode) for each in started]
    assert [code for _, code in ended] == [0, 0, 0, 0]
    assert len({json.loads(out)["case"] for out, _ in ended}) == 4


def test_show_works_without_a_trace(tmp_path):
    call("new", *TITLE, "--id", "i1", cwd=tmp_path)
    done = call("show", "i1", cwd=tmp_path)
    assert (done.code, "no trace" in done.out, "State what must hold in" in done.out) == (0, True, True)
    assert call("show", "i1", "--json", cwd=tmp_path).json["traces"] == []


def test_replay_says_that_there_is_no_trace(tmp_path):
    call("new", *TITLE, "--id", "i1", cwd=tmp_path)
    done = call("replay", "i1", cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
