"""What is called tested: only what an assertion is about, decided and passed."""

from __future__ import annotations

import pytest

from unrepeat.cases.assertions import ASSERTION_TYPES
from unrepeat.cases.trace import Source, Trace
from unrepeat.replayers.replay import Replay, Version
from unrepeat.scorers.score import Score, ScorerFailure
from unrepeat.scorers.validations import KINDS, kind_of, validate
from unrepeat.scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict

RED = Score(type="contains", passed=False, reason="")


def verdict(*scores, recorded=(), functions=("tool:pay", "approval:ask")):
    trace = Trace(trace_id="t", source=Source(format="f"))
    replay = Replay(
        case_id="c",
        version=Version(label="v"),
        replayer="python",
        outcome="completed",
        trace=trace,
        functions=functions,
    )
    judged = JudgedReplay(replay=replay, scores=scores)
    one = TraceVerdict(recording=trace, recorded_scores=recorded, verdict="fixed", reason="", candidate=judged)
    return CaseVerdict(case_id="c", title="", verdict="fixed", reason="", traces=(one,))


def states(*verdicts):
    return {each.kind: each.state for each in validate(verdicts)}


def score(kind, passed):
    return Score(type=kind, passed=passed, reason="")


@pytest.mark.parametrize("name", sorted(ASSERTION_TYPES))
def test_every_assertion_validates_something(name):
    assert kind_of(name) is not None


def test_no_type_validates_two_things():
    types = [each for kind in KINDS.values() for each in kind]
    assert len(types) == len(set(types))


def test_an_unknown_type_validates_nothing():
    assert kind_of("somebodys:own") is None
    assert set(states(verdict(score("somebodys:own", True))).values()) == {"not tested"}


@pytest.mark.parametrize(("passed", "state"), [(True, "tested"), (False, "failed"), (None, "not tested")])
def test_the_score_decides(passed, state):
    assert states(verdict(score("contains", passed)))["output"] == state


def test_one_undecided_score_is_enough_for_not_tested():
    assert states(verdict(score("contains", True)), verdict(score("regex", None)))["output"] == "not tested"


def test_a_scorer_that_crashed_failed():
    assert states(verdict(ScorerFailure(type="contains", error="x")))["output"] == "failed"


def test_an_assertion_nobody_scored_is_not_tested():
    assert states(verdict(recorded=(RED,)))["output"] == "not tested"


def test_what_the_cases_do_not_assert_is_not_tested():
    assert states(verdict(score("not-contains", True)))["human_review"] == "not tested"


def test_a_system_that_only_answers_has_no_human_review():
    found = states(verdict(score("contains", True), functions=("model:complete",)))
    assert (found["human_review"], found["integrations"], found["data_flow"]) == ("not applicable",) * 2 + (
        "not tested",
    )


def test_what_is_not_known_about_a_system_is_not_ruled_out():
    assert states(verdict(functions=()))["human_review"] == "not tested"


def test_a_green_recording_is_told_apart():
    told = {each.kind: each.note for each in validate([verdict(score("contains", True))])}
    assert "none of them red on the recording" in told["output"]
    told = {each.kind: each.note for each in validate([verdict(score("contains", True), recorded=(RED,))])}
    assert "1 of them red on the recording" in told["output"]
