"""Trials with a live model behind a real server, from the command line to the verdict."""

from __future__ import annotations

import json
import shlex
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.harness.command_line import Done, call, run
from tests.integration.model_server import RefusedError, asks, says, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

KEY = "sk-test-0123456789abcdef-canary"
PROMISE = "It arrives on Friday, for sure."
HONEST = "I cannot promise a day."
APP = """\
import json, os
from model import complete
from tools import lookup

TOOL = {"type": "function", "function": {"name": "lookup", "description": "Looks an order up",
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}}}

def handle(text):
    print(dict(os.environ))
    messages = [{"role": "system", "content": "PROMPT"}, {"role": "user", "content": text}]
    while True:
        answer = complete(messages=messages, tools=[TOOL], temperature=0.3)
        messages.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"] + " " + ",".join(sorted(k for k in os.environ if "KEY" in k))
        for call in answer["tool_calls"]:
            found = lookup(**json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})
"""
MODEL = "def complete(messages, tools=None, temperature=None):\n    raise RuntimeError('the real model was called')\n"
TOOLS = "def lookup(order):\n    raise RuntimeError('the real tool was called')\n"
CONFIG = """\
[systems.desk]
python = "app:handle"
boundaries.model = ["model:complete"]
boundaries.tool = ["tools:lookup"]
timeout_s = 30
versions.fix = "fix"
"""
CASE = "assert:\n  - {type: not-contains, value: for sure}\nkind: incident\nstatus: open\nseverity: SEVERITY\n"
CHAT = [
    {"role": "system", "content": "Be nice."},
    {"role": "user", "content": "When does ord_1 arrive?"},
    asks("lookup", order="ord_1"),
    {"role": "tool", "tool_call_id": "c1", "content": "on its way"},
    says(PROMISE),
]


@pytest.fixture
def project(tmp_path):
    """A small system whose fix is a new prompt, and a case about it."""
    (tmp_path / "fix").mkdir()
    sources = {"app.py": APP.replace("PROMPT", "Promise nothing."), "model.py": MODEL, "tools.py": TOOLS}
    for name, text in sources.items():
        (tmp_path / "fix" / name).write_text(text)
    (tmp_path / "unrepeat.toml").write_text(CONFIG)
    (tmp_path / "chat.json").write_text(json.dumps({"messages": CHAT}))
    assert call("import", "chat.json", "--id", "inc-1", cwd=tmp_path).code == 0
    stated(tmp_path, "low")
    return tmp_path


def stated(project: Path, severity: str, more: str = "") -> None:
    """State what the case asserts."""
    head = "id: inc-1\ntitle: A day was promised\n"
    (project / "incidents/inc-1/case.yaml").write_text(head + CASE.replace("SEVERITY", severity) + more)


def proven(
    project: Path, url: str, *args: str, model: str = "openai/gpt-4o", key: str = KEY, start: Any = call
) -> Done:
    """Prove the fix with the model of a server."""
    env = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
    done: Done = start("prove", "inc-1", "--candidate", "fix", "--model", model, *args, cwd=project, **env)
    return done


def honest(number, body):
    """Look the order up, then answer without a promise."""
    return says(HONEST) if body["messages"][-1]["role"] == "tool" else asks("lookup", order="ord_1")


def result_of(project: Path) -> bytes:
    """Return the newest result."""
    return max(project.glob(".unrepeat/results/inc-1/*/result.json")).read_bytes()


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


@pytest.mark.slow
def test_server_that_is_down_is_an_error_after_bounded_retries(project):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    done = proven(project, url, "-n", "2", "--json")
    assert (done.code, done.json["verdict"]) == (1, "error")
    assert "expected an answer of openai/gpt-4o, got" in done.json["reason"]
    assert "Connect" in done.json["reason"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_model_that_refuses_is_an_error_and_says_why(project, status):
    def refusing(number, body):
        raise RefusedError(status, "not for you")

    with serving(refusing) as server:
        done = proven(project, server.url, "-n", "2", "--json")
    assert (done.code, done.json["verdict"]) == (1, "error")
    assert "expected an answer of openai/gpt-4o, got" in done.json["reason"]
    assert "not for you" in done.json["reason"]
    assert len(server.requests) == 1


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


def test_key_is_not_in_the_error_of_a_server_that_repeats_it(project):
    def telling(number, body):
        raise RefusedError(401, f"Incorrect API key provided: {KEY}")

    with serving(telling) as server:
        done = proven(project, server.url, "-n", "1", "--json")
    assert KEY.encode() not in result_of(project)
    assert KEY not in done.out


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
