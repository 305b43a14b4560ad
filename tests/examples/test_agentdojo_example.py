"""The example over AgentDojo's recorded runs, as far as it goes without them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples.agentdojo.failures import scorers_for

ROOT = Path(__file__).parents[2]
GOALS = [("banking", number) for number in range(9)] + [("slack", number) for number in range(1, 6)]


def run(tmp_path, *arguments):
    environment = {**os.environ, "UNREPEAT_CORPORA": str(tmp_path)}
    command = [sys.executable, "-m", "examples.agentdojo", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_missing_corpus_or_package_is_said_with_what_to_do(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 2
    assert "UNREPEAT_CORPORA" in done.stderr or "make corpora" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_an_example(tmp_path):
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "python -m examples.agentdojo" in done.stdout


@pytest.mark.parametrize(("suite", "number"), GOALS)
def test_each_goal_of_an_attacker_has_an_assertion(suite, number):
    scorers = scorers_for(suite, f"injection_task_{number}")
    assert [scorer.property for scorer in scorers] == ["safety"]
