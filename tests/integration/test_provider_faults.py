"""Providers that fail, behind a real server: each is said for what it is, none is a pass, what was finished is kept."""

from __future__ import annotations

import socket

import pytest
from tests.integration.live_project import HONEST, KEY, honest, make_project, proven, run_of
from tests.integration.model_server import MisbehavesError, RefusedError, says, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

IMPATIENT = '[models."openai/gpt-4o"]\nretries = 1\ntimeout_s = 0.5\n'
STATUSES = [
    (400, 1, "a request it refuses", "the app's own"),
    (401, 1, "a key it does not accept", "Check the provider's key"),
    (403, 1, "a key that may not use this model", "Check what the key may use"),
    (404, 1, "no such model or address", "base URL"),
    (429, 2, "too many requests, or a quota that is used up in 2 attempts", "raise the quota"),
    (500, 2, "an error of the provider in 2 attempts", "Try again later"),
    (503, 2, "an error of the provider in 2 attempts", "Try again later"),
]
FAULTS = [
    ("malformed", 1, "an answer that is not what its protocol says", "base URL"),
    ("page", 1, "an answer that is not what its protocol says", "base URL"),
    ("no choices", 1, "an answer without choices", "base URL"),
    ("truncated", 2, "an answer that breaks off", "cuts answers off"),
    ("hangs up", 2, "an answer that breaks off", "cuts answers off"),
    ("slow", 2, "no answer in time", "Raise timeout_s"),
]


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path, more=IMPATIENT)


def failing_from(request, error):
    """Answer honestly until a request, and from there on with an error."""

    def answer(number, body):
        if number >= request:
            raise error
        return honest(number, body)

    return answer


def said(done):
    assert (done.code, done.json["verdict"]) == (1, "error")
    return done.json["reason"]


@pytest.mark.parametrize(("status", "requests", "what", "hint"), STATUSES)
def test_refusal_is_said_with_what_to_do(project, status, requests, what, hint):
    with serving(failing_from(1, RefusedError(status, "words of the provider"))) as server:
        reason = said(proven(project, server.url, "-n", "3", "--json"))
    assert f"expected an answer of openai/gpt-4o, got {what}: " in reason
    assert "words of the provider" in reason
    assert hint in reason
    assert len(server.requests) == requests


@pytest.mark.parametrize(("how", "requests", "what", "hint"), FAULTS)
def test_answer_that_is_none_is_said_with_what_to_do(project, how, requests, what, hint):
    with serving(failing_from(1, MisbehavesError(how))) as server:
        reason = said(proven(project, server.url, "-n", "3", "--json"))
    assert what in reason
    assert hint in reason
    assert len(server.requests) == requests


def test_no_connection_is_said_with_what_to_do(project):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    reason = said(proven(project, url, "-n", "3", "--json"))
    assert "got no connection in 2 attempts" in reason
    assert "Check the network" in reason


@pytest.mark.parametrize(
    "error", [RefusedError(500, "down"), RefusedError(401, "revoked"), MisbehavesError("truncated")], ids=repr
)
def test_failure_half_way_is_no_pass_and_keeps_what_was_finished(project, error):
    with serving(failing_from(6, error)) as server:  # two requests a trial: the third trial breaks
        done = proven(project, server.url, "-n", "10", "--json")
    assert "trial 3 did not run to its end" in said(done)
    [trace] = done.json["traces"]
    assert [each["replay"]["outcome"] for each in trace["trials"]] == ["completed", "completed", "unanswered"]
    assert (trace["rate"]["failures"], trace["rate"]["trials"]) == (0, 2)
    assert done.json["next_command"] == "unrepeat prove inc-1 --candidate fix --model openai/gpt-4o"
    assert run_of(project).name == "result.json"


def test_outage_that_passes_is_retried_and_counted(project):
    def shaky(number, body):
        if number == 1:
            raise RefusedError(503, "one moment")
        return honest(number, body)

    with serving(shaky) as server:
        done = proven(project, server.url, "-n", "1", "--json")
    assert done.json["verdict"] == "cannot_judge"
    assert (done.json["usage"]["calls"], done.json["usage"]["retries"]) == (2, 1)
    assert done.json["traces"][0]["rate"]["trials"] == 1


def test_waiting_for_a_model_is_not_the_apps_time(tmp_path):
    def slow(number, body):
        if body["messages"][-1]["role"] == "tool":
            raise MisbehavesError("slow", says(HONEST))
        return honest(number, body)

    project = make_project(tmp_path, timeout_s=2)  # the server takes 3 s for one answer
    with serving(slow) as server:
        done = proven(project, server.url, "-n", "1", "--json")
    assert done.json["traces"][0]["trials"][0]["replay"]["outcome"] == "completed"


def test_errors_do_not_repeat_the_key(project):
    with serving(failing_from(1, RefusedError(401, f"Incorrect API key provided: {KEY}"))) as server:
        done = proven(project, server.url, "-n", "1", "--json")
    assert KEY not in done.out
    assert "<OPENAI_API_KEY>" in done.json["reason"]
