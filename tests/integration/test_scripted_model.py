"""The shipped scripted model: it fails as often as its rules say, and trials with it say so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.harness.command_line import call, desk, environment
from tests.integration.model_server import serving

from unrepeat.cases.shipped.scripted_server.__main__ import KEY, MODEL
from unrepeat.cases.shipped.scripted_server.rules import FAILURE_RATES, OTHERWISE, failure_rate, scripted

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

ATTEMPTS = "support_desk/attempts/softer_prompt/support_desk/prompts/delivery.md"
PROMPTS = {"old": "v1", "new": "v2", "almost": ATTEMPTS}
TICKET = "Ticket tic_1, topic delivery, from account cust_1\nWhere is ord_1? I need it on Friday."


@pytest.fixture
def project(tmp_path):
    """The shipped desk, whose delivery case is about a prompt."""
    return desk(tmp_path / "desk")


def proven(project, prompt, *args, seed=1):
    """Prove the delivery case with a prompt, asking the scripted model."""
    version = PROMPTS[prompt]
    which = ["--candidate", version] if version in ("v1", "v2") else ["--candidate", "v1", "--set", f"prompt={version}"]
    with serving(scripted(seed)) as server:
        env = {"SCRIPTED_BASE_URL": server.url, "SCRIPTED_API_KEY": KEY}
        done = call("prove", "inc-promised-date", *which, "--model", MODEL, "--json", *args, cwd=project, **env)
    return done.json


def test_old_prompt_fails_at_the_first_trial(project):
    verdict = proven(project, "old", "-n", "10")
    assert verdict["verdict"] == "still_failing"
    assert "1/1 trials failed: failure rate at least 5% and at most 100% (95% confidence each)" in verdict["reason"]


def test_new_prompt_passes_ten_trials_and_is_not_yet_proven(project):
    verdict = proven(project, "new", "-n", "10")
    assert verdict["verdict"] == "cannot_judge"
    assert "0/10 trials failed: failure rate at most 26% (95% confidence); too few" in verdict["reason"]
    assert verdict["settlement"]["command"].endswith(f"--model {MODEL} -n 72")
    assert verdict["settlement"]["estimate"]["basis"] == "these trials"


@pytest.mark.slow
def test_certifying_number_of_trials_certifies(project):
    verdict = proven(project, "new", "-n", "72")
    assert (verdict["verdict"], verdict["scope"]) == ("fixed", "whole_run")
    assert verdict["traces"][0]["rate"]["trials"] == 72


def test_almost_fixed_prompt_is_caught_where_its_seed_says(project):
    verdict = proven(project, "almost", "-n", "10", seed=1)
    assert verdict["verdict"] == "still_failing"
    assert verdict["traces"][0]["rate"]["trials"] == first_failure(seed=1)


def first_failure(seed: int, most: int = 10) -> int | None:
    """Return at which answer the model first promises a day with the almost fixed prompt; None for none of them."""
    model = scripted(seed)
    body = {"messages": [{"role": "system", "content": almost()}, *conversation()]}
    answers = (model(number, body)["content"] for number in range(1, most + 1))
    return next((number for number, said in enumerate(answers, 1) if "guaranteed" in said), None)


def almost() -> str:
    from tests.harness.command_line import SHIPPED

    return (SHIPPED / ATTEMPTS).read_text()


def conversation():
    """Return a delivery ticket that has been looked up."""
    calls = [
        {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for number, name in enumerate(("get_order", "get_shipment"))
    ]
    results = ({"id": "ord_1"}, {"status": "in transit", "note": "delayed"})
    asked = [{"role": "assistant", "content": "", "tool_calls": [each]} for each in calls]
    told = [
        {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps(each)}
        for number, each in enumerate(results)
    ]
    return [{"role": "user", "content": TICKET}, asked[0], told[0], asked[1], told[1]]


def test_almost_fixed_prompt_is_caught_by_ten_trials_about_as_often_as_its_rate_says():
    caught = sum(first_failure(seed) is not None for seed in range(1000))
    assert 0.86 < caught / 1000 < 0.92  # 1 - 0.8 ** 10 is 0.893; three standard deviations are 0.03


@pytest.mark.parametrize(("words", "rate"), [*FAILURE_RATES, ("something else", OTHERWISE)])
def test_rate_goes_by_the_system_prompt(words, rate):
    assert failure_rate(f"Be kind.\n{words.upper()} of it.") == rate


def serve(*args, cwd: Path):
    words = [sys.executable, "-m", "unrepeat.cases.shipped.scripted_server", *args]
    return subprocess.run(words, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=30, check=False)


def test_command_finds_the_model_and_its_exit_code_is_passed_on(tmp_path):
    code = "import os, sys; print(os.environ['SCRIPTED_BASE_URL']); sys.exit(7)"
    done = serve(sys.executable, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout.startswith("http://127.0.0.1:")) == (7, True)


def test_server_stops_by_itself(tmp_path):
    done = serve("--seconds", "0.1", cwd=tmp_path)
    assert (done.returncode, "export SCRIPTED_BASE_URL=http://127.0.0.1:" in done.stdout) == (0, True)


@pytest.mark.parametrize("args", [["nothing-of-that-name"], ["--port", "70000"]], ids=" ".join)
def test_what_cannot_be_run_is_one_line(tmp_path, args):
    done = serve(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
