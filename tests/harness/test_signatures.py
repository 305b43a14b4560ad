"""What a gate is told: a case is approved when people signed a report that this very run reproduces."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest
from tests.harness.command_line import call
from tests.harness.people import DAY, T0, build_desk, copied, rules

from unrepeat.harness.api import prove
from unrepeat.harness.authority import authority_from, authority_of
from unrepeat.harness.config import parsed
from unrepeat.harness.gating import GateRequest, run_gate
from unrepeat.harness.signatures import missing_signatures


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    desk = build_desk(tmp_path_factory.mktemp("people"))
    desk.recover()
    desk.sign_all()
    return desk


@pytest.fixture(scope="module")
def verdict(signed):
    return prove(str(signed.case), candidate="guarded")


@pytest.fixture
def desk(signed, tmp_path):
    return copied(signed, tmp_path)


def reasons(desk, verdict, **more):
    return missing_signatures(desk.project, [verdict], now=T0 + DAY, **more)["inc-1"]


def test_a_run_of_what_was_signed_is_approved(desk, verdict):
    assert reasons(desk, verdict) == ()


def test_a_run_after_the_status_changed_is_approved_too(desk):
    assert call("status", "inc-1", "fixed", cwd=desk.root).code == 0
    assert reasons(desk, prove(str(desk.case), candidate="guarded")) == ()


def test_a_run_of_another_system_is_not(desk):
    other = prove(str(desk.case), candidate="early")
    assert any("this run is about" in each for each in reasons(desk, other))


@pytest.mark.parametrize("changes", [{"verdict": "cannot_judge"}, {"scope": None}, {"scope": "whole_run"}])
def test_a_run_with_another_verdict_or_scope_is_not(desk, verdict, changes):
    assert any("this run says" in each for each in reasons(desk, msgspec.structs.replace(verdict, **changes)))


@pytest.mark.parametrize("name", ["case", "trace", "evidence"])
def test_a_run_of_another_case_is_not(desk, verdict, name):
    other = msgspec.structs.replace(verdict, digests={**verdict.digests, name: "0" * 64})
    assert any("is not what was signed" in each for each in reasons(desk, other))


def test_a_run_without_a_candidate_is_not(desk, verdict):
    assert reasons(desk, msgspec.structs.replace(verdict, candidate=None))


def test_a_case_without_a_report_is_not(tmp_path):
    desk = build_desk(tmp_path)
    told = reasons(desk, prove(str(desk.case), candidate="guarded"))
    assert told == ("there is no recovery report for production; run `unrepeat recovery inc-1`",)


def test_a_missing_role_is_named(tmp_path, verdict):
    desk = build_desk(tmp_path)
    desk.recover()
    desk.sign("business", "bea@example.org")
    told = reasons(desk, prove(str(desk.case), candidate="guarded"))
    assert [each.partition(":")[0] for each in told] == ["engineering", "risk"]


def base(desk, **files):
    """The authority of a base revision in which some files read otherwise."""
    config = parsed((desk.root / "unrepeat.toml").read_text(), desk.root / "unrepeat.toml")

    def read(path):
        place = desk.root / path
        return files.get(place.stem, place.read_bytes() if place.is_file() else None)

    return authority_from(config, read)


def test_the_base_revision_decides_who_may_sign(desk, verdict):
    assert reasons(desk, verdict, authority=base(desk)) == ()
    nobody = base(desk, approvers=b"")
    assert any("is no approver" in each for each in reasons(desk, verdict, authority=nobody))
    assert any("is not one of" in each for each in reasons(desk, verdict, authority=base(desk, allowed_signers=b"")))


def test_a_change_cannot_name_its_own_approvers(desk, verdict):
    trusted = authority_of(desk.project)
    (desk.root / "unrepeat.toml").write_text(
        (desk.root / "unrepeat.toml").read_text() + '[signoff]\nroles.high = ["engineering"]\nfour_eyes = []\n'
    )
    assert reasons(desk, verdict, authority=trusted) == ()
    assert "policy-changed" in rules(desk.verify())


def test_policy_digest_is_about_what_is_stated(desk):
    plain = authority_of(desk.project).policy_sha256
    text = (desk.root / "unrepeat.toml").read_text()
    (desk.root / "unrepeat.toml").write_text(text + "[signoff]\nvalidity_days = 180\n")
    assert authority_of(desk.project).policy_sha256 == plain
    (desk.root / "unrepeat.toml").write_text(text + "[signoff]\nvalidity_days = 181\n")
    assert authority_of(desk.project).policy_sha256 != plain


def recovered(desk, **more):
    request = GateRequest(cases=["inc-1"], claim="recovered", candidate="guarded", **more)
    return run_gate(request, start=desk.root, now=lambda: T0 + DAY).result


def test_gate_passes_once_every_role_has_signed_what_it_ran(desk):
    result = recovered(desk)
    assert (result.exit_code, result.cases[0].rule) == (0, "fixed")


def test_gate_holds_until_then(tmp_path):
    desk = build_desk(tmp_path)
    desk.recover()
    desk.sign("business", "bea@example.org")
    result = recovered(desk)
    assert (result.exit_code, result.cases[0].rule) == (10, "unsigned")


def test_gate_holds_on_a_case_of_another_folder(desk):
    copy = desk.root / "elsewhere/inc-1"
    shutil.move(desk.case, copy)
    request = GateRequest(cases=[str(copy)], claim="recovered", candidate="guarded")
    result = run_gate(request, start=desk.root, now=lambda: T0 + DAY).result
    assert (result.exit_code, result.cases[0].rule) == (10, "signatures-not-checked")


def test_gate_takes_the_approvers_of_the_base_revision(desk):
    git = ["git", "-C", str(desk.root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "base"]):
        subprocess.run([*git, *words], check=True)
    (desk.root / "recoveries/approvers.toml").write_text("")  # nobody may sign, says the change under review
    assert recovered(desk, base="HEAD").exit_code == 0
