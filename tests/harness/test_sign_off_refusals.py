"""Every way in which a recovery is refused, with real keys, files and custody logs."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
from tests.harness.command_line import call
from tests.harness.people import DAY, HOUR, SIGNERS, T0, build_desk, copied, public, rules

from unrepeat.harness.sign_off import subjects_of
from unrepeat.reports.attestation import PREDICATE_TYPE, open_envelope, statement_of
from unrepeat.reports.canonical_json import canonical


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    desk = build_desk(tmp_path_factory.mktemp("people"))
    desk.recover()
    return desk


@pytest.fixture(scope="module")
def signed(reported, tmp_path_factory):
    desk = copied(reported, tmp_path_factory.mktemp("signed"))
    desk.sign_all()
    return desk


@pytest.fixture
def desk(reported, tmp_path):
    """A desk with a report that nobody has signed."""
    return copied(reported, tmp_path)


@pytest.fixture
def whole(signed, tmp_path):
    """A desk with a report that everybody has signed."""
    return copied(signed, tmp_path)


def but(desk, role, principal="", **how):
    """Let everybody sign properly, but one role in some other way, and return what that came to."""
    for other, usual in SIGNERS.items():
        if other != role:
            desk.sign(other, usual)
    desk.sign(role, principal or SIGNERS[role], **how)
    return desk.verify()


def test_everybody_signed(whole):
    assert (whole.verify().state, rules(whole.verify())) == ("signed", set())


def test_nobody_signed_yet(desk):
    found = desk.verify()
    assert (found.state, [role.role for role in found.roles if role.reason]) == ("missing", list(SIGNERS))


def test_a_signature_of_another_report_is_refused(desk):
    found = but(desk, "risk", report_id="inc-9-production-1")
    assert (found.state, rules(found)) == ("refused", {"another-report"})


def test_a_signature_moved_to_the_next_report_is_refused(whole):
    first = whole.report.folder
    second = whole.recover(T0 + DAY)
    (first / "signatures").rename(second.folder / "signatures")
    assert "another-report" in rules(whole.about(second).verify(T0 + 2 * DAY))


@pytest.mark.parametrize("name", ["case-set", "gate-policy", "system-under-test", "report"])
def test_a_signature_over_other_bytes_is_refused(desk, name):
    found = but(desk, "risk", subjects={name: "0" * 64})
    assert (found.state, rules(found)) == ("refused", {"report-changed" if name == "report" else "subjects-differ"})


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "low"},
        {"epoch": 7},
        {"environment": "staging"},
        {"residual_risk": {"inc-1": "none"}},
        {"restrictions": {}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_signature_that_says_something_else_is_refused(desk, changes):
    found = but(desk, "risk", **changes)
    assert (found.state, rules(found)) == ("refused", {"contradicts-report"})


def test_an_edited_report_is_refused(whole):
    report = json.loads(whole.report.path.read_bytes())
    report["asked"] = "May it go back?"
    whole.report.path.write_bytes(canonical(report))
    assert {"report-changed"} <= rules(whole.verify())


def test_an_edited_page_is_refused(whole):
    edit(whole.report.page, lambda data: data.replace(b"not tested", b"tested"))
    found = whole.verify()
    assert (found.state, rules(found)) == ("refused", {"page-changed"})


def test_a_page_that_is_not_there_shows_nobody_anything(whole):
    whole.report.page.unlink()
    assert whole.verify().state == "signed"


def test_a_changed_case_is_refused(whole):
    path = whole.case / "case.yaml"
    path.write_text(path.read_text().replace("can still promise", "cannot promise"))
    found = whole.verify()
    assert (found.state, rules(found)) == ("refused", {"case-changed"})


def test_a_lowered_severity_is_refused(whole):
    path = whole.case / "case.yaml"
    path.write_text(path.read_text().replace("severity: high", "severity: low"))
    assert rules(whole.verify()) == {"case-changed", "severity-differs"}


def test_a_changed_status_is_no_changed_case(whole):
    assert call("status", "inc-1", "fixed", cwd=whole.root).code == 0
    assert whole.verify().state == "signed"


def test_a_changed_trace_is_refused(whole):
    path = whole.case / "trace.json"
    path.write_bytes(path.read_bytes().replace(b"refund", b"rebate"))
    assert {"evidence-changed", "trace-changed"} <= rules(whole.verify())


def test_evidence_that_was_added_later_is_refused(whole):
    (whole.case / "evidence").mkdir()
    (whole.case / "evidence/note.txt").write_text("later")
    found = whole.verify()
    assert (found.state, rules(found)) == ("refused", {"evidence-changed"})


def test_a_changed_policy_is_refused(whole):
    (whole.root / "unrepeat.toml").write_text(
        (whole.root / "unrepeat.toml").read_text() + "[signoff]\nvalidity_days = 9\n"
    )
    assert {"policy-changed", "subjects-differ"} & rules(whole.verify()) == {"policy-changed"}


def test_a_missing_case_is_refused(whole):
    whole.case.rename(whole.root / "elsewhere")
    assert "case-missing" in rules(whole.verify())


def test_the_wrong_key_does_not_count(desk):
    found = but(desk, "risk", key="mallory")
    assert (found.state, rules(found)) == ("refused", {"wrong-key"})


def test_another_persons_key_does_not_count(desk):
    assert rules(but(desk, "risk", key="eve@example.org")) == {"wrong-key"}


def test_a_signature_for_another_purpose_is_refused(desk):
    found = but(desk, "risk", namespace="git")
    assert (found.state, rules(found)) == ("refused", {"wrong-namespace"})


def test_a_key_that_is_not_allowed_for_recoveries_does_not_count(desk):
    path = desk.root / "recoveries/allowed_signers"
    path.write_text(path.read_text().replace("unrepeat-recovery", "git"))
    assert "key-expired" in rules(but(desk, "risk"))


@pytest.mark.parametrize("as_list", [True, False], ids=["list of keys", "revocation list"])
def test_a_revoked_key_does_not_count(whole, as_list):
    key, path = whole.keys / "rita@example.org.pub", whole.root / "recoveries/revoked_keys"
    if as_list:
        path.write_text(key.read_text())
    else:
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", path, key], check=True)
    found = whole.verify()
    assert (found.state, rules(found)) == ("refused", {"key-revoked"})


def dated(desk, options):
    path = desk.root / "recoveries/allowed_signers"
    rest = [line for line in path.read_text().splitlines() if not line.startswith("rita@example.org ")]
    path.write_text("\n".join([*rest, f"rita@example.org {options} {public(desk.keys / 'rita@example.org')}", ""]))


def test_a_key_that_has_expired_since_does_not_count(whole):
    dated(whole, 'valid-before="20260302"')
    found = whole.verify(T0 + 3 * DAY)
    assert (found.state, rules(found)) == ("refused", {"key-expired"})


def test_a_signature_from_before_its_key_was_valid_is_back_dated(whole):
    dated(whole, 'valid-after="20260302"')
    assert rules(whole.verify(T0 + 3 * DAY)) == {"back-dated"}


def test_a_signature_from_after_its_key_expired_does_not_count(whole):
    dated(whole, 'valid-before="20260201"')
    assert rules(whole.verify()) == {"key-expired"}


def test_a_signature_from_before_the_report_is_back_dated(desk):
    found = but(desk, "risk", at=T0 - HOUR)
    assert (found.state, rules(found)) == ("refused", {"back-dated"})


def test_a_signature_logged_at_another_time_is_back_dated(desk):
    assert rules(but(desk, "risk", logged_at=T0 + 20 * HOUR)) == {"back-dated"}


def test_a_signature_from_the_future_does_not_count(desk):
    assert rules(but(desk, "risk", at=T0 + 2 * DAY)) == {"in-the-future"}


def test_an_approval_ends_at_its_date(whole):
    assert whole.verify(T0 + 89 * DAY).state == "signed"
    found = whole.verify(T0 + 91 * DAY)
    assert (found.state, rules(found)) == ("refused", {"expired"})


def test_an_approval_lasts_no_longer_than_the_policy_says(desk):
    found = but(desk, "risk", expires_at="2036-01-01T00:00:00Z")
    assert found.roles[2].expires_at == "2026-08-28T13:00:00Z"


def test_a_renewed_approval_takes_the_place_of_an_expired_one(desk):
    desk.sign_all()
    for role, principal in SIGNERS.items():
        desk.sign(role, principal, at=T0 + 80 * DAY)
    assert desk.verify(T0 + 100 * DAY).state == "signed"


def test_a_conditional_approval_without_conditions_is_refused(desk):
    assert rules(but(desk, "risk", decision="approve-with-conditions")) == {"malformed-statement"}


def test_conditions_are_named(desk):
    found = but(desk, "risk", decision="approve-with-conditions", conditions=("watch refunds",))
    assert (found.state, found.conditions) == ("signed", ("watch refunds",))


@pytest.mark.parametrize("author", ["rita@example.org", "Rita <RITA@example.org>", "rita@home"])
def test_an_author_of_the_fix_does_not_approve(desk, author):
    second = desk.recover(T0 + DAY, authors=[author])
    assert second.report.epoch == 2
    desk.about(second).sign_all(T0 + DAY + HOUR)
    found = desk.about(second).verify(T0 + 2 * DAY)
    assert (found.state, rules(found)) == ("refused", {"author"})


def test_a_role_that_is_not_held_does_not_count(desk):
    found = but(desk, "risk", "eve@example.org")
    assert (found.state, rules(found)) == ("refused", {"role-not-held"})


def test_a_stranger_is_no_approver(desk):
    desk.allow("mallory")
    assert rules(but(desk, "risk", "mallory")) == {"unknown-approver"}


def test_an_old_epoch_is_refused(whole):
    whole.recover(T0 + DAY)
    found = whole.verify(T0 + 2 * DAY)
    assert (found.state, rules(found)) == ("refused", {"old-epoch"})


def test_another_environment_is_refused(whole):
    assert rules(whole.verify(environment="staging")) == {"another-environment"}


def test_a_report_for_staging_leaves_production_alone(whole):
    staging = whole.recover(T0 + DAY, environment="staging")
    assert staging.report.report_id == "inc-1-staging-1"
    assert whole.verify(T0 + 2 * DAY).state == "signed"


@pytest.mark.parametrize("decision", ["reject", "revoke"])
def test_a_no_blocks(whole, decision):
    whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision=decision, reason="no alarm yet", expires_at=None)
    found = whole.verify()
    assert found.state == "refused"
    assert "no alarm yet" in next(each for each in found.refusals if each.rule == "veto").reason


def test_a_no_of_another_holder_of_the_role_blocks_too(whole):
    whole.sign("risk", "bea@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    assert rules(whole.verify()) == {"veto"}


def test_a_no_outlives_its_key(whole):
    whole.sign("risk", "bea@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    (whole.root / "recoveries/revoked_keys").write_text((whole.keys / "bea@example.org.pub").read_text())
    assert "veto" in rules(whole.verify())


def test_a_revoked_approval_does_not_count(whole):
    whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision="revoke", reason="wrong page", expires_at=None)
    assert "revoked-approval" in rules(whole.verify())


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_no_is_not_superseded_by_a_plain_yes(whole):
    whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    whole.sign("risk", "rita@example.org", at=T0 + 3 * HOUR)
    assert rules(whole.verify()) == {"veto"}


def test_a_no_is_superseded_by_name(whole):
    no = whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    whole.sign("risk", "rita@example.org", at=T0 + 3 * HOUR, supersedes=(digest(no),))
    assert whole.verify().state == "signed"


def test_a_no_is_not_superseded_by_somebody_else(whole):
    no = whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    whole.sign("risk", "bea@example.org", at=T0 + 3 * HOUR, supersedes=(digest(no),))
    assert "veto" in rules(whole.verify())


def test_a_new_report_is_no_way_around_a_no(desk):
    desk.sign("risk", "rita@example.org", decision="reject", reason="no", expires_at=None)
    second = desk.recover(T0 + DAY)
    desk.about(second).sign_all(T0 + DAY + HOUR)
    assert [each.principal for each in second.report.earlier] == ["rita@example.org"]
    assert rules(desk.about(second).verify(T0 + 2 * DAY)) == {"veto"}


def test_a_deleted_no_is_noticed(whole):
    no = whole.sign("risk", "rita@example.org", at=T0 + 2 * HOUR, decision="reject", reason="no", expires_at=None)
    no.unlink()
    assert "deleted-decision" in rules(whole.verify())


def test_a_no_cut_from_the_log_is_noticed_by_later_signatures(desk):
    no = desk.sign("risk", "bea@example.org", decision="reject", reason="no", expires_at=None)
    desk.sign_all(T0 + 2 * HOUR)
    no.unlink()
    log = desk.case / "custody.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-4]))
    for path in sorted((desk.report.folder / "signatures").iterdir()):
        desk.log(path, open_envelope(path.read_bytes(), path.name).statement.predicate, T0 + 2 * HOUR)
    assert rules(desk.verify()) == {"custody-rewritten"}


def test_a_log_cut_before_the_report_is_noticed(whole):
    log = whole.case / "custody.jsonl"
    log.write_bytes(b"")
    assert {"evidence-changed", "custody-rewritten"} <= rules(whole.verify())


def test_a_signature_the_log_does_not_know_does_not_count(desk):
    found = but(desk, "risk", log=False)
    assert (found.state, rules(found)) == ("refused", {"not-logged"})


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda data: data.replace(b'{"payload":', b'{"payload":"x","payload":'), "duplicate-keys"),
        (lambda data: data.replace(b'{"payload":', b'{"note":"approved by all","payload":'), "unsigned-fields"),
        (lambda data: data.replace(b'"keyid":', b'"cert":"","keyid":'), "unsigned-fields"),
        (lambda data: data + b"\n", "not-canonical"),
        (lambda data: b"{}", "not-an-envelope"),
        (lambda data: data[:-20], "not-an-envelope"),
    ],
    ids=["duplicate keys", "unsigned field", "unsigned field of a signature", "other spacing", "empty", "truncated"],
)
def test_an_edited_envelope_is_refused(whole, change, rule):
    edit(next((whole.report.folder / "signatures").glob("risk-*")), change)
    found = whole.verify()
    assert found.state == "refused"
    assert rule in rules(found)


def payload(desk, change):
    said = desk.said("risk", "rita@example.org", T0 + HOUR)
    return change(statement_of(subjects_of(desk.report.report, desk.report.sha256), said))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda body: body.replace(b'"epoch":1', b'"epoch":1,"epoch":1'), "duplicate-keys"),
        (lambda body: body.replace(PREDICATE_TYPE.encode(), b"https://slsa.dev/provenance/v1"), "unknown-predicate"),
        (lambda body: body.replace(b'"epoch":1', b'"epoch":1,"extra":1'), "not-canonical"),
        (lambda body: body.replace(b'"decision":"approve"', b'"decision":"maybe"'), "malformed-statement"),
        (lambda body: body.replace(b'"name":"case-set"', b'"name":"case_set"'), "malformed-statement"),
    ],
    ids=["duplicate keys", "unknown predicate", "unknown field", "unknown decision", "unknown subject"],
)
def test_a_strange_statement_is_refused_although_it_is_signed(desk, change, rule):
    found = but(desk, "risk", body=payload(desk, change))
    assert (found.state, rule in rules(found)) == ("refused", True)


def test_a_signature_moved_to_another_statement_is_forged(whole):
    folder = whole.report.folder / "signatures"
    risk, business = (json.loads(next(folder.glob(f"{role}-*")).read_bytes()) for role in ("risk", "business"))
    risk["signatures"] = business["signatures"]
    next(folder.glob("risk-*")).write_bytes(canonical(risk))
    assert "forged" in rules(whole.verify())


def test_one_person_in_two_roles_is_refused(desk):
    found = but(desk, "risk", "bea@example.org")
    assert (found.state, rules(found)) == ("refused", {"one-person-two-roles"})


def test_two_keys_of_one_person_are_one_person(desk):
    desk.allow("bea@example.org", "bea-2")
    found = but(desk, "risk", "bea@example.org", key="bea-2")
    assert (found.state, rules(found)) == ("refused", {"two-keys-one-person"})


def test_two_principals_of_one_person_are_one_person(desk):
    found = but(desk, "business", "rita@home")
    assert (found.state, rules(found)) == ("refused", {"two-keys-one-person"})


def test_one_key_of_two_principals_is_one_person(desk):
    path = desk.root / "recoveries/approvers.toml"
    path.write_text(path.read_text() + '[approvers."zoe@example.org"]\nroles = ["business"]\n')
    desk.allow("zoe@example.org", "rita@example.org")
    assert rules(but(desk, "business", "zoe@example.org", key="rita@example.org")) == {"two-keys-one-person"}


def test_whoever_may_fill_either_role_fills_the_one_that_is_open(desk):
    desk.sign("engineering", "eve@example.org")
    desk.sign("business", "bea@example.org")
    desk.sign("risk", "bea@example.org")
    desk.sign("risk", "rita@example.org")
    found = desk.verify()
    assert [role.principal for role in found.roles] == list(SIGNERS.values())
