"""What a verdict says it shows and does not show, and the next command."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.harness.refund_project import VERSIONS, make_project, proven

from unrepeat.harness.statements import not_proven


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Return the verdict over each version, made once."""
    case = make_project(tmp_path_factory.mktemp("project"))
    wanted = [name for name in VERSIONS if name not in ("hanging", "exiting", "unimportable")]
    return {name: proven(case, name) for name in wanted}


def test_fix_of_the_recorded_action_says_where_validity_ended(verdicts):
    said = " ".join(verdicts["guarded"].not_proven)
    assert "What happens after step 4 (model complete)" in said


def test_fix_says_that_it_is_one_case_and_not_a_rate(verdicts):
    assert any("one case, not a rate" in line for line in verdicts["guarded"].not_proven)


def test_fix_that_leaves_work_undone_says_so(verdicts):
    said = " ".join(verdicts["early"].not_proven)
    assert "recorded calls it did not make: 1 model, 1 tool" in said


@pytest.mark.parametrize("name", ["guarded", "early", "v1"])
def test_red_first_is_said_with_what_is_shown(verdicts, name):
    assert verdicts[name].proves[-1] == "Red first: the recording shows the failure."


@pytest.mark.parametrize("name", ["prompted", "moody", "crashing"])
def test_verdict_that_shows_nothing_claims_nothing(verdicts, name):
    assert verdicts[name].proves == ()


def test_changed_prompt_names_the_command_that_settles_it(verdicts):
    settled = verdicts["prompted"].settlement
    assert settled.command == "unrepeat prove inc-1 --candidate prompted --model PROVIDER/NAME -n 72"
    assert verdicts["prompted"].next_command == settled.command


def test_candidate_that_differs_from_run_to_run_is_not_settled_by_a_live_model(verdicts):
    assert verdicts["moody"].settlement is None


@pytest.mark.parametrize(
    ("name", "command"),
    [("guarded", "unrepeat report inc-1"), ("v1", "unrepeat replay inc-1 --version v1")],
)
def test_next_command_goes_on_from_the_verdict(verdicts, name, command):
    assert verdicts[name].next_command == command


@pytest.mark.parametrize(
    ("isolation", "said"),
    [
        ("netns", ""),
        ("landlock", ""),
        ("guard", "isolation was “guard”"),
        ("none", "the system ran without isolation"),
        ("external", "the deployment runs elsewhere"),
    ],
)
def test_isolation_that_does_not_hold_is_named(verdicts, isolation, said):
    verdict = verdicts["guarded"]
    (trace,) = verdict.traces
    replay = replace(trace.candidate.replay, isolation=isolation)
    told = not_proven(replace(verdict, traces=(replace(trace, candidate=replace(trace.candidate, replay=replay)),)))
    named = [line for line in told if line.startswith("That nothing went past the boundaries")]
    assert [said in line for line in named] == ([True] if said else [])
