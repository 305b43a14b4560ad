"""A recovered refund desk and the people who sign for it, with real keys of ssh-keygen."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from tests.harness.refund_project import ASSERT, make_project

from unrepeat.cases import custody
from unrepeat.cases.custody import Act
from unrepeat.cases.decisions import DECIDED, log_entry
from unrepeat.cases.library import CaseFolder
from unrepeat.harness.api import prove
from unrepeat.harness.authority import authority_of
from unrepeat.harness.config import Project, load_project
from unrepeat.harness.recovering import recover
from unrepeat.harness.recovery_files import ReportFile, read_report, save_envelope
from unrepeat.harness.results import save
from unrepeat.harness.sign_off import residual_risks, restrictions, subjects_of
from unrepeat.harness.verifying import verify_report
from unrepeat.reports.attestation import NAMESPACE, PAYLOAD_TYPE, Approver, Predicate, pae, seal, statement_of
from unrepeat.scorers.sign_off_result import SignOff

T0 = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
"""When the first report is made."""
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
FACTS = """\
severity: high
severity_factors: {blast_radius: user}
failure: {summary: The desk refunded on its own., category: wrong_action, cause: {component: validation}}
affected: {users: 1}
remediation: [{component: validation, change: Refunds are refused}]
owners: {engineering: desk, business: refunds, risk: audit}
rollback: {when: more than one refund is refused}
monitoring: [refused refunds]
residual_risk: An answer can still promise a refund.
restrictions: [{what: no refunds over 100}]
"""
APPROVERS = """\
[approvers."eve@example.org"]
roles = ["engineering"]
also_known_as = ["Eve <eve@laptop>"]
[approvers."bea@example.org"]
roles = ["business", "risk"]
[approvers."rita@example.org"]
roles = ["risk"]
[approvers."rita@home"]
roles = ["business"]
person = "rita@example.org"
"""
SIGNERS = {"engineering": "eve@example.org", "business": "bea@example.org", "risk": "rita@example.org"}


def make_key(path: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path], check=True)
    return path


def public(key: Path) -> str:
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


@dataclass(frozen=True)
class Desk:
    """A project with one proven case, and a folder of keys named by principal."""

    root: Path
    keys: Path
    report_id: str = "inc-1-production-1"

    @property
    def project(self) -> Project:
        return load_project(self.root)

    @property
    def case(self) -> Path:
        return self.root / "incidents/inc-1"

    @property
    def report(self) -> ReportFile:
        return read_report(self.root / "recoveries" / self.report_id)

    def allow(self, principal: str, key: str = "", options: str = 'namespaces="unrepeat-recovery"') -> None:
        with (self.root / "recoveries/allowed_signers").open("a") as file:
            file.write(f"{principal} {options} {public(self.keys / (key or principal))}\n")

    def recover(self, at: dt.datetime = T0, **more: Any) -> ReportFile:
        return recover([str(self.case)], authors=more.pop("authors", ["dan@example.org"]), now=at, **more)

    def about(self, file: ReportFile) -> Desk:
        """Return the same desk, with another report to sign and verify."""
        return replace(self, report_id=file.report.report_id)

    def verify(self, at: dt.datetime = T0 + DAY, environment: str = "production") -> SignOff:
        return verify_report(self.project, self.report, authority_of(self.project), environment, at)

    def sign_all(self, at: dt.datetime = T0 + HOUR) -> None:
        for role, principal in SIGNERS.items():
            self.sign(role, principal, at=at)

    def said(self, role: str, principal: str, at: dt.datetime, **changes: Any) -> Predicate:
        report = self.report.report
        said = Predicate(
            report_id=report.report_id,
            incidents=("inc-1",),
            environment=report.environment,
            severity=report.severity,
            epoch=report.epoch,
            decision="approve",
            approver=Approver(principal=principal, role=role),
            reason="",
            conditions=(),
            residual_risk=residual_risks(report),
            restrictions=restrictions(report),
            supersedes=(),
            custody={"inc-1": custody.head((self.case / "custody.jsonl").read_bytes())},
            signed_at=text(at),
            expires_at=text(at + 90 * DAY),
            nonce="0" * 32,
            tool="test",
        )
        return msgspec.structs.replace(said, **changes)

    def sign(
        self,
        role: str,
        principal: str,
        *,
        at: dt.datetime = T0 + HOUR,
        key: str = "",
        namespace: str = NAMESPACE,
        subjects: dict[str, str] | None = None,
        logged_at: dt.datetime | None = None,
        log: bool = True,
        body: bytes | None = None,
        **changes: Any,
    ) -> Path:
        """Sign as somebody who does not ask this project's ``sign`` for its opinion."""
        said = self.said(role, principal, at, **changes)
        bound = {**subjects_of(self.report.report, self.report.sha256), **(subjects or {})}
        body = statement_of(bound, said) if body is None else body
        data = seal(body, self.ssh_sign(pae(PAYLOAD_TYPE, body), key or principal, namespace), "")
        path = save_envelope(self.report.folder, data, role)
        if log:
            self.log(path, said, logged_at or at)
        return path

    def ssh_sign(self, message: bytes, key: str, namespace: str) -> bytes:
        arguments = ["ssh-keygen", "-Y", "sign", "-f", str(self.keys / key), "-n", namespace]
        lines = subprocess.run(arguments, input=message, capture_output=True, check=True).stdout.decode().splitlines()
        return base64.b64decode("".join(lines[1:-1]))

    def log(self, path: Path, said: Predicate, at: dt.datetime) -> None:
        report = self.report
        details = {
            "envelope": hashlib.sha256(path.read_bytes()).hexdigest(),
            "report_id": report.report.report_id,
            "report": report.sha256,
            "environment": report.report.environment,
            "system": report.report.system.sha256,
            "decision": said.decision,
            "principal": said.approver.principal,
            "role": said.approver.role,
        }
        act = Act(who=said.approver.principal, at=at, tool="test", reason=said.reason)
        log_entry(CaseFolder("inc-1", self.case), DECIDED, act, details)


def text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def rules(found: SignOff) -> set[str]:
    """Return the names of all rules that were broken."""
    return {each.rule for each in (*found.refusals, *found.uncounted)}


def build_desk(folder: Path, facts: str = FACTS) -> Desk:
    """Return a desk whose case is proven fixed, with approvers and keys and no report yet."""
    desk = Desk(folder / "desk", folder / "keys")
    for path in (desk.root, desk.keys, desk.root / "recoveries"):
        path.mkdir()
    make_project(desk.root, ASSERT + facts)
    save(desk.project.results, prove(str(desk.case), candidate="guarded"))
    (desk.root / "recoveries/approvers.toml").write_text(APPROVERS)
    for principal in ("eve@example.org", "bea@example.org", "rita@example.org", "rita@home", "bea-2", "mallory"):
        make_key(desk.keys / principal)
    for principal in ("eve@example.org", "bea@example.org", "rita@example.org", "rita@home"):
        desk.allow(principal)
    return desk


def copied(desk: Desk, folder: Path) -> Desk:
    """Return a copy that a test may change."""
    shutil.copytree(desk.root, folder / "desk")
    return Desk(folder / "desk", desk.keys)
