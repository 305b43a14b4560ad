"""Gating a project: real replays, real processes; one broken case hides nothing, nothing broken passes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from tests.harness.command_line import call, command, environment
from tests.harness.gate_project import CASE, add_case, edit, protected, regress
from tests.harness.refund_project import ASSERT

from unrepeat.harness import gate_facts, proving
from unrepeat.harness.gating import GateRequest, run_gate

SLOW = "import time\n\n\ndef handle(text):\n    import app\n    time.sleep(3)\n    return app.handle(text)\n"


@pytest.fixture
def project(tmp_path):
    return protected(tmp_path / "project")


def gated(project, *args, **env):
    return call("gate", *args, "--json", cwd=project, **env)


def rules(done):
    return {case["case_id"]: case["rule"] for case in done.json["cases"]}


def test_fixed_case_passes(project):
    done = gated(project)
    assert (done.code, done.json["exit_code"], rules(done)) == (0, 0, {"inc-1": "fixed"})


def test_regression_is_blocked_with_its_case_and_step(project):
    regress(project)
    done = gated(project)
    [case] = done.json["cases"]
    assert (done.code, case["case_id"], case["rule"], case["owner"]) == (1, "inc-1", "still-failing", "desk")
    assert case["step"] == {"seq": 4, "kind": "tool", "name": "refund"}
    assert case["reason"] == "the failure is back at step 4 (tool refund)"


def test_result_is_kept_as_it_was_printed(project):
    done = gated(project, "--details")
    [path] = project.glob(".unrepeat/gates/*/gate.json")
    assert json.loads(path.read_text()) == done.json
    assert (project / done.json["cases"][0]["result"]).is_file()


def test_open_case_is_reported_and_asks_to_be_promoted(project):
    add_case(project, "inc-2")
    done = gated(project)
    assert (done.code, rules(done)["inc-2"]) == (0, "promote")
    assert call("status", "inc-2", "fixed", cwd=project).code == 0
    assert rules(gated(project)) == {"inc-1": "fixed", "inc-2": "fixed"}


def test_open_case_that_fails_does_not_block(project):
    regress(project)
    add_case(project, "inc-2")
    assert gated(project, "inc-2").code == 0
    assert gated(project, "inc-2", "--claim", "fixed").code == 1


def test_open_case_blocks_where_it_says_so(project):
    regress(project)
    add_case(project, "inc-2", "assert: [{type: not-tool-called, tool: refund}]\nblocks_while_open: true\n")
    assert gated(project, "inc-2").code == 1


def test_retired_case_is_listed_and_not_run(project):
    add_case(project, "inc-2")
    call("status", "inc-2", "retired", "--owner", "Ada", "--reason", "shut down", cwd=project)
    assert rules(gated(project))["inc-2"] == "retired"
    assert not (project / ".unrepeat/results/inc-2").exists()


def test_corrupt_case_fails_alone(project):
    (add_case(project, "inc-2") / "case.yaml").write_text("id: inc-2\n  : [\n")
    done = gated(project)
    assert (done.code, rules(done)) == (1, {"inc-1": "fixed", "inc-2": "unreadable"})
    assert done.json["cases"][1]["reason"] == "case.yaml:2:3: it cannot be read"


def test_crash_of_ours_fails_one_case(project, monkeypatch):
    add_case(project, "inc-2")
    honest = proving.prove

    def broken(what, *args, **options):
        return honest(what, *args, **options) if what.loaded.case.id == "inc-1" else 1 // 0

    monkeypatch.setattr(gate_facts, "prove", broken)
    assert rules(gated(project)) == {"inc-1": "fixed", "inc-2": "crashed"}


@pytest.mark.parametrize("name", ["trace.json", "manifest-sha256.txt", "custody.jsonl"])
def test_edited_evidence_fails_and_is_named(project, name):
    path = project / "incidents/inc-1" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    done = gated(project)
    assert (done.code, rules(done)) == (1, {"inc-1": "edited"})
    assert name in done.json["cases"][0]["reason"]


def test_status_that_no_command_changed_fails(project):
    edit(project / CASE, "status: fixed", "status: retired")
    assert rules(gated(project)) == {"inc-1": "edited"}


def test_draft_is_reported_with_its_reason(project):
    add_case(project, "inc-2", "assert: []\n")
    assert rules(gated(project)) == {"inc-1": "fixed", "inc-2": "asserts-nothing"}


def test_project_without_cases_does_not_pass(project):
    (project / "none").mkdir()
    assert gated(project, "none").code == 1


def test_folder_of_a_project_stands_for_its_cases(project):
    assert rules(call("gate", "project", "--json", cwd=project.parent)) == {"inc-1": "fixed"}


MISTAKES = {
    "unknown case": ["inc-9"],
    "unknown version": ["--candidate", "nowhere"],
    "unknown component": ["--set", "bogus=x"],
    "two folders": ["incidents", "incidents/.."],
    "nothing to resume": ["--resume"],
    "unknown claim": ["--claim", "green"],
    "no model name": ["--model", "gpt"],
}


@pytest.mark.parametrize("args", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_one_line_and_runs_nothing(project, args):
    done = call("gate", *args, cwd=project)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert not (project / ".unrepeat").exists()


@pytest.mark.parametrize(
    "text",
    [
        "gate = [",
        "[gate]\nblock = ['high']",
        "[gate]\nblocks = []",
        "[gate]\ntrials = 3",
        "[gate]\nhold = ['error']",
        "[[gate.waivers]]\ncase = 'inc-1'\nreason = 'r'\nowner = 'o'",
        "[[gate.waivers]]\ncase = '../x'\nreason = 'r'\nowner = 'o'\nexpires = 2030-01-01",
    ],
)
def test_policy_that_cannot_be_used_is_a_mistake(project, text):
    path = project / "unrepeat.toml"
    path.write_text(f"{path.read_text()}\n{text}\n")
    done = call("gate", cwd=project)
    assert (done.code, done.out) == (2, "")
    assert "unrepeat.toml" in done.err


def test_project_without_a_system_is_a_mistake(project):
    (project / "unrepeat.toml").write_text("")
    done = call("gate", cwd=project)
    assert (done.code, "unrepeat init" in done.err) == (2, True)


def add_waiver(project):
    path = project / "unrepeat.toml"
    waiver = "[[gate.waivers]]\ncase = 'INC-1'\nreason = 'r'\nowner = 'o'\nexpires = 2999-01-01\n"
    path.write_text(f"{path.read_text()}\n{waiver}")


def test_waived_case_does_not_block(project):
    regress(project)
    add_waiver(project)
    assert (gated(project).code, rules(gated(project))) == (0, {"inc-1": "waived"})


def test_recovered_needs_to_know_who_may_sign(project):
    done = gated(project, "--claim", "recovered")
    assert (done.code, "approvers" in done.err) == (2, True)


def test_fail_fast_leaves_the_rest_and_says_so(project):
    regress(project)
    add_case(project, "inc-2")
    done = gated(project, "-x")
    assert (done.code, rules(done)) == (1, {"inc-1": "still-failing", "inc-2": "never-ran"})


@pytest.mark.parametrize(("file", "rules"), [("app.py", ["candidate-changed"]), ("app.log", [])])
def test_candidate_that_is_edited_meanwhile_is_no_version(project, file, rules):
    def meddle(_):
        with (project / file).open("a") as opened:
            opened.write("# while the gate runs\n")

    result = run_gate(GateRequest(), start=project, progress=meddle).result
    assert (result.exit_code, [each.rule for each in result.problems]) == (int(bool(rules)), rules)


@pytest.mark.parametrize("again", [False, True], ids=["rewritten", "and put back"])
def test_case_that_is_rewritten_meanwhile_was_not_judged(project, again):
    regress(project)
    folder = add_case(project, "inc-2", ASSERT + "blocks_while_open: true\n")
    honest = (folder / "case.yaml").read_text()

    def meddle(message):
        if message.startswith("[1/2]"):
            edit(folder / "case.yaml", "tool: refund}", "tool: other}")
        elif again and message.startswith("[2/2]"):
            (folder / "case.yaml").write_text(honest)

    add_waiver(project)
    result = run_gate(GateRequest(), start=project, progress=once(meddle)).result
    assert [(each.rule, each.effect, each.where) for each in result.problems] == [("cases-changed", "fail", "inc-2")]
    assert result.exit_code == 1


def once(meddle):
    """Return a listener that hears only the first message of each case."""
    heard = set()

    def tell(message):
        number = message.partition(" ")[0]
        if number not in heard:
            heard.add(number)
            meddle(message)

    return tell


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["terminal", "json"])
def test_output_holds_no_text_of_the_trace_unless_asked_for(project, form):
    regress(project)
    quiet, told = (call("gate", *form, *more, cwd=project).out for more in ([], ["--details"]))
    assert ("ord_1" in quiet, "ord_1" in told) == (False, True)


def test_two_gates_at_once_do_not_disturb_each_other(project):
    both = [
        subprocess.Popen(command("gate", "--json"), cwd=project, env=environment(), stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    results = [json.loads(each.communicate(timeout=60)[0]) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert len({each["run_id"] for each in results}) == len(list(project.glob(".unrepeat/gates/*/gate.json"))) == 2


@pytest.fixture
def interrupted(project):
    """A run of two cases that somebody ended during the second."""
    (project / "slow.py").write_text(SLOW)
    add_case(project, "inc-2", "assert: [{type: not-tool-called, tool: refund}]\nreplay: {entry: 'slow:handle'}\n")
    process = subprocess.Popen(
        command("gate"), cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(project.glob(".unrepeat/gates/*/cases/inc-1.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    return project, process.returncode, out


def test_interrupted_run_keeps_and_says_what_was_finished(interrupted):
    project, code, out = interrupted
    assert code == 130
    assert "interrupted: 1 of 2 cases were finished" in out
    [path] = project.glob(".unrepeat/gates/*/gate.json")
    assert json.loads(path.read_text())["exit_code"] == 130


def test_resumed_run_does_not_repeat_what_was_finished(interrupted):
    project = interrupted[0]
    done = gated(project, "--resume")
    assert (done.code, rules(done)) == (0, {"inc-1": "fixed", "inc-2": "promote"})
    assert len(list(project.glob(".unrepeat/results/inc-1/*"))) == 1
    assert call("gate", "--resume", cwd=project).code == 2


def test_evidence_that_was_edited_since_is_looked_at_again(interrupted):
    project = interrupted[0]
    (project / "incidents/inc-1/evidence").mkdir(exist_ok=True)
    (project / "incidents/inc-1/evidence/extra.txt").write_text("from nowhere")
    done = gated(project, "--resume")
    assert (done.code, rules(done)["inc-1"]) == (1, "edited")


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("app.py", "\n# edited\n", "candidate"),
        (CASE, "\n# edited\n", "cases"),
        ("unrepeat.toml", "", "claim"),
        ("unrepeat.toml", "[systems.desk.env]\nMODE = 'x'\n", "systems"),
        ("unrepeat.toml", "[models.'a/b']\nretries = 1\n", "systems"),
    ],
    ids=["candidate", "case", "claim", "system", "model"],
)
def test_run_about_something_else_is_not_resumed(interrupted, file, text, what):
    project = interrupted[0]
    (project / file).write_text((project / file).read_text() + text)
    done = call("gate", "--resume", *(["--claim", "fixed"] if what == "claim" else []), cwd=project)
    assert (done.code, f"got another {what}" in done.err) == (2, True)
