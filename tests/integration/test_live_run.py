"""What a run with a live model says before it spends, where it stops, what it keeps, and which trials count."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from tests.harness.command_line import call, command, environment
from tests.integration.live_project import APP, HONEST, KEY, PROMISE, honest, make_project, proven, run_of
from tests.integration.model_server import MisbehavesError, asks, says, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

PRICED = '[models."openai/gpt-4o"]\ninput_per_million = 1000\noutput_per_million = 1000\n'
SEEDED = APP.replace("temperature=0.3)", "temperature=0.3, seed=SEED)")


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def test_what_it_takes_is_said_before_the_first_trial(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "2")
    first, second, *_ = done.err.splitlines()
    assert first.startswith("2 trials with openai/gpt-4o: about 4 model calls, ")
    assert "cost unknown: state prices" in first
    assert "finished trials are kept in " in second


def test_result_holds_estimate_and_usage(tmp_path):
    project = make_project(tmp_path, more=PRICED)
    with serving(honest) as server:
        result = proven(project, server.url, "-n", "2", "--json").json
    assert (result["model"], result["estimate"]["calls"], result["usage"]["calls"]) == ("openai/gpt-4o", 4, 4)
    tokens = result["usage"]["input_tokens"] + result["usage"]["output_tokens"]
    assert result["usage"]["cost_usd"] == pytest.approx(tokens / 1000)
    assert result["usage"]["seconds"] > 0
    assert result["settlement"]["estimate"]["cost_usd"] == pytest.approx(tokens / 1000 * 36)


def test_result_holds_every_trial_with_its_trace(project):
    with serving(honest) as server:
        proven(project, server.url, "-n", "3", "--json")
    [trace] = json.loads(run_of(project).read_bytes())["traces"]
    assert [each["replay"]["trace"]["output"] for each in trace["trials"]] == [f"{HONEST} "] * 3
    assert not (run_of(project).parent / "trials").exists()


def test_cap_on_calls_stops_and_is_no_pass(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "10", "--max-calls", "5", "--json")
    assert (done.code, done.json["verdict"], len(server.requests)) == (1, "cannot_judge", 5)
    assert "0/2 trials failed" in done.json["reason"]
    assert "--max-calls 5 is used up" in done.json["reason"]
    assert len(done.json["traces"][0]["trials"]) == 2


@pytest.mark.slow
def test_cap_reached_after_enough_trials_is_still_no_pass(project):
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "100", "--max-calls", "150", "--json")
    assert (done.json["verdict"], len(done.json["traces"][0]["trials"])) == ("cannot_judge", 75)


def test_cap_before_the_end_of_the_first_trial_is_no_pass(project):
    with serving(honest) as server:
        done = proven(project, server.url, "--max-calls", "1", "--json")
    assert (done.code, done.json["verdict"]) == (1, "cannot_judge")
    assert done.json["reason"] == "no trial was finished; --max-calls 1 is used up"


def test_cap_on_cost_stops_and_is_no_pass(tmp_path):
    project = make_project(tmp_path, more=PRICED)
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "10", "--max-cost", "0.5", "--json")
    assert done.json["verdict"] == "cannot_judge"
    assert "--max-cost 0.5 is used up" in done.json["reason"]
    assert done.json["usage"]["cost_usd"] <= 0.5


def test_cap_on_cost_without_prices_is_refused(project):
    done = proven(project, "http://127.0.0.1:9/v1", "--max-cost", "1")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "input_per_million" in done.err


@pytest.mark.parametrize("cap", ["--max-calls", "--max-cost"])
def test_cap_without_a_model_is_refused(project, cap):
    done = call("prove", "inc-1", "--candidate", "fix", cap, "1", cwd=project)
    assert (done.code, "name it with --model" in done.err) == (2, True)


def test_cap_on_cost_ends_where_the_provider_tells_no_tokens(tmp_path):
    def untold(number, body):
        raise MisbehavesError("no usage", honest(number, body))

    project = make_project(tmp_path, more=PRICED)
    with serving(untold) as server:
        done = proven(project, server.url, "--max-cost", "1", "--json")
    assert (done.json["verdict"], len(server.requests)) == ("cannot_judge", 1)
    assert "does not say how many tokens" in done.json["reason"]


def test_trials_that_share_a_seed_count_once_and_certify_nothing(tmp_path):
    project = make_project(tmp_path, app=SEEDED.replace("SEED", "7"))
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "80", "--json")
    assert (done.code, done.json["verdict"]) == (1, "cannot_judge")
    assert "trials share a seed (7): not independent" in done.json["reason"]
    assert done.json["traces"][0]["rate"]["trials"] == 1
    assert len(server.requests) == 6  # two repeats in a row are enough to see it
    assert "settlement" not in done.json


def test_trials_with_a_seed_of_their_own_count(tmp_path):
    project = make_project(tmp_path, app=SEEDED.replace("SEED", "int.from_bytes(os.urandom(6))"))
    with serving(honest) as server:
        done = proven(project, server.url, "-n", "4", "--json")
    assert done.json["traces"][0]["rate"]["trials"] == 4


def test_answers_from_a_cache_count_once(project):
    def cached(number, body):
        if body["messages"][-1]["role"] == "tool":
            raise MisbehavesError("same id", says(HONEST))
        return asks("lookup", order="ord_1")

    with serving(cached) as server:
        done = proven(project, server.url, "-n", "10", "--json")
    assert done.json["verdict"] == "cannot_judge"
    assert "answers came from a cache" in done.json["reason"]
    assert done.json["traces"][0]["rate"]["trials"] == 1


def test_failure_of_a_trial_that_repeats_another_is_not_hidden(tmp_path):
    project = make_project(tmp_path, app=SEEDED.replace("SEED", "7"))
    with serving(lambda number, body: says(PROMISE) if number == 3 else honest(number, body)) as server:
        done = proven(project, server.url, "-n", "5", "--json")
    assert done.json["verdict"] == "still_failing"
    assert "1/2 trials failed" in done.json["reason"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_interrupted_run_keeps_its_finished_trials(project, number, code):
    def stuck(count, body):
        if count > 5:
            time.sleep(5)
        return honest(count, body)

    with serving(stuck) as server:
        words = command("prove", "inc-1", "--candidate", "fix", "--model", "openai/gpt-4o", "-n", "10")
        env = environment(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.url)
        process = subprocess.Popen(words, cwd=project, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        kept = project / ".unrepeat/results/inc-1"
        deadline = time.monotonic() + 60
        while len(server.requests) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    files = sorted(kept.glob("*/trials/*.json"))
    assert process.returncode == code
    assert [path.name for path in files] == ["00001-candidate.json", "00002-candidate.json"]
    assert json.loads(files[1].read_bytes())["replay"]["trace"]["output"] == f"{HONEST} "
    assert str(files[0].parent) in err.decode()
    assert list(kept.glob("*/result.json")) == []
    assert code == -9 or "2 finished trials kept in" in err.decode()
