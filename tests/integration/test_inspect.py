"""Inspect runs the cases as its task and opens the logs of verdicts; the verdicts are computed by the same code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.harness.command_line import call, environment, run
from tests.integration.live_project import HONEST, PROMISE, honest, make_project, proven
from tests.integration.model_server import RefusedError, says, serving

log = pytest.importorskip("inspect_ai.log", reason="the extra `live` is not installed")

MODEL = "openai-api/shop/desk-1"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def evaluated(project, url, *args):
    """Evaluate the cases from Inspect's command line and return its log."""
    words = [str(Path(sys.executable).with_name("inspect")), "eval", "unrepeat/incidents", "--model", MODEL]
    env = environment(SHOP_BASE_URL=url, SHOP_API_KEY="none", INSPECT_LOG_DIR="logs", INSPECT_DISPLAY="none")
    done = subprocess.run(
        [*words, *args], cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    found = log.list_eval_logs(str(project / "logs"))
    return log.read_eval_log(found[0]) if found else done


def test_task_gives_each_case_the_verdict_of_prove(project):
    with serving(honest) as server:
        found = evaluated(project, server.url, "-T", "candidate=fix", "-T", "trials=2")
    assert found.status == "success"
    [sample] = found.samples
    assert (sample.id, sample.scores["verdict"].value) == ("inc-1", "cannot_judge")
    assert "0/2 trials failed: failure rate at most 78%" in sample.scores["verdict"].explanation
    assert sample.messages[-1].text == HONEST
    assert {name: each.value for name, each in found.results.scores[0].metrics.items()} == {"fixed": 0, "not_fixed": 1}


def test_case_that_cannot_be_judged_is_counted_and_not_dropped(project):
    (project / "incidents/inc-2").mkdir()
    (project / "incidents/inc-2/case.yaml").write_text("nonsense")

    def refusing(number, body):
        raise RefusedError(401, "no")

    with serving(refusing) as server:
        found = evaluated(project, server.url, "-T", "candidate=fix", "--no-fail-on-error")
    values = {sample.id: sample.scores["verdict"].value for sample in found.samples}
    assert values == {"inc-1": "error", "inc-2": "error"}
    assert found.results.scores[0].metrics["not_fixed"].value == 2


def test_folder_without_cases_is_no_success(project):
    done = evaluated(project, "http://127.0.0.1:9/v1", "-T", "cases=nowhere")
    assert isinstance(done, subprocess.CompletedProcess)
    assert "expected a folder of cases" in done.stdout + done.stderr
    assert done.returncode != 0


def test_log_of_a_proof_holds_each_trial_and_the_verdict(project):
    def second_fails(number, body):
        return says(PROMISE) if number == 4 else honest(number, body)

    with serving(second_fails) as server:
        done = proven(project, server.url, "-n", "5", "--inspect-log", "logs")
    [path] = (project / "logs").glob("*.eval")
    assert f"inspect log: {Path('logs') / path.name}" in done.err
    found = log.read_eval_log(str(path))
    assert (found.eval.model, found.eval.metadata["verdict"]) == ("openai/gpt-4o", "still_failing")
    assert [sample.epoch for sample in found.samples] == [1, 2]
    assert [sample.messages[-1].text for sample in found.samples] == [HONEST, PROMISE]
    values = [[score.value for score in sample.scores.values()] for sample in found.samples]
    assert values == [["still_failing", "passed"], ["still_failing", "failed"]]


def test_trial_that_did_not_run_is_an_error_in_the_log(project):
    def revoked(number, body):
        if number > 2:
            raise RefusedError(401, "revoked")
        return honest(number, body)

    with serving(revoked) as server:
        proven(project, server.url, "-n", "5", "--inspect-log", "logs")
    [path] = (project / "logs").glob("*.eval")
    found = log.read_eval_log(str(path))
    assert [sample.error is None for sample in found.samples] == [True, False]
    assert "revoked" in found.samples[1].error.message
    assert found.results.completed_samples == 1


def test_log_of_recorded_answers_can_be_written_too(project):
    call("prove", "inc-1", "--candidate", "fix", "--inspect-log", "logs", cwd=project)
    [path] = (project / "logs").glob("*.eval")
    assert log.read_eval_log(str(path)).eval.model == "none/recorded"


def test_log_that_cannot_be_written_is_said_before_anything_is_run(project):
    (project / "logs").write_text("a file")
    with serving(honest) as server:
        done = proven(project, server.url, "--inspect-log", "logs")
    assert (done.code, len(done.err.splitlines()), server.requests) == (2, 1, [])


CHECK = "import sys\nfrom unrepeat.harness.cli import main\ntry:\n    main({args})\nexcept SystemExit:\n    pass\n"
CHECK += "print([name for name in sys.modules if name.startswith('inspect_ai')], file=sys.stderr)"


@pytest.mark.parametrize("args", [["prove", "inc-1", "--candidate", "fix"], ["show", "inc-1"], ["report", "inc-1"]])
def test_nothing_of_inspect_is_imported_without_a_live_model(project, args):
    run("prove", "inc-1", "--candidate", "fix", cwd=project)
    code = CHECK.replace("{args}", repr(args))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
