"""Cases without a trace: their failure is stated, and only live runs can judge them."""

from __future__ import annotations

import datetime as dt
import shlex

import pytest
from tests.harness.command_line import call
from tests.integration.live_project import HONEST, PROMISE, make_project, proven, run_of
from tests.integration.model_server import asks, says, serving

from unrepeat.cases.custody import Act
from unrepeat.cases.library import create

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

HEAD = "id: inc-2\ntitle: A day was promised on the phone\nseverity: low\n"
ASSERT = "assert:\n  - {type: not-contains, value: for sure}\n"
INPUT = "replay:\n  input: {text: When does ord_1 arrive?}\n"
STATIC = "  boundaries:\n    tool: {mode: static, only: [lookup], value: on its way}\n"
ACT = Act("Ada", dt.datetime(2026, 1, 31, tzinfo=dt.UTC), "test", "a ticket")


def stated_case(project, text=HEAD + ASSERT + INPUT + STATIC):
    """Create a case without a trace."""
    create(project / "incidents/inc-2", text, None, {"ticket.txt": b"She was told Friday."}, ACT)
    return project


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def by_prompt(number, body):
    """Promise a day unless the prompt forbids it."""
    if body["messages"][-1]["role"] != "tool":
        return asks("lookup", order="ord_1")
    return says(HONEST if "Promise nothing" in str(body["messages"][0]) else PROMISE)


def prove_it(project, server, *args, candidate="fix"):
    return proven(project, server.url, "--json", *args, candidate=candidate, case="inc-2")


def test_without_a_model_the_command_that_would_judge_it_is_named(project):
    stated_case(project)
    done = call("prove", "inc-2", "--candidate", "fix", "--json", cwd=project)
    assert (done.code, done.json["verdict"]) == (1, "cannot_judge")
    words = "unrepeat prove inc-2 --baseline VERSION --candidate fix --model PROVIDER/NAME -n 72"
    assert shlex.split(done.json["settlement"]["command"]) == words.split()


def test_baseline_that_shows_it_and_enough_trials_are_a_fix(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "-n", "72")
    assert (done.code, done.json["verdict"], done.json["scope"]) == (0, "fixed", "whole_run")
    [trace] = done.json["traces"]
    assert (len(trace["baseline_trials"]), len(trace["trials"])) == (1, 72)
    assert done.json["proves"][-1] == "Red first: the baseline old shows the failure."
    assert any("The baseline: 1/1 trials failed" in line for line in done.json["proves"])
    assert call("status", "inc-2", "fixed", cwd=project).code == 0


def test_trials_repeated_until_they_pass_are_no_proof(project):
    stated_case(project)
    broken = [True]

    def once_broken(number, body):
        if body["messages"][-1]["role"] == "tool" and "Promise nothing" in str(body["messages"][0]) and broken:
            broken.clear()
            return says(PROMISE)
        return by_prompt(number, body)

    with serving(once_broken) as server:
        first, second = (prove_it(project, server, "--baseline", "old", "-n", "72") for _ in range(2))
    assert [each.json["verdict"] for each in (first, second)] == ["still_failing", "fixed"]
    done = call("status", "inc-2", "fixed", cwd=project)
    assert (done.code, "got a run before it that failed" in done.err) == (2, True)


def test_too_few_trials_are_not_a_fix(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "-n", "3")
    assert done.json["verdict"] == "cannot_judge"
    assert done.json["settlement"]["command"].endswith("--baseline old --candidate fix --model openai/gpt-4o -n 72")


def test_without_a_baseline_nothing_is_fixed(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "-n", "3")
    assert (done.code, done.json["verdict"]) == (1, "cannot_reproduce")
    assert "no baseline was named" in done.json["reason"]
    assert "--baseline VERSION" in done.json["next_command"]


def test_baseline_that_does_not_show_it_reproduces_nothing(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "fix", "-n", "3")
    assert done.json["verdict"] == "cannot_reproduce"
    assert "the baseline did not show the stated failure: 0/3 trials failed" in done.json["reason"]
    assert len(server.requests) == 6  # the candidate is not even tried


@pytest.mark.parametrize("baseline", [[], ["--baseline", "old"]], ids=["no baseline", "baseline"])
def test_candidate_that_shows_it_is_still_failing(project, baseline):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, *baseline, "-n", "3", candidate="old")
    assert (done.code, done.json["verdict"]) == (1, "still_failing")


def test_question_that_nobody_answers_cannot_be_judged(project):
    stated_case(project, HEAD + ASSERT + INPUT)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "-n", "3")
    assert done.json["verdict"] == "cannot_reproduce"
    assert "asked tool lookup, which nothing answers" in done.json["reason"]


def test_what_the_system_allows_runs_for_real(tmp_path):
    project = make_project(tmp_path)
    toml = project / "unrepeat.toml"
    toml.write_text(toml.read_text().replace("timeout_s", 'allow_live = ["tool:lookup"]\ntimeout_s', 1))
    for version in ("old", "fix"):
        (project / version / "tools.py").write_text("def lookup(order):\n    return 'really ' + order\n")
    stated_case(project, HEAD + ASSERT + INPUT)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "-n", "1")
    assert done.json["verdict"] == "cannot_judge"
    assert "0/1 trials failed" in done.json["reason"]
    assert "really ord_1" in str(server.requests[-1]["messages"])


def test_candidate_that_never_asks_the_model_is_no_fix(project):
    stated_case(project)
    (project / "fix/app.py").write_text("from model import complete\n\ndef handle(text):\n    return 'Hello.'\n")
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "-n", "80")
    assert done.json["verdict"] == "cannot_judge"
    assert "never asked the live model" in done.json["reason"]


def test_case_without_an_input_is_refused_before_anything_is_run(project):
    stated_case(project, HEAD + ASSERT)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old")
    assert (done.code, len(done.err.splitlines()), server.requests) == (2, 1, [])
    assert "replay: {input: {…}}" in done.err


def test_cap_before_the_baseline_has_shown_it_cannot_be_judged(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = prove_it(project, server, "--baseline", "old", "--max-calls", "1")
    assert done.json["verdict"] == "cannot_judge"
    assert "--max-calls 1 is used up before the baseline had shown the failure" in done.json["reason"]


def test_people_read_it_and_get_a_page(project):
    stated_case(project)
    with serving(by_prompt) as server:
        done = proven(project, server.url, "--baseline", "old", "-n", "2", case="inc-2")
    assert "0/2 trials failed" in " ".join(done.out.split())
    assert call("report", "inc-2", cwd=project).code == 0
    assert run_of(project, "inc-2").is_file()
