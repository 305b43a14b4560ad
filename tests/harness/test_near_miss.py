"""A near miss becomes a case that is red before its barrier, is told what it resembles, and may block."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml
from tests.cases.case_samples import killed_at
from tests.cases.readers.files import CHAT, write

from unrepeat.cases import custody, evidence
from unrepeat.cases.library import list_cases, load
from unrepeat.harness.near_miss import NearMissRequest, add
from unrepeat.harness.taking import ImportRequest

from .command_line import SHIPPED, call, command, desk, environment, files_of

TRACE = SHIPPED / "traces/refund-amount.json"


@pytest.fixture
def project(tmp_path):
    return desk(tmp_path / "desk")


def text_of(folder, name):
    return (folder / "incidents" / name / "case.yaml").read_text()


def test_near_miss_needs_nothing_but_its_file(tmp_path):
    done = call("near-miss", "add", TRACE, "--json", cwd=tmp_path)
    case = load(tmp_path / "incidents" / done.json["case"]).case
    assert (case.kind, case.status, case.barrier, case.is_draft) == ("near_miss", "open", "human-review", True)
    assert done.json["barrier"]["origin"] == "inferred"
    assert evidence.verify(tmp_path / "incidents" / case.id) == []


def test_what_was_stopped_is_proposed_first(tmp_path):
    first = call("near-miss", "add", TRACE, "--json", cwd=tmp_path).json["proposals"][0]["assert"]
    assert (first["type"], first["tool"], first["args"]["amount_cents"]) == ("not-tool-called", "draft_refund", 9980)


def test_numbers_of_proposals_are_the_same_later_with_the_correction(tmp_path):
    (tmp_path / "right.json").write_text('{"amount_cents": 7479}')
    call("near-miss", "add", TRACE, "--id", "nm-1", "--corrected", "right.json", cwd=tmp_path)
    call("show", "nm-1", "--accept", "1", cwd=tmp_path)
    [accepted] = yaml.safe_load(text_of(tmp_path, "nm-1"))["assert"]
    assert accepted == {
        "type": "tool-args", "tool": "draft_refund", "args": {"amount_cents": 7479}, "stage": "executed",
    }  # fmt: skip


def test_corrected_near_miss_is_red_and_its_fix_is_proven(project):
    (project / "right.json").write_text('{"amount_cents": 7479}')
    added = call("near-miss", "add", TRACE, "--id", "nm-1", "--corrected", "right.json", "--accept", "1", cwd=project)
    assert added.code == 0
    assert call("prove", "nm-1", "--candidate", "v1", "--json", cwd=project).json["verdict"] == "still_failing"
    assert call("prove", "nm-1", "--candidate", "v2", "--json", cwd=project).json["verdict"] == "fixed"
    rows = {row["id"]: row for row in call("near-miss", "list", "--json", cwd=project).json}
    assert (rows["nm-1"]["verdict"], rows["nm-1"]["resembles"]) == ("fixed", "nm-refund-amount")


def test_note_and_correction_are_kept_redacted_as_stated_with_who_and_when(tmp_path):
    (tmp_path / "right.txt").write_text("Write to bob@example.com instead")
    args = ["--id", "nm-1", "--note", "seen by eve@example.com", "--corrected", "right.txt"]
    assert call("near-miss", "add", TRACE, *args, cwd=tmp_path).code == 0
    folder = tmp_path / "incidents/nm-1"
    stored = b"".join(files_of(folder).values())
    assert b"bob@" not in stored
    assert b"eve@" not in stored
    [entry] = custody.read((folder / "custody.jsonl").read_bytes())[0]
    kept = {each["file"]: (each["origin"], each["by"], bool(each["at"])) for each in entry.details["stated"]}
    expected = ("stated", "Ada <ada@example.org>", True)
    assert kept == {"evidence/note.txt": expected, "evidence/corrected.txt": expected}


def test_stated_barrier_stands_over_the_inferred_one(tmp_path):
    done = call("near-miss", "add", TRACE, "--id", "nm-1", "--barrier", "Human Review", "--json", cwd=tmp_path)
    assert done.json["barrier"]["origin"] == "stated"
    assert "barrier: human-review # stated: Ada" in text_of(tmp_path, "nm-1")


def test_unknown_barrier_is_refused_with_the_nearest_word(tmp_path):
    done = call("near-miss", "add", TRACE, "--barrier", "gardrail", cwd=tmp_path)
    assert (done.code, done.err.strip().endswith("Nearest: guardrail")) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_recording_without_a_barrier_says_so(tmp_path):
    done = call("near-miss", "add", write(tmp_path, {"messages": CHAT}), "--json", cwd=tmp_path)
    assert (done.json["barrier"]["barrier"], done.json["barrier"]["origin"]) == ("unknown", "absent")


REPORTS = {
    "mail.txt": "Subject: nearly sent\n\nIt was about to pay twice. bob@example.com",
    "ticket.md": "# Nearly paid twice\n",
    "ticket.json": '{"title": "Nearly paid twice", "who": "bob@example.com"}',
    "no_suffix": "[desk] nearly paid twice",
}


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_no_trace_is_kept_as_a_report(tmp_path, name):
    (tmp_path / name).write_text(REPORTS[name])
    done = call("near-miss", "add", name, "--id", "nm-1", "--json", cwd=tmp_path)
    loaded = load(tmp_path / "incidents/nm-1")
    assert (done.code, loaded.case.kind, loaded.document.traces) == (0, "near_miss", ())
    assert "early" in loaded.case.title
    [kept] = done.json["evidence"]
    assert kept.startswith("report.")
    assert "bob@" not in (tmp_path / "incidents/nm-1/evidence" / kept).read_text()
    assert call("show", "nm-1", cwd=tmp_path).code == 0


LINE = json.dumps({"messages": CHAT}).encode()
BAD = {
    "missing.txt": (None, "expected a file, got none"),
    "binary.txt": (bytes(range(256)), "expected text in UTF-8"),
    "nul.txt": (b"a\0b", "expected text, got binary data"),
    "utf16.txt": ("nearly".encode("utf-16"), "expected text in UTF-8"),
    "empty.txt": (b"", "expected text, got nothing"),
    "blank.md": (b" \n\n", "expected text, got nothing"),
    "cut.json": (TRACE.read_bytes()[:5000], "cut.json:"),
    "half.jsonl": (LINE + b"\n" + LINE[:40] + b"\n", "half.jsonl:2:"),
    "long.txt": (b"x" * (5 << 20), "expected at most"),
    "long.json": (b'["' + b"x" * (5 << 20) + b'"]', "expected a trace in a known format"),
}


@pytest.mark.parametrize("name", BAD)
def test_file_that_cannot_be_kept_is_one_line_and_leaves_nothing(tmp_path, name):
    data, told = BAD[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    done = call("near-miss", "add", name, "--id", "nm-1", cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert told in done.err
    assert not (tmp_path / "incidents").exists()


@pytest.mark.parametrize("name", ["binary.txt", "empty.txt", "missing.txt", "cut.json"])
def test_correction_that_cannot_be_read_leaves_nothing(tmp_path, name):
    if BAD[name][0] is not None:
        (tmp_path / name).write_bytes(BAD[name][0])
    done = call("near-miss", "add", TRACE, "--corrected", name, cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert not (tmp_path / "incidents").exists()


def test_the_same_near_miss_is_not_added_twice(tmp_path):
    first = call("near-miss", "add", TRACE, "--json", cwd=tmp_path).json["case"]
    again = call("near-miss", "add", TRACE, cwd=tmp_path)
    assert (again.code, f"`unrepeat show {first}`" in again.err) == (2, True)
    assert call("near-miss", "add", TRACE, "--id", "nm-other", cwd=tmp_path).code == 0


def test_taken_id_is_refused(project):
    before = files_of(project)
    done = call("near-miss", "add", TRACE, "--id", "nm-refund-amount", cwd=project)
    assert (done.code, "Choose another --id" in done.err) == (2, True)
    assert files_of(project) == before


def at_once(folder, *files):
    args = [command("near-miss", "add", file, "--json") for file in files]
    started = [
        subprocess.Popen(each, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for each in args
    ]
    return [(each.communicate(timeout=120), each.returncode) for each in started]


def test_two_different_near_misses_at_once_are_both_kept(tmp_path):
    files = [tmp_path / f"{number}.txt" for number in range(2)]
    for number, file in enumerate(files):
        file.write_text(f"nearly paid {number} times")
    ended = at_once(tmp_path, *files)
    assert [code for _, code in ended] == [0, 0]
    assert len({json.loads(out)["case"] for (out, _), _ in ended}) == 2


def test_the_same_near_miss_added_twice_at_once_is_one_case(tmp_path):
    ended = at_once(tmp_path, TRACE, TRACE)
    assert sorted(code for _, code in ended) == [0, 2]
    assert len([each for each in (tmp_path / "incidents").iterdir() if each.is_dir()]) == 1


def added(folder):
    """Add a near miss in this process."""
    os.chdir(folder)
    os.environ.update(environment())
    add(NearMissRequest(ImportRequest(folder / "run.json", id="nm-1"), note="seen"))


def test_adding_killed_at_each_step_leaves_nothing_or_a_whole_case(tmp_path):
    call("near-miss", "add", write(tmp_path, {"messages": CHAT}), "--note", "seen", cwd=tmp_path)  # loads modules
    seen = set()
    for step in range(1, 200):
        folder = tmp_path / f"at-{step}"
        folder.mkdir()
        write(folder, {"messages": CHAT})
        killed = killed_at(step, lambda folder=folder: added(folder))
        cases = list_cases(folder / "incidents")
        assert [evidence.verify(case.path) for case in cases] == [[]] * len(cases)
        seen.add(len(cases))
        if not killed:
            break
    assert (killed, seen) == (False, {0, 1})


def test_resemblance_names_reasons_and_no_text_of_the_other_case(project):
    done = call("near-miss", "add", SHIPPED / "traces/hidden-instruction.json", "--json", cwd=project)
    nearest = done.json["resembles"][0]
    assert nearest["case"] == "inc-hidden-instruction"
    told = "\n".join(fact["words"] for fact in nearest["facts"])
    assert "its assertion “no instruction from a record is followed” is red on this trace too" in told
    assert "Harbour Row" not in told


def test_case_that_cannot_be_read_is_named_and_is_in_nobodys_way(project):
    (project / "incidents/inc-wrong-account/case.yaml").write_text("id: [")
    done = call("near-miss", "add", TRACE, "--json", cwd=project)
    assert (done.code, done.json["unread"][0].startswith("inc-wrong-account: ")) == (0, True)
    row = next(row for row in call("near-miss", "list", "--json", cwd=project).json if row["problem"])
    assert row["id"] == "inc-wrong-account"


@pytest.mark.parametrize("trace", sorted(path.stem for path in (SHIPPED / "traces").glob("*.json")))
def test_each_shipped_failure_is_recognised_when_it_happens_again(project, trace):
    done = call("near-miss", "add", SHIPPED / f"traces/{trace}.json", "--json", cwd=project)
    assert done.json["resembles"][0]["case"].endswith(trace)


HOSTILE = "\x1b]52;c;QQ\x07 ::error::x \u202e"


def test_hostile_text_reaches_neither_terminal_nor_case(tmp_path):
    (tmp_path / "mail.txt").write_text(f"{HOSTILE}\nstatus: fixed\n")
    done = call("near-miss", "add", "mail.txt", "--id", "nm-1", "--note", HOSTILE, cwd=tmp_path)
    listed = call("near-miss", "list", cwd=tmp_path)
    assert (done.code, listed.code) == (0, 0)
    assert "\x1b" not in done.out + listed.out + text_of(tmp_path, "nm-1")
    assert load(tmp_path / "incidents/nm-1").case.status == "open"


def test_list_without_near_misses_names_the_next_command(tmp_path):
    assert "unrepeat near-miss add FILE" in call("near-miss", "list", cwd=tmp_path).out


def test_mistyped_command_of_the_group_is_named(tmp_path):
    done = call("near-miss", "promot", "x", cwd=tmp_path)
    assert (done.code, "Did you mean 'promote'?" in done.err) == (2, True)
