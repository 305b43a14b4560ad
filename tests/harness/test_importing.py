"""Import: what is chosen, accepted, refused and left alone."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from tests.cases.readers.files import CHAT, write, write_lines

from unrepeat.cases.library import load
from unrepeat.harness.choice import parse_choice

from .command_line import SHIPPED, call, command, environment, files_of

TRACE = SHIPPED / "traces/wrong-account.json"


@pytest.fixture
def chat(tmp_path):
    """A file of one conversation."""
    return write(tmp_path, {"messages": CHAT})


@pytest.fixture
def several(tmp_path):
    """A file of three traces."""
    return write_lines(tmp_path, [{"messages": CHAT, "id": name} for name in ("one", "two", "three")])


def loaded(folder, name="i1"):
    """Return the case that was made."""
    return load(folder / "incidents" / name).case


@pytest.mark.parametrize(("accepted", "count"), [("all", None), ("1", 1), ("2,1", 2), ("1 2", 2), ("none", 0), ("", 0)])
def test_proposals_are_accepted_by_number(tmp_path, accepted, count):
    told = call("import", TRACE, "--id", "i1", "--accept", accepted, "--json", cwd=tmp_path).json
    assert len(loaded(tmp_path).assertions) == (len(told["proposals"]) if count is None else count)


@pytest.mark.parametrize("wrong", ["0", "99", "-1", "x", "1;2", "²", "1.5", "all,1"])
def test_number_of_no_proposal_writes_nothing(tmp_path, wrong):
    done = call("import", TRACE, "--id", "i1", "--accept", wrong, cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("error: --accept: expected all, none or numbers from 1 to ")
    assert not (tmp_path / "incidents").exists()


def test_wrong_number_is_refused_also_where_nothing_is_proposed(tmp_path):
    plain = write(tmp_path, {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]})
    done = call("import", plain, "--id", "i1", "--accept", "3", cwd=tmp_path)
    assert (done.code, "nothing is proposed" in done.err) == (2, True)


@pytest.mark.parametrize(("text", "chosen"), [("ALL", [0, 1, 2]), (" none ", []), ("3,1,3", [0, 2])])
def test_choice_is_read_as_typed(text, chosen):
    assert parse_choice(text, 3) == chosen


def test_without_a_terminal_nothing_is_accepted(tmp_path, chat):
    assert call("import", chat, "--id", "i1", cwd=tmp_path).code == 0
    assert loaded(tmp_path).is_draft


def test_list_shows_the_traces_and_writes_nothing(tmp_path, several):
    done = call("import", several, "--list", cwd=tmp_path)
    assert (done.code, "3 traces" in done.out) == (0, True)
    assert not (tmp_path / "incidents").exists()


def test_file_of_several_traces_asks_which(tmp_path, several):
    done = call("import", several, "--id", "i1", cwd=tmp_path)
    assert (done.code, "--list" in done.err) == (2, True)
    assert not (tmp_path / "incidents").exists()


def test_chosen_trace_is_taken(tmp_path, several):
    ids = [row["trace_id"] for row in call("import", several, "--list", "--json", cwd=tmp_path).json]
    told = call("import", several, "--trace-id", ids[2], "--trace-id", ids[0], "--json", cwd=tmp_path).json
    assert told["traces"] == [ids[0], ids[2]]


def test_all_traces_make_one_case(tmp_path, several):
    told = call("import", several, "--id", "i1", "--all-traces", "--json", cwd=tmp_path).json
    assert told["traces"] == [row["trace_id"] for row in call("import", several, "--list", "--json", cwd=tmp_path).json]
    assert len(list((tmp_path / "incidents/i1/evidence").iterdir())) == 3


def test_all_traces_and_some_of_them_are_not_both_taken(tmp_path, several):
    done = call("import", several, "--all-traces", "--trace-id", "one", cwd=tmp_path)
    assert (done.code, done.err.startswith("error: --all-traces: expected the ids of traces or all")) == (2, True)
    assert not (tmp_path / "incidents").exists()


def test_trace_that_is_not_there_is_named(tmp_path, several):
    done = call("import", several, "--trace-id", "four", cwd=tmp_path)
    assert (done.code, "expected the trace four" in done.err) == (2, True)


def test_trace_is_chosen_by_an_id_that_is_redacted(tmp_path):
    lines = [{**json.loads(TRACE.read_text())} for _ in range(2)]
    text = [json.dumps(line).replace("5cfe7d3df54912dd50e0b1949899b253", f"{who}@example.com") for line, who in
            zip(lines, ("jane", "joe"), strict=True)]  # fmt: skip
    source = tmp_path / "two.jsonl"
    source.write_text("\n".join(text) + "\n")
    told = call("import", source, "--id", "i1", "--trace-id", "joe@example.com", "--json", cwd=tmp_path)
    assert told.code == 0
    assert "joe@" not in told.out


def test_id_is_the_next_free_one(tmp_path, chat):
    first, second = (call("import", chat, "--json", cwd=tmp_path).json["case"] for _ in range(2))
    assert (first[-4:], second[-4:]) == ("0001", "0002")


def test_folder_with_an_odd_number_does_not_stop_the_count(tmp_path, chat):
    year = call("import", chat, "--json", cwd=tmp_path).json["case"][:-4]
    (tmp_path / "incidents" / f"{year}²").mkdir()
    (tmp_path / "incidents" / f"{year}²" / "case.yaml").touch()
    assert call("import", chat, "--json", cwd=tmp_path).json["case"][-4:] == "0002"


def test_existing_case_is_left_as_it_was(tmp_path, chat):
    call("import", chat, "--id", "i1", cwd=tmp_path)
    before = files_of(tmp_path / "incidents")
    done = call("import", TRACE, "--id", "I1", cwd=tmp_path)
    assert (done.code, "Choose another --id" in done.err) == (2, True)
    assert files_of(tmp_path / "incidents") == before


BAD_IDS = ["../x", "..", ".", "con", "/abs", "a/b", "a\\b", "", "-x", "x-", "\u0456nc-1", "a\nb", "a b", "x" * 65, "é"]


@pytest.mark.parametrize("name", BAD_IDS)
def test_unsafe_id_is_refused(tmp_path, chat, name):
    done = call("import", chat, f"--id={name}", cwd=tmp_path)
    assert (done.code, done.err.startswith("error: --id: ")) == (2, True)
    assert sorted(tmp_path.iterdir()) == [chat]


TITLES = [
    "it's: {a: [b, c]}", '"}}{{ %x', "- *a &b !!python/object:os.system", "# no comment", "null", "~", "1e400", "0o17",
    "2026-01-01", "1_0", "yes", "<<", "=", "😀 ❤️", "\u0441 кириллицей", "a\\u202eb", "...", "---",
    "x" * 10_000, "@`%", "? a",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES, ids=range(len(TITLES)))
def test_title_means_in_the_case_what_was_typed(tmp_path, chat, title):
    assert call("import", chat, "--id", "i1", "--title", title, cwd=tmp_path).code == 0
    assert loaded(tmp_path).title == title
    assert yaml.safe_load((tmp_path / "incidents/i1/case.yaml").read_text())["title"] == title


def test_title_of_several_lines_becomes_one(tmp_path, chat):
    call("import", chat, "--id", "i1", "--title", "a\n  b: [c\r\nassert: []", cwd=tmp_path)
    assert loaded(tmp_path).title == "a b: [c assert: []"


@pytest.mark.parametrize("title", ["\x1b]52;c;QQ\x07", "\u202eabc", "\x00", "\udcff"], ids=ascii)
def test_title_with_controls_is_refused(tmp_path, chat, title):
    done = call("import", chat, "--id", "i1", "--title", title, cwd=tmp_path)
    assert (done.code, done.err.startswith("error: --title: ")) == (2, True)
    assert "\x1b" not in done.err


HOSTILE = "\x1b]52;c;QQ\x07 \u202e \u2028 *x &y\n# - {type: contains}\nassert: []\n}}{{ '\" : [ {\r\x85 \ufeff"


def test_hostile_request_makes_a_harmless_title(tmp_path):
    source = write(tmp_path, {"messages": [{"role": "user", "content": HOSTILE}]})
    assert call("import", source, "--id", "i1", cwd=tmp_path).code == 0
    assert loaded(tmp_path).title.startswith("Imported: \\x1b]52;c;QQ\\x07")


def failing(arguments):
    """Return a conversation with one call that failed."""
    function = {"name": "refund", "arguments": json.dumps(arguments)}
    return [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c", "content": json.dumps({"error": HOSTILE})},
    ]


def test_proposals_in_comments_stay_in_their_comments(tmp_path):
    source = write(tmp_path, {"messages": failing({HOSTILE: HOSTILE, "to": HOSTILE})})
    told = call("import", source, "--id", "i1", "--json", cwd=tmp_path).json
    text = (tmp_path / "incidents/i1/case.yaml").read_text()
    assert told["proposals"]
    assert sorted(yaml.safe_load(text)) == ["assert", "format", "id", "kind", "status", "title"]
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("text", ["a\nb", "a\n\nstatus: fixed\n", "\n", "x\n# y\n- {type: contains}"])
def test_line_break_in_an_argument_does_not_leave_its_comment(tmp_path, text):
    source = write(tmp_path, {"messages": failing({"to": text})})
    told = call("import", source, "--id", "i1", "--json", cwd=tmp_path).json
    lines = (tmp_path / "incidents/i1/case.yaml").read_text().splitlines()
    assert told["proposals"]
    assert [line for line in lines if line.startswith("  ") and not line.startswith("  # ")] == []
    assert loaded(tmp_path).is_draft


def test_accepted_hostile_proposal_is_kept_exactly(tmp_path):
    source = write(tmp_path, {"messages": failing({"to": HOSTILE, "no": "1e400", "at": "0o17"})})
    told = call("import", source, "--accept", "1", "--json", cwd=tmp_path).json
    text = (tmp_path / "incidents" / told["case"] / "case.yaml").read_text()
    assert yaml.safe_load(text)["assert"] == [told["proposals"][0]["assert"]]


def test_no_redaction_needs_a_reason(tmp_path, chat):
    for reason in ([], ["--reason", "  "]):
        done = call("import", chat, "--redact", "none", *reason, cwd=tmp_path)
        assert (done.code, "--reason" in done.err) == (2, True)
    assert not (tmp_path / "incidents").exists()


def test_reason_is_in_the_custody_log(tmp_path, chat):
    call("import", chat, "--id", "i1", "--redact", "none", "--reason", "public data", cwd=tmp_path)
    [entry] = (tmp_path / "incidents/i1/custody.jsonl").read_text().splitlines()
    assert json.loads(entry)["reason"] == "public data"
    assert json.loads(entry)["details"]["redaction"] == "none"


@pytest.mark.parametrize("name", ["with space.json", "-dash.json", "line\nbreak.json", "\udcff.json", "\x1b[31m.json"])
def test_any_file_name_will_do(tmp_path, name):
    (tmp_path / name).write_text(json.dumps({"messages": CHAT}))
    done = call("import", "--id", "i1", "--", name, cwd=tmp_path)
    assert (done.code, "\x1b" in done.out) == (0, False)
    assert loaded(tmp_path).title


def test_two_imports_with_the_same_id_at_once_make_one_case(tmp_path, chat):
    args = command("import", chat, "--id", "i1", "--json")
    started = [
        subprocess.Popen(args, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    ended = [(each.communicate(timeout=60), each.returncode) for each in started]
    assert sorted(code for _, code in ended) == [0, 2, 2, 2]
    assert [path.name for path in (tmp_path / "incidents").iterdir() if path.is_dir()] == ["i1"]
    assert loaded(tmp_path).id == "i1"
