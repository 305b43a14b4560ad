"""The rules alone, over values: nothing less than everything is ever signed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.decisions import DecisionEntry, ReportEntry
from unrepeat.harness.sign_off import author_among, case_set_digest, judge, subjects_of
from unrepeat.harness.sign_off_policy import Approver as Holder
from unrepeat.harness.sign_off_policy import Approvers, RolesBySeverity, SignOffPolicy
from unrepeat.harness.situation import CaseState, Decision, KeyCheck, Situation
from unrepeat.reports.attestation import (
    NAMESPACE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Approver,
    Bound,
    Digest,
    Predicate,
    Statement,
)
from unrepeat.scorers.recovery import RecoveredCase, RecoveryReport, Subject

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
MADE, SIGNED, LATER = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", "2026-06-01T00:00:00Z"
HEAD, REPORT_SHA = "h" * 64, "r" * 64
ROLES = ("engineering", "business", "risk")
PEOPLE = Approvers(approvers={role: Holder(roles=[role]) for role in ROLES})
POLICY = SignOffPolicy()
CASE_DIGESTS = {"statement": "s", "trace": "t", "evidence": "e", "custody": HEAD}


def report(**changes):
    case = RecoveredCase(
        case_id="inc-1", title="", kind="incident", severity="high", suggested_severity="", verdict="fixed",
        scope="recorded_action", reason="", run_id="", run_at="", baseline=Subject(label="", sha256=""),
        candidate=Subject(label="v2", sha256="sys"), assertions=(), traces=(), proves=(), not_proven=(),
        completeness=(), complete_share=1.0, unredacted=False, digests=CASE_DIGESTS, stated={"residual_risk": "some"},
    )  # fmt: skip
    digests = {"case-set": case_set_digest([case]), "gate-policy": "pol", "system-under-test": "sys"}
    plain = RecoveryReport(
        format=1, report_id="inc-1-production-1", epoch=1, environment="production", created_at=MADE, made_by="",
        tool_version="", asked="", severity="high", required_roles=ROLES, four_eyes=True, authors=("dan",),
        validations=(), confirmed=(), uncertain=(), missing=(), earlier=(), cases=(case,),
        system=Subject(label="v2", sha256="sys"), tested_in={}, digests=digests,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def decision(role, about=None, key=None, **changes):
    about = about or report()
    said = Predicate(
        report_id=about.report_id, incidents=("inc-1",), environment="production", severity="high", epoch=about.epoch,
        decision="approve", approver=Approver(principal=role, role=role), reason="", conditions=(),
        residual_risk={"inc-1": "some"}, restrictions={"inc-1": ()}, supersedes=(), custody={"inc-1": HEAD},
        signed_at=SIGNED, expires_at=LATER, nonce=role, tool="",
    )  # fmt: skip
    said = msgspec.structs.replace(said, **changes)
    subject = tuple(Bound(name=n, digest=Digest(sha256=d)) for n, d in subjects_of(about, REPORT_SHA).items())
    statement = Statement(type=STATEMENT_TYPE, subject=subject, predicate_type=PREDICATE_TYPE, predicate=said)
    good = KeyCheck(f"key of {said.approver.principal}", NAMESPACE, True, True, True, True, False)
    return Decision(f"{role}.dsse.json", f"{role}-{said.decision}", statement, key or good)


def entry(each):
    said = each.said
    return DecisionEntry(
        case_id="inc-1", envelope=each.envelope, report_id=said.report_id, report=REPORT_SHA, environment="production",
        system="sys", decision=said.decision, principal=said.approver.principal, role=said.approver.role,
        at=said.signed_at, reason=said.reason,
    )  # fmt: skip


def situation(decisions, about=None, state=None, **changes):
    about = about or report()
    newest = ReportEntry("inc-1", about.report_id, REPORT_SHA, "production", 1, "")
    found = {name: CASE_DIGESTS[name] for name in ("statement", "trace", "evidence")}
    state = state or CaseState("inc-1", found, frozenset({HEAD}), (), "high", (), newest)
    logged = tuple(entry(each) for each in decisions if each.statement)
    plain = Situation(about, REPORT_SHA, "", "pol", "production", (state,), tuple(decisions), logged)
    return dataclasses.replace(plain, **changes)


def judged(decisions, policy=POLICY, people=PEOPLE, now=NOW, **changes):
    return judge(situation(decisions, **changes), policy, people, now)


EVERYBODY = [decision(role) for role in ROLES]


def test_everybody_is_enough():
    assert judged(EVERYBODY).state == "signed"


@given(st.lists(st.sampled_from(EVERYBODY), unique_by=lambda each: each.envelope))
def test_signed_means_every_role(decisions):
    found = judged(decisions)
    assert (found.state == "signed") == (len(decisions) == len(ROLES))
    assert {each.role for each in found.roles if each.reason} == set(ROLES) - {
        each.said.approver.role for each in decisions
    }


@given(st.permutations(EVERYBODY))
def test_the_order_of_signatures_does_not_matter(decisions):
    assert judged(decisions).roles == judged(EVERYBODY).roles


KEY_FLAWS = {
    "namespace": "git",
    "authentic": False,
    "listed": False,
    "valid_then": False,
    "valid_now": False,
    "revoked": True,
}
flaws = st.dictionaries(st.sampled_from(sorted(KEY_FLAWS)), st.just(True), min_size=1)


@given(st.sampled_from(ROLES), flaws)
def test_no_flaw_of_a_key_is_overlooked(role, which):
    sound = decision(role)
    flawed = dataclasses.replace(sound, key=dataclasses.replace(sound.key, **{name: KEY_FLAWS[name] for name in which}))
    assert judged([*(each for each in EVERYBODY if each.said.approver.role != role), flawed]).state == "refused"


WORDS = {
    "report_id": "inc-2", "incidents": ("inc-2",), "environment": "staging", "severity": "low", "epoch": 2,
    "residual_risk": {}, "restrictions": {"inc-1": ("none",)}, "custody": {}, "signed_at": "2026-02-01T00:00:00Z",
    "expires_at": "2026-03-01T14:00:00Z", "approver": Approver(principal="engineering", role="risk"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WORDS))
def test_no_changed_word_of_a_decision_is_overlooked(name):
    others = [each for each in EVERYBODY if each.said.approver.role != "risk"]
    assert judged([*others, decision("risk", **{name: WORDS[name]})]).state == "refused"


STATES: dict[str, Any] = {
    "found": {}, "heads": frozenset(), "problems": ("trace.json: changed",), "severity": "critical", "newest": None,
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(STATES)), min_size=1))
def test_no_change_of_a_case_is_overlooked(names):
    newest = ReportEntry("inc-1", "inc-1-production-1", REPORT_SHA, "production", 1, "")
    found = {name: CASE_DIGESTS[name] for name in ("statement", "trace", "evidence")}
    sound = CaseState("inc-1", found, frozenset({HEAD}), (), "high", (), newest)
    changed = dataclasses.replace(sound, **{name: STATES[name] for name in names})
    assert judged(EVERYBODY, state=changed).state == "refused"


def test_a_missing_fact_holds():
    newest = ReportEntry("inc-1", "inc-1-production-1", REPORT_SHA, "production", 1, "")
    found = {name: CASE_DIGESTS[name] for name in ("statement", "trace", "evidence")}
    lacking = CaseState("inc-1", found, frozenset({HEAD}), (), "high", ("inc-1: rollback",), newest)
    assert judged(EVERYBODY, state=lacking).state == "missing"


@pytest.mark.parametrize(
    "changes", [{"policy_sha256": "other"}, {"environment": "staging"}, {"report_sha256": "x"}, {"cases": ()}]
)
def test_no_change_around_the_report_is_overlooked(changes):
    assert judged(EVERYBODY, **changes).state == "refused"


@pytest.mark.parametrize("word", ["still_failing", "cannot_judge", "cannot_reproduce", "error", ""])
def test_only_fixed_is_a_recovery(word):
    case = msgspec.structs.replace(report().cases[0], verdict=word)
    assert (
        judged([decision(role, report(cases=(case,))) for role in ROLES], about=report(cases=(case,))).state
        == "refused"
    )


def test_a_no_and_its_superseding():
    no = decision("risk", decision="reject", expires_at=None, nonce="no")
    assert judged([*EVERYBODY, no]).state == "refused"
    yes = decision("risk", supersedes=(no.envelope,))
    others = [each for each in EVERYBODY if each.said.approver.role != "risk"]
    assert judged([*others, no, yes]).state == "signed"


@pytest.mark.parametrize(("system", "state"), [("sys", "refused"), ("another", "signed")])
def test_an_earlier_no_blocks_the_same_system_only(system, state):
    earlier = DecisionEntry(
        "inc-1", "old", "inc-1-production-0", "o" * 64, "production", system, "reject", "risk", "risk", MADE, ""
    )
    what = situation(EVERYBODY)
    assert judge(dataclasses.replace(what, logged=(*what.logged, earlier)), POLICY, PEOPLE, NOW).state == state


def test_a_no_of_somebody_who_holds_no_required_role_does_not_block():
    no = decision("risk", decision="reject", expires_at=None, approver=Approver(principal="mallory", role="risk"))
    assert "veto" not in {each.rule for each in judged([*EVERYBODY, no]).refusals}


def test_a_log_with_a_strange_time_is_no_witness():
    what = situation(EVERYBODY)
    logged = tuple(dataclasses.replace(each, at="yesterday") for each in what.logged)
    found = judge(dataclasses.replace(what, logged=logged), POLICY, PEOPLE, NOW)
    assert {each.rule for each in found.uncounted} == {"back-dated"}


def test_a_revocation_is_superseded_by_name_within_the_same_second():
    no = decision("risk", decision="revoke", expires_at=None)
    yes = decision("risk", supersedes=(no.envelope,))
    others = [each for each in EVERYBODY if each.said.approver.role != "risk"]
    assert judged([*others, no, yes]).state == "signed"


@pytest.mark.parametrize("name", ["signed_at", "expires_at"])
@pytest.mark.parametrize(
    "time", ["", "soon", "2026-03-01", "2026-03-01T13:00:00+02:00", "9999-99-99T00:00:00Z", "2026-3-01T13:00:00Z"]
)
def test_a_strange_time_never_counts(name, time):
    others = [each for each in EVERYBODY if each.said.approver.role != "risk"]
    assert judged([*others, decision("risk", **{name: time})]).state == "refused"


def test_an_unreadable_envelope_refuses():
    assert judged([*EVERYBODY, Decision("x", "x")]).state == "refused"


holders = st.lists(st.sets(st.sampled_from(ROLES), min_size=1), min_size=1, max_size=4)


@given(holders)
def test_four_eyes_finds_different_people_exactly_when_there_are(held):
    people = Approvers(approvers={f"p{n}": Holder(roles=sorted(roles)) for n, roles in enumerate(held)})
    decisions = [
        dataclasses.replace(decision(role, approver=Approver(principal=f"p{n}", role=role)), envelope=f"{n}-{role}")
        for n, roles in enumerate(held)
        for role in sorted(roles)
    ]
    possible = any(
        all(role in held[n] for role, n in zip(ROLES, choice, strict=True))
        for choice in itertools.permutations(range(len(held)), len(ROLES))
    )
    assert (judged(decisions, people=people).state == "signed") == possible


def test_without_four_eyes_one_person_may_fill_every_role():
    people = Approvers(approvers={"ada": Holder(roles=list(ROLES))})
    decisions = [decision(role, approver=Approver(principal="ada", role=role)) for role in ROLES]
    assert judged(decisions, policy=SignOffPolicy(four_eyes=[]), people=people).state == "signed"


def test_a_severity_nobody_knows_asks_for_the_most():
    policy = SignOffPolicy(roles=RolesBySeverity(critical=["engineering", "board"]))
    assert (policy.roles_at(""), policy.needs_four_eyes("")) == (("engineering", "board"), True)


@pytest.mark.parametrize("author", ["ada", "ADA", "Somebody <ada>", "ada <x@y>"])
def test_an_author_is_known_by_any_name(author):
    assert author_among([author], frozenset({"ada"})) == author


def test_somebody_else_is_no_author():
    assert author_among(["bea", "Adam <a@x>"], frozenset({"ada"})) == ""
