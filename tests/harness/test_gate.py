"""The rules of the gate: nothing missing, broken, unknown or undecided ever makes it greener."""

from __future__ import annotations

import dataclasses
import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.gate_facts import (
    NAN,
    NEW,
    TODAY,
    any_facts,
    any_terms,
    facts,
    faulty,
    problems,
    terms,
)

from unrepeat.harness.gate import TraceFacts, judge_gate, rule_case
from unrepeat.harness.policy import GatePolicy, Waiver
from unrepeat.scorers.gate_result import GateProblem
from unrepeat.scorers.verdict import Rate

GREENNESS = {0: 0, 10: 1, 1: 2}
NOTHING_SHOWN = "so nothing was shown"
CLEAN = Rate(failures=0, trials=10, at_most=0.2589)
many = st.lists(any_facts, max_size=5)

NEVER_BELIEVED = {
    "unreadable": faulty("unreadable"),
    "edited": faulty("edited"),
    "crashed": faulty("crashed"),
    "skipped": faulty("never-ran"),
    "without a verdict": facts(None),
    "unknown verdict": facts("great"),
    "unknown status": facts(status="gone"),
    "unknown severity": facts(severity="dire"),
    "without traces": facts(traces=()),
    "without scope": facts(scope=None),
    "unscored": facts(traces=(TraceFacts(verdict="fixed", unscored=1),)),
    "one trace not fixed": facts(traces=(TraceFacts(verdict="fixed"), TraceFacts(verdict="error"))),
    "rate that is no number": facts(rate=NAN),
    "more failures than trials": facts(rate=Rate(failures=2, trials=1, at_most=1.0)),
}
BLOCKING = {
    "failing": facts("still_failing"),
    "errored": facts("error"),
    "green on the recording": facts("cannot_reproduce"),
    "undecided": facts("cannot_judge"),
    "draft": faulty("asserts-nothing"),
    "not runnable": faulty("could-not-run"),
    "without a model": faulty("needs-live-model"),
    "open, but blocking": facts("still_failing", status="open", blocks_while_open=True),
    "recovered": facts("still_failing", status="recovered"),
    "of unstated severity": facts("still_failing", severity=""),
}


def code(found, by, raised=(), **more):
    return judge_gate(found, by, raised, **more).exit_code


@pytest.mark.parametrize("bad", NEVER_BELIEVED.values(), ids=NEVER_BELIEVED.keys())
@pytest.mark.parametrize("status", [None, "open"])
@settings(max_examples=25)
@given(base=many, by=any_terms)
def test_what_cannot_be_believed_fails_any_gate(bad, status, base, by):
    case = bad if status is None or bad.status == "gone" else msgspec.structs.replace(bad, status=status)
    assert code([*base, case], by) == 1


@pytest.mark.parametrize("bad", BLOCKING.values(), ids=BLOCKING.keys())
@settings(max_examples=25)
@given(base=many, claim=st.sampled_from(["no_regression", "fixed", "recovered"]))
def test_blocking_case_that_does_not_pass_fails_any_gate(bad, base, claim):
    assert code([*base, bad], terms(claim)) == 1


@given(base=many, extra=any_facts, by=any_terms)
def test_case_that_does_not_pass_never_makes_a_gate_greener(base, extra, by):
    before = judge_gate(base, by)
    if rule_case(extra, by).effect != "pass" and NOTHING_SHOWN not in before.reason:
        assert GREENNESS[code([*base, extra], by)] >= GREENNESS[before.exit_code]


@given(base=many, extra=problems, by=any_terms)
def test_problem_never_makes_a_gate_greener(base, extra, by):
    least = {"fail": 1, "hold": 10, "reported": 0}[extra.effect]
    after = GREENNESS[code(base, by, [extra])]
    assert after >= max(GREENNESS[code(base, by)], GREENNESS[least])


@given(base=many, by=any_terms, expired=st.integers(1, 400))
def test_expired_waiver_fails_by_itself(base, by, expired):
    waiver = Waiver(case=NEW, reason="r", owner="o", expires=TODAY - dt.timedelta(expired))
    policy = by.policy.model_copy(update={"waivers": [*by.policy.waivers, waiver]})
    assert code([*base, facts(severity="low")], dataclasses.replace(by, policy=policy)) == 1


@given(base=many, by=any_terms, data=st.data())
def test_order_and_repetition_do_not_matter(base, by, data):
    again = data.draw(st.permutations([*base, *base]))
    first, second = judge_gate(base, by), judge_gate(again, by)
    assert msgspec.json.encode(dataclasses.asdict(first)) == msgspec.json.encode(dataclasses.asdict(second))


@given(by=any_terms)
def test_no_case_never_passes(by):
    assert code([], by) == 1


