"""``recovery``, ``sign``, ``verify`` and ``status recovered``, as people type them."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import shutil
import subprocess

import pytest
from tests.harness.command_line import call, command, environment, files_of, run
from tests.harness.people import FACTS, SIGNERS, build_desk, copied, make_key

from unrepeat.harness.api import prove
from unrepeat.harness.signatures import missing_signatures

REPORT = "inc-1-production-1"


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    return build_desk(tmp_path_factory.mktemp("people"))


@pytest.fixture
def desk(proven, tmp_path):
    return copied(proven, tmp_path)


def recovery(desk, *more):
    return call("recovery", "inc-1", "--author", "dan@example.org", *more, cwd=desk.root)


def sign(desk, role, principal="", *more, report=REPORT):
    key = desk.keys / (principal or SIGNERS[role])
    return call("sign", report, "--role", role, "--key", key, *more, cwd=desk.root)


def sign_all(desk):
    return [sign(desk, role).code for role in SIGNERS]


def test_from_proof_to_recovered(desk):
    assert call("status", "inc-1", "fixed", cwd=desk.root).code == 0
    assert recovery(desk).code == 0
    assert call("verify", "inc-1", cwd=desk.root).code == 10
    assert sign_all(desk) == [0, 0, 0]
    assert call("verify", "inc-1", cwd=desk.root).code == 0
    assert call("status", "inc-1", "recovered", cwd=desk.root).code == 0
    done = call("verify", cwd=desk.root)
    assert (done.code, "SIGNED until" in done.out) == (0, True)


def test_recovery_says_what_it_validates_and_what_comes_next(desk):
    done = recovery(desk)
    assert "integrations  tested" in done.out
    assert "human review  not tested" in done.out
    assert f"unrepeat sign {REPORT} --role engineering" in done.out


def test_recovery_writes_the_report_as_canonical_json_and_page(desk):
    told = recovery(desk, "--json").json
    folder = desk.root / "recoveries" / REPORT
    assert told["sha256"] == desk.report.sha256
    assert sorted(files_of(folder)) == ["recovery.html", "recovery.json"]


def test_recovery_can_be_written_elsewhere(desk):
    assert recovery(desk, "--out", "reports/first").code == 0
    assert call("verify", "inc-1", cwd=desk.root).code == 10
    assert call("verify", "reports/first", cwd=desk.root).code == 10


def test_recovery_needs_a_proof(desk):
    (desk.root / ".unrepeat").rename(desk.root / "kept")
    done = recovery(desk)
    assert (done.code, "unrepeat prove inc-1" in done.err) == (2, True)


def test_recovery_needs_a_proof_of_the_case_as_it_is(desk):
    path = desk.case / "case.yaml"
    path.write_text(path.read_text().replace("not-tool-called, tool: refund", "not-tool-called, tool: refunds"))
    done = recovery(desk)
    assert (done.code, "before its case changed" in done.err) == (2, True)


def test_recovery_refuses_changed_evidence(desk):
    (desk.case / "evidence").mkdir()
    (desk.case / "evidence/more.txt").write_text("x")
    assert recovery(desk).code == 2
    assert not list((desk.root / "recoveries").glob("inc*"))


def test_a_place_that_is_no_folder_leaves_the_case_as_it_was(desk):
    (desk.root / "taken").write_text("")
    before = files_of(desk.case)
    done = recovery(desk, "--out", "taken/report")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert files_of(desk.case) == before


@pytest.mark.parametrize("lack", ["residual_risk", "rollback", "monitoring", "affected", "severity_factors"])
def test_a_fact_the_severity_demands_is_named_and_keeps_everybody_from_approving(tmp_path, lack):
    facts = "".join(line for line in FACTS.splitlines(keepends=True) if not line.startswith(lack))
    desk = build_desk(tmp_path, facts)
    assert f"inc-1 {lack}" in recovery(desk).out
    done = sign(desk, "risk")
    assert (done.code, lack in done.err) == (2, True)
    assert sign(desk, "risk", "", "--decision", "reject", "--reason", f"no {lack}").code == 0


def test_a_fact_that_is_missing_holds_verify_too(tmp_path):
    desk = build_desk(tmp_path, FACTS.replace("monitoring: [refused refunds]\n", ""))
    recovery(desk)
    desk.sign_all(dt.datetime.now(dt.UTC).replace(microsecond=0))
    done = call("verify", REPORT, "--json", cwd=desk.root)
    assert (done.code, done.json["state"]) == (10, "missing")
    assert "monitoring" in done.json["sign_offs"][0]["facts_missing"][0]


def test_a_report_without_authors_cannot_be_approved(desk):
    assert call("recovery", "inc-1", cwd=desk.root).code == 0
    done = sign(desk, "risk")
    assert (done.code, "--author" in done.err) == (2, True)


def test_what_is_signed_is_shown_first(desk):
    recovery(desk)
    done = sign(desk, "risk")
    assert desk.report.sha256[:12] in done.err
    assert "An answer can still promise a refund." in done.err
    assert "no refunds over 100" in done.err


def test_a_signature_is_noted_in_custody(desk):
    recovery(desk)
    told = sign(desk, "risk", "", "--json").json
    last = json.loads((desk.case / "custody.jsonl").read_text().splitlines()[-1])
    assert (last["action"], last["details"]["envelope"]) == ("recovery-decided", told["sha256"])
    assert told["predicate"]["approver"] == {"principal": "rita@example.org", "role": "risk"}


def refused(desk, *words, said):
    """Check that a signature is refused with exit code 2, in words, and leaves everything as it was."""
    before = files_of(desk.root)
    done = call("sign", REPORT, *words, cwd=desk.root)
    assert (done.code, said in done.err, "Traceback" in done.err) == (2, True, False), done.err
    assert files_of(desk.root) == before


def test_a_role_that_is_not_held_is_refused(desk):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "eve@example.org", said="does not hold the role risk")


def test_an_author_is_refused(desk):
    recovery(desk, "--author", "Rita <rita@example.org>")
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", said="is an author of the fix")


def test_a_second_role_is_refused_with_four_eyes(desk):
    recovery(desk)
    assert sign(desk, "business").code == 0
    refused(desk, "--role", "risk", "--key", desk.keys / "bea@example.org", said="that is one person")


def test_a_key_nobody_knows_is_refused(desk):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "mallory", said="one of nobody")


def test_somebody_elses_name_is_refused(desk):
    recovery(desk)
    words = ("--role", "risk", "--key", desk.keys / "eve@example.org", "--as", "rita@example.org")
    refused(desk, *words, said="is not one of rita@example.org")


def test_a_key_that_has_expired_is_refused(desk):
    path = desk.root / "recoveries/allowed_signers"
    path.write_text(path.read_text().replace("rita@example.org ", 'rita@example.org valid-before="20200101",'))
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", said="not valid")


def test_a_missing_key_is_refused(desk):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "nobody", said="expected a readable SSH key")


def test_a_key_with_a_passphrase_and_no_agent_is_refused(desk, tmp_path):
    recovery(desk)
    key = make_key(tmp_path / "locked", passphrase="secret")
    desk.allow("rita@example.org", str(key))
    refused(desk, "--role", "risk", "--key", key, said="ssh-add")


def test_a_rejection_needs_a_reason(desk):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", "--decision", "reject", said="--reason")


@pytest.mark.parametrize("more", [(), ("--condition", "watch"), ("--expires", "2030-01-01")])
def test_a_conditional_approval_needs_conditions_and_a_date(desk, more):
    recovery(desk)
    words = ("--role", "risk", "--key", desk.keys / "rita@example.org", "--decision", "approve-with-conditions")
    refused(desk, *words, *more, said="--condition TEXT and --expires DATE")


@pytest.mark.parametrize("date", ["2020-01-01", "2999-01-01", "soon"])
def test_an_end_that_is_no_date_ahead_is_refused(desk, date):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", "--expires", date, said="--expires")


def test_a_report_that_is_not_there_is_refused(desk):
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", said="unrepeat recovery CASE")


@pytest.mark.parametrize("name", ["approvers.toml", "allowed_signers"])
def test_a_file_of_people_that_is_not_there_is_named(desk, name):
    recovery(desk)
    (desk.root / "recoveries" / name).unlink()
    for done in (sign(desk, "risk"), call("verify", "inc-1", cwd=desk.root)):
        assert (done.code, name in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("approvers.toml", "[approvers.x]\nrolls = []\n"),
        ("approvers.toml", "not toml"),
        ("allowed_signers", "rita@example.org\n"),
        ("allowed_signers", "rita@example.org ssh-ed25519 AAAA\n"),
    ],
)
def test_a_malformed_file_of_people_is_named(desk, name, text):
    recovery(desk)
    (desk.root / "recoveries" / name).write_text(text)
    desk.sign("risk", "rita@example.org")
    done = call("verify", "inc-1", cwd=desk.root)
    assert (done.code, name in done.err, "Traceback" in done.err) == (2, True, False)


def test_without_ssh_keygen_it_says_what_to_install(desk, tmp_path):
    recovery(desk)
    desk.sign("risk", "rita@example.org")
    done = call("verify", "inc-1", cwd=desk.root, PATH=str(tmp_path))
    assert (done.code, "OpenSSH" in done.err) == (2, True)


def test_a_deleted_report_is_noticed(desk):
    recovery(desk)
    (desk.root / "recoveries" / REPORT / "recovery.json").unlink()
    done = call("verify", "inc-1", cwd=desk.root)
    assert (done.code, "custody log" in done.err) == (2, True)


def test_a_report_edited_by_hand_is_refused(desk):
    recovery(desk)
    path = desk.root / "recoveries" / REPORT / "recovery.json"
    path.write_bytes(path.read_bytes() + b"\n")
    done = call("verify", "inc-1", cwd=desk.root)
    assert (done.code, "canonical" in done.err) == (2, True)


def test_verify_without_names_checks_every_case(desk):
    done = call("verify", cwd=desk.root)
    assert (done.code, "no recovery report" in done.out) == (0, True)
    (desk.case / "trace.json").write_text("{}")
    assert call("verify", cwd=desk.root).code == 1


def test_verify_of_a_case_without_a_report_waits_for_one(desk):
    done = call("verify", "inc-1", cwd=desk.root)
    assert (done.code, "unrepeat recovery inc-1" in done.out) == (10, True)


def test_a_rejection_refuses_and_says_how_to_supersede_it(desk):
    recovery(desk)
    sign_all(desk)
    no = sign(desk, "risk", "", "--decision", "reject", "--reason", "no alarm", "--json").json["sha256"]
    done = call("verify", "inc-1", cwd=desk.root)
    assert (done.code, f"--supersedes {no[:12]}" in done.out) == (1, True)
    assert sign(desk, "risk", "", "--supersedes", no[:12]).code == 0
    assert call("verify", "inc-1", cwd=desk.root).code == 0


def test_recovered_needs_every_signature(desk):
    call("status", "inc-1", "fixed", cwd=desk.root)
    recovery(desk)
    assert sign(desk, "risk").code == 0
    done = call("status", "inc-1", "recovered", cwd=desk.root)
    assert (done.code, "nobody has signed as engineering" in done.err) == (2, True)


def test_recovered_comes_after_fixed(desk):
    recovery(desk)
    sign_all(desk)
    assert call("status", "inc-1", "recovered", cwd=desk.root).code == 2


def test_a_signature_works_in_a_process_of_its_own(desk):
    recovery(desk)
    done = run("sign", REPORT, "--role", "risk", "--key", desk.keys / "rita@example.org", cwd=desk.root)
    assert (done.code, done.err.count("Traceback")) == (0, 0)


def test_text_of_a_case_gives_no_orders(tmp_path):
    facts = FACTS.replace("An answer can still promise a refund.", "'::error::no ##[group] \u200b here'")
    desk = build_desk(tmp_path, facts)
    recovery(desk)
    done = sign(desk, "risk")
    assert done.code == 0
    assert not any(line.lstrip().startswith("::") for line in (done.out + done.err).splitlines())
    assert "##[" not in done.err


def test_signing_the_working_tree_does_not_change_what_is_signed(desk):
    shutil.copy(desk.root / "guarded/app.py", desk.root / "app.py")
    assert call("prove", "inc-1", cwd=desk.root).code == 0
    call("status", "inc-1", "fixed", cwd=desk.root)
    assert recovery(desk).code == 0
    sign_all(desk)
    again = prove(str(desk.case))
    now = dt.datetime.now(dt.UTC)
    assert missing_signatures(desk.project, [again], now=now) == {"inc-1": ()}


def test_cases_proven_on_different_systems_are_not_recovered_together(desk):
    shutil.copytree(desk.case, desk.root / "incidents/inc-2")
    path = desk.root / "incidents/inc-2/case.yaml"
    path.write_text(path.read_text().replace("id: inc-1", "id: inc-2"))
    assert call("prove", "inc-2", "--candidate", "early", cwd=desk.root).code == 0
    done = call("recovery", "inc-1", "inc-2", cwd=desk.root)
    assert (done.code, "inc-1 on guarded, inc-2 on early" in done.err) == (2, True)
    assert call("prove", "inc-2", "--candidate", "guarded", cwd=desk.root).code == 0
    done = call("recovery", "INC-2", "inc-1", "--author", "dan@example.org", "--json", cwd=desk.root)
    assert done.json["report_id"] == "inc-1-and-1-more-production-1"
    assert call("verify", "inc-2", cwd=desk.root).code == 10


def test_an_end_can_be_given_in_days(desk):
    recovery(desk)
    said = sign(desk, "risk", "", "--expires", "30d", "--json").json["predicate"]
    lasts = dt.datetime.fromisoformat(said["expires_at"]) - dt.datetime.fromisoformat(said["signed_at"])
    assert lasts == dt.timedelta(days=30)


def test_an_earlier_no_can_be_named_by_its_file(desk):
    recovery(desk)
    no = sign(desk, "risk", "", "--decision", "reject", "--reason", "no", "--json").json["envelope"]
    assert sign(desk, "risk", "", "--supersedes", no).code == 0


@pytest.mark.parametrize("start", ["0" * 12, "ab", ""])
def test_a_no_that_is_not_there_cannot_be_superseded(desk, start):
    recovery(desk)
    refused(desk, "--role", "risk", "--key", desk.keys / "rita@example.org", "--supersedes", start, said="--supersedes")


def test_the_next_command_names_an_unusual_environment(desk):
    assert recovery(desk, "--environment", "staging").code == 0
    done = sign(desk, "risk", report="inc-1-staging-1")
    assert "unrepeat verify inc-1-staging-1 --environment staging" in done.out
    assert call("verify", "inc-1-staging-1", cwd=desk.root).code == 1
    assert call("verify", "inc-1-staging-1", "--environment", "staging", cwd=desk.root).code == 10


@pytest.mark.parametrize(("answer", "signed"), [(b"y\n", 1), (b"n\n", 0)])
def test_at_a_terminal_it_asks_first(desk, answer, signed):
    recovery(desk)
    ours, theirs = pty.openpty()
    try:
        words = command("sign", REPORT, "--role", "risk", "--key", desk.keys / "rita@example.org")
        started = subprocess.Popen(
            words, cwd=desk.root, env=environment(), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        os.write(ours, answer)
        _, told = started.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"Sign this?" in told
    assert len(list((desk.root / "recoveries" / REPORT).glob("signatures/*"))) == signed


def test_two_reports_at_once_do_not_share_a_name(desk):
    words = command("recovery", "inc-1", "--author", "dan@example.org")
    running = [
        subprocess.Popen(words, cwd=desk.root, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    ended = [(each.communicate(timeout=60)[1].decode(), each.returncode) for each in running]
    assert sorted(code for _, code in ended) in ([0, 0], [0, 2])
    assert all("Traceback" not in told for told, _ in ended)
    assert call("verify", "inc-1", cwd=desk.root).code == 10
