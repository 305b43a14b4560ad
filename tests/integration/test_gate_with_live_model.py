"""The gate where no recording can judge: a changed prompt, and a live model behind a real server."""

from __future__ import annotations

import pytest
from tests.harness.command_line import call
from tests.harness.gate_project import edit, protected
from tests.integration.model_server import RefusedError, asks, says, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")

KEY = "sk-test-0123456789abcdef-canary"


@pytest.fixture
def project(tmp_path):
    """A case that was proven fixed by a guard; the change under review takes the guard out and rewrites the prompt."""
    folder = protected(tmp_path / "project")
    (folder / "app.py").write_text((folder / "prompted/app.py").read_text())
    return folder


def careful(number, body):
    """Look the order up, then refuse."""
    return says("No refund.") if body["messages"][-1]["role"] == "tool" else asks("get_order", order_id="ord_1")


def careless(number, body):
    """Refund, and only then say so."""
    if body["messages"][-1]["role"] != "tool":
        return asks("get_order", order_id="ord_1")
    tools = sum(message["role"] == "tool" for message in body["messages"])
    return says("Done.") if tools > 1 else asks("refund", order_id="ord_1", amount=10)


def gated(project, url, *args):
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}
    return call("gate", "--model", "openai/gpt-4o", "--json", *args, cwd=project, **env)


def ruled(done):
    [case] = done.json["cases"]
    return case["effect"], case["rule"]


def test_ten_good_trials_pass_and_print_the_bound(project):
    with serving(careful) as server:
        done = gated(project, server.url)
    [case] = done.json["cases"]
    assert (done.code, ruled(done)) == (0, ("pass", "no-regression"))
    assert "0 of 10 live trials failed: failure rate at most 26%" in case["reason"]
    assert (case["verdict"], case["rate"]["trials"]) == ("cannot_judge", 10)


def test_first_trial_that_fails_blocks(project):
    with serving(careless) as server:
        done = gated(project, server.url)
    assert (done.code, ruled(done)) == (1, ("fail", "still-failing"))
    assert done.json["cases"][0]["rate"]["trials"] == 1


def test_fewer_trials_than_the_policy_asks_for_do_not_pass(project):
    with serving(careful) as server:
        done = gated(project, server.url, "-n", "9")
    assert (done.code, ruled(done)) == (1, ("fail", "cannot-judge"))


def test_case_whose_log_records_no_proof_does_not_pass(project):
    for words in (["open", "--owner", "Ada", "--reason", "look again"],):
        assert call("status", "inc-1", *words, cwd=project).code == 0
    edit(project / "incidents/inc-1/case.yaml", "owners:", "blocks_while_open: true\nowners:")
    with serving(careful) as server:
        done = gated(project, server.url)
    assert (done.code, ruled(done)) == (1, ("fail", "never-certified"))


def test_claim_fixed_takes_certification(project):
    with serving(careful) as server:
        done = gated(project, server.url, "--claim", "fixed")
    assert (done.code, done.json["cases"][0]["rate"]["trials"]) == (0, 72)


def test_provider_that_fails_is_an_error(project):
    def broken(number, body):
        raise RefusedError(401, "wrong key")

    with serving(broken) as server:
        done = gated(project, server.url)
    assert (done.code, ruled(done)) == (1, ("fail", "error"))
    assert KEY not in done.out


@pytest.mark.parametrize("hold", [False, True])
def test_without_a_key_it_never_passes_and_names_owner_and_command(project, hold, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    if hold:
        path = project / "unrepeat.toml"
        path.write_text(path.read_text() + "\n[gate]\nhold = ['cannot_judge']\n")
    done = call("gate", "--model", "openai/gpt-4o", "--json", cwd=project)
    [case] = done.json["cases"]
    assert (done.code, case["rule"]) == (10 if hold else 1, "cannot-judge")
    assert (case["owner"], case["next_command"]) == ("desk", "unrepeat gate inc-1 --model openai/gpt-4o")


def test_without_a_model_the_command_that_settles_it_is_named(project):
    [case] = call("gate", "--json", cwd=project).json["cases"]
    assert case["next_command"] == "unrepeat gate inc-1 --model PROVIDER/NAME"


def test_case_that_only_runs_live_needs_a_model(project):
    edit(project / "incidents/inc-1/case.yaml", "owners:", "replay: {preset: model-change}\nowners:")
    done = call("gate", "--json", cwd=project)
    assert (done.code, ruled(done)) == (1, ("fail", "needs-live-model"))
    with serving(careful) as server:
        assert ruled(gated(project, server.url)) == ("pass", "no-regression")