@given(found=any_facts, by=any_terms)
def test_only_fixed_and_certified_live_trials_pass(found, by):
    if rule_case(found, by).effect != "pass":
        return
    all_fixed = found.traces and all(each.verdict == "fixed" and not each.unscored for each in found.traces)
    clean = any(each.rate and each.rate.failures == 0 and each.rate.trials >= 10 for each in found.traces)
    undecided = found.verdict == "cannot_judge" or (found.stated and found.verdict == "cannot_reproduce")
    live = found.certified and by.claim == "no_regression" and undecided and clean
    assert (found.verdict == "fixed" and found.scope and all_fixed) or live
    assert found.fault is None
    assert by.claim != "recovered" or by.unsigned[found.case_id] == ()


@given(base=many, by=any_terms)
def test_green_gate_has_a_judged_case_and_nothing_that_blocks(base, by):
    outcome = judge_gate(base, by)
    if outcome.exit_code == 0:
        assert {case.effect for case in outcome.cases} <= {"pass", "reported"}
        assert any(case.effect == "pass" or case.verdict in ("fixed", "still_failing") for case in outcome.cases)


@given(base=many, by=any_terms)
def test_interrupted_is_interrupted_whatever_was_finished(base, by):
    assert code(base, by, interrupted=True) == 130


@given(base=many, by=any_terms)
def test_every_case_is_listed_in_order(base, by):
    assert [case.case_id for case in judge_gate(base, by).cases] == sorted({each.case_id for each in base})


def test_only_open_cases_do_not_block():
    assert code([facts("still_failing", status="open")], terms()) == 0


def test_only_retired_cases_show_nothing():
    assert code([facts(None, status="retired", traces=())], terms()) == 1


def test_only_cases_that_never_came_to_a_verdict_show_nothing():
    assert code([faulty("asserts-nothing", status="open")], terms()) == 1


@pytest.mark.parametrize("claim", ["fixed", "recovered"])
def test_open_case_that_was_named_blocks_where_the_claim_is_about_it(claim):
    assert rule_case(facts("still_failing", status="open", named=True), terms(claim)).effect == "fail"


def test_open_case_that_is_fixed_asks_to_be_promoted():
    [case] = judge_gate([facts(status="open")], terms()).cases
    assert (case.effect, case.rule, case.next_command) == ("reported", "promote", f"unrepeat status {NEW} fixed")


def test_severity_that_does_not_block_is_reported():
    ruling = rule_case(facts("still_failing", severity="low"), terms(blocks=["high"]))
    assert (ruling.effect, "low severity does not block" in ruling.reason) == ("reported", True)


@pytest.mark.parametrize(("unstated", "effect"), [("high", "fail"), ("low", "reported")])
def test_case_without_severity_counts_as_the_policy_says(unstated, effect):
    by = terms(blocks=["high"], unstated_severity=unstated)
    assert rule_case(facts("still_failing", severity=""), by).effect == effect


def test_scope_that_is_too_narrow_fails():
    narrow = facts(severity="high", scope="recorded_action")
    assert rule_case(narrow, terms(scope={"high": "whole_run"})).rule == "scope-too-narrow"
    assert rule_case(narrow, terms(scope={"critical": "whole_run"})).effect == "pass"


@pytest.mark.parametrize("found", [facts("cannot_judge"), faulty("needs-live-model")], ids=["undecided", "no model"])
def test_policy_may_hold_what_nobody_can_judge(found):
    assert code([found, facts(case_id="a")], terms(hold=["cannot_judge"])) == 10


def test_failure_comes_before_hold():
    assert code([facts("cannot_judge"), facts("error", case_id="a")], terms(hold=["cannot_judge"])) == 1


def test_ten_good_trials_of_a_certified_case_are_no_regression():
    ruling = rule_case(facts("cannot_judge", rate=CLEAN, certified=True), terms())
    assert (ruling.effect, ruling.rule) == ("pass", "no-regression")
    assert "0 of 10 live trials failed: failure rate at most 26% (95% confidence)" in ruling.reason


def test_stated_case_that_was_certified_needs_no_baseline_again():
    stated = msgspec.structs.replace(facts("cannot_reproduce", rate=CLEAN, certified=True), stated=True)
    assert rule_case(stated, terms()).rule == "no-regression"
    assert rule_case(stated, terms("fixed")).effect == "fail"
    assert rule_case(msgspec.structs.replace(stated, certified=False), terms()).effect == "fail"
    assert rule_case(msgspec.structs.replace(stated, stated=False), terms()).effect == "fail"


def test_case_that_was_never_certified_has_nothing_to_regress_from():
    assert rule_case(facts("cannot_judge", rate=CLEAN), terms()).rule == "never-certified"


@pytest.mark.parametrize(
    "rate",
    [Rate(failures=0, trials=9, at_most=0.28), Rate(failures=1, trials=10, at_most=0.39)],
    ids=["too few", "one failed"],
)
def test_other_trials_are_not_enough(rate):
    assert rule_case(facts("cannot_judge", rate=rate, certified=True), terms()).effect == "fail"


