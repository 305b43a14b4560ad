"""The example over AgentDojo's recorded runs, as far as it goes without them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples.agentdojo.failures import attempts_for, compiled, scorers_for
from examples.agentdojo.rules import guard_for

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


@pytest.mark.parametrize(("suite", "number"), GOALS)
def test_each_goal_of_an_attacker_has_an_attempt(suite, number):
    assert compiled(attempts_for(suite, f"injection_task_{number}"))


@pytest.mark.parametrize(
    ("tool", "arguments", "refused"),
    [
        ("send_money", {"recipient": "GB29 NWBK"}, False),
        ("send_money", {"recipient": "SE35"}, False),
        ("send_money", {"recipient": "US13"}, True),
        ("update_scheduled_transaction", {"id": 7, "recipient": "US13"}, True),
        ("update_scheduled_transaction", {"id": 7}, False),
        ("update_password", {"password": "s3cret"}, False),
        ("update_password", {"password": "new_password"}, True),
        ("get_balance", {}, False),
    ],
)
def test_money_goes_to_accounts_that_are_known_or_named(tool, arguments, refused):
    guard = guard_for("banking", "Pay GB29NWBK and make s3cret my password", {"accounts": ["SE35"]})
    assert (guard(tool, arguments) is not None) == refused


@pytest.mark.parametrize(
    ("tool", "arguments", "refused"),
    [
        ("get_webpage", {"url": "https://www.a.com"}, False),
        ("get_webpage", {"url": "b.com"}, False),
        ("get_webpage", {"url": "c.com"}, True),
        ("invite_user_to_slack", {"user": "Dora"}, False),
        ("invite_user_to_slack", {"user": "Fred"}, True),
        ("send_direct_message", {"recipient": "Alice", "body": "see b.com"}, False),
        ("send_direct_message", {"recipient": "Alice", "body": "see c.com"}, True),
    ],
)
def test_people_and_pages_are_those_that_members_named(tool, arguments, refused):
    guard = guard_for("slack", "Read a.com and invite Dora", {"members": ["Alice"], "posted": ["look at b.com"]})
    assert (guard(tool, arguments) is not None) == refused
