"""Trials with a live model behind a real server, from the command line to the verdict."""

from __future__ import annotations

import json
import shlex

import pytest
from tests.harness.command_line import call, run
from tests.integration.live_project import HONEST, KEY, PROMISE, honest, make_project, proven, stated
from tests.integration.model_server import asks, says, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def test_ten_good_trials_are_too_few_and_the_command_that_settles_it_is_named(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "10", "--json")
    assert (done.code, done.json["verdict"]) == (1, "cannot_judge")
    assert "0/10 trials failed: failure rate at most 26% (95% confidence)" in done.json["reason"]
    command = shlex.split(done.json["settlement"]["command"])
    assert command == [*shlex.split("unrepeat prove inc-1 --candidate fix --model openai/gpt-4o -n"), "72"]
    assert len(server.requests) == 20


def test_enough_good_trials_are_a_fix(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "72", "--json")
    assert (done.code, done.json["verdict"], done.json["scope"]) == (0, "fixed", "whole_run")
    [trace] = done.json["traces"]
    assert (trace["rate"]["failures"], trace["rate"]["trials"], len(trace["trials"])) == (0, 72, 72)
    assert 0.0407 < trace["rate"]["at_most"] < 0.0408


def test_high_severity_asks_for_more(project):
    stated(project, "high")
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "2", "--json")
    assert done.json["settlement"]["command"].endswith("-n 182")


def test_first_failure_ends_the_trials(project):
    def failing(number, body):
        return says(PROMISE) if number == 5 else honest(number, body)

    with serving(failing) as server:
        done = proven(project, server.url, "-n", "10", "--json")
    assert (done.code, done.json["verdict"]) == (1, "still_failing")
    assert "1/3 trials failed" in done.json["reason"]
    assert len(server.requests) == 5


def test_people_read_the_rate_and_the_command(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "2")
    assert "0/2 trials failed" in " ".join(done.out.split())
    assert "unrepeat prove inc-1 --candidate fix --model openai/gpt-4o -n 72" in done.out


def test_model_is_asked_what_the_app_asks(project):
    with serving(honest) as server:
        proven(project, server.url, "-n", "1")
    first, second = server.requests
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert "Promise nothing." in json.dumps(first["messages"][0])
    assert (first["model"], first["temperature"]) == ("gpt-4o", 0.3)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["lookup"]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "tool"]
    assert second["messages"][3]["tool_call_id"] == second["messages"][2]["tool_calls"][0]["id"]


def test_recorded_tool_answers_the_live_model(project):
    with serving(honest) as server:
        proven(project, server.url, "-n", "1")
    assert "on its way" in json.dumps(server.requests[1]["messages"][3])


def test_call_that_was_never_recorded_cannot_be_judged(project):
    def curious(number, body):
        return says(HONEST) if body["messages"][-1]["role"] == "tool" else asks("lookup", order="ord_2")

    with serving(curious) as server:
        done = proven(project, server.url, "-n", "10", "--json")
    assert (done.code, done.json["verdict"]) == (1, "cannot_judge")
    assert done.json["traces"][0]["rate"]["trials"] == 1


def test_no_key_is_said_before_anything_is_run(project):
    done = proven(project, "http://127.0.0.1:9/v1", key="")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "OPENAI_API_KEY" in done.err


@pytest.mark.parametrize("name", ["bogus/model", "model", "", "openai", "/", "openai/"])
def test_model_that_is_none_is_one_line(project, name):
    done = proven(project, "http://127.0.0.1:9/v1", model=name)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "--model" in done.err


def test_key_reaches_the_server_and_nothing_else(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "2", "--json", start=run)
        run("report", "inc-1", "--out", project / "page.html", cwd=project)
    assert server.keys == {f"Bearer {KEY}"}
    assert done.json["traces"][0]["candidate"]["replay"]["trace"]["output"] == HONEST + " "
    written = [path for path in project.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert (written, KEY in done.out, KEY in done.err) == ([], False, False)


def test_preset_for_a_changed_prompt_is_proven_and_reported(project):
    stated(project, "low", "replay: {preset: model-change}\n")
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "2", "--json")
    assert done.json["verdict"] == "cannot_judge"
    assert call("report", "inc-1", cwd=project).code == 0


def test_preset_for_a_changed_prompt_without_a_model_says_what_to_name(project):
    stated(project, "low", "replay: {preset: model-change}\n")
    done = call("prove", "inc-1", "--candidate", "fix", cwd=project)
    assert (done.code, "--model PROVIDER/NAME" in done.err) == (2, True)


def test_without_the_extra_the_way_to_install_it_is_named(project, tmp_path):
    refusing = "import sys\nsys.modules['inspect_ai.model'] = None\nsys.modules['inspect_ai'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(refusing)
    done = run("prove", "inc-1", "--candidate", "fix", "--model", "openai/x", cwd=project, PYTHONPATH=str(tmp_path))
    assert (done.code, "pip install 'unrepeat[live]'" in done.err) == (2, True)