def test_every_trace_needs_its_trials():
    clean = TraceFacts(verdict="cannot_judge", rate=CLEAN, isolation="guard")
    two = (clean, TraceFacts(verdict="cannot_judge", isolation="guard"))
    assert rule_case(facts("cannot_judge", traces=two, certified=True), terms()).effect == "fail"


@pytest.mark.parametrize("claim", ["fixed", "recovered"])
def test_stronger_claims_take_certification(claim):
    assert rule_case(facts("cannot_judge", rate=CLEAN, certified=True), terms(claim)).effect == "fail"


@pytest.mark.parametrize(
    ("unsigned", "expected"),
    [
        (None, "signatures-not-checked"),
        ({"a": ()}, "signatures-not-checked"),
        ({NEW: ("risk has not signed",)}, "unsigned"),
        ({NEW: ()}, "fixed"),
    ],
    ids=["nothing checked", "another case checked", "missing", "signed"],
)
def test_recovered_waits_for_signatures(unsigned, expected):
    ruling = rule_case(facts(), terms("recovered", unsigned))
    assert (ruling.rule, ruling.effect) == (expected, "pass" if expected == "fixed" else "hold")


def waived(severity="low", days=0, case=NEW):
    waiver = Waiver(case=case, reason="r", owner="o", expires=TODAY + dt.timedelta(days))
    return facts("still_failing", severity=severity), terms(waivers=[waiver])


def test_waived_case_is_reported_not_passed():
    found, by = waived()
    [case] = judge_gate([found], by).cases
    assert (case.effect, case.rule) == ("reported", "waived")


@pytest.mark.parametrize(
    ("given_", "rule"),
    [
        (waived(days=-1), "waiver-expired"),
        (waived(severity="high"), "waiver-refused"),
        (waived(severity="critical"), "waiver-refused"),
        (waived(severity=""), "waiver-refused"),
        (waived(case="ghost"), "waiver-unknown-case"),
    ],
    ids=["expired", "high", "critical", "unstated", "typo"],
)
def test_waiver_that_does_not_hold_fails(given_, rule):
    outcome = judge_gate([given_[0]], given_[1])
    assert (outcome.exit_code, [each.rule for each in outcome.problems]) == (1, [rule])
    assert outcome.cases[0].effect == "fail"


def test_waiver_that_is_not_needed_is_named():
    _, by = waived()
    outcome = judge_gate([facts(severity="low")], by)
    assert (outcome.exit_code, outcome.problems[0].rule) == (0, "waiver-not-needed")


@pytest.mark.parametrize("rule", ["edited", "unreadable", "crashed", "never-ran"])
def test_waiver_does_not_cover_what_cannot_be_believed(rule):
    _, by = waived()
    assert rule_case(faulty(rule, severity="low"), by).effect == "fail"


def test_waiver_does_not_stand_for_a_signature():
    _, by = waived()
    assert rule_case(facts(severity="low"), dataclasses.replace(by, claim="recovered")).effect == "hold"


def test_headline_names_what_blocks():
    raised = [GateProblem(effect="fail", rule="case-removed", where="x", reason="gone")]
    outcome = judge_gate([facts("error", case_id=each) for each in "abc"], terms(), raised)
    assert outcome.reason == "blocked: a, b, c and 1 more"


def test_default_policy_blocks_every_severity():
    assert set(GatePolicy().blocks) == {"low", "medium", "high", "critical"}


@pytest.mark.parametrize(
    ("reached", "policy", "effect"),
    [
        ("guard", {}, "pass"),
        ("netns", {}, "pass"),
        ("guard", {"isolation": "netns"}, "fail"),
        ("landlock", {"isolation": "netns"}, "fail"),
        ("none", {}, "fail"),
        ("none", {"isolation": "none"}, "pass"),
        ("external", {}, "fail"),
        ("external", {"isolation": "none"}, "fail"),
        ("external", {"external": True}, "pass"),
        ("", {"isolation": "none", "external": True}, "fail"),
        ("vacuum", {"isolation": "none"}, "fail"),
    ],
)
def test_pass_needs_the_isolation_of_the_policy(reached, policy, effect):
    traces = (TraceFacts(verdict="fixed", isolation=reached),)
    assert rule_case(facts(traces=traces), terms(**policy)).effect == effect


def test_weakest_isolation_of_the_traces_counts():
    traces = (TraceFacts(verdict="fixed", isolation="netns"), TraceFacts(verdict="fixed", isolation="guard"))
    ruling = rule_case(facts(traces=traces), terms(isolation="netns"))
    assert (ruling.effect, ruling.rule) == ("fail", "isolation-too-weak")
