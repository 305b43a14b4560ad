"""Signing a decision about a recovery: checked first, shown, signed, checked again, stored, logged."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cases import custody
from ..cases.custody import Act
from ..cases.decisions import DECIDED, DecisionEntry, log_entry
from ..cases.errors import ConfigError, EvidenceError
from ..cases.identity import whoami
from ..cases.library import CaseFolder
from ..reports.attestation import (
    APPROVALS,
    NAMESPACE,
    PAYLOAD_TYPE,
    Approver,
    DecisionWord,
    Predicate,
    open_envelope,
    pae,
    seal,
    statement_of,
)
from ..scorers.recovery import RecoveryReport
from .authority import Authority, authority_of
from .config import Project, load_project
from .recovery_files import SUFFIX, ReportFile, find_report, save_envelope
from .sign_off import DOUBLED, decision_refusal, judge, report_refusals, residual_risks, restrictions, subjects_of
from .situation import Decision, KeyCheck, Situation
from .ssh_keys import check, fingerprint, principals_of, public_key, sign
from .verifying import gather
from .version import VERSION


@dataclass(frozen=True, slots=True)
class SignRequest:
    """What somebody decides."""

    report: str
    """Id, folder or file of the report."""
    role: str
    key: Path
    """A private key, or the public key of one in an agent."""
    decision: DecisionWord = "approve"
    reason: str = ""
    conditions: tuple[str, ...] = ()
    expires: str = ""
    """A date, a time with its zone, or days such as ``30d``; by default as long as the policy allows."""
    principal: str = ""
    """Who signs; by default whose key it is."""
    supersedes: tuple[str, ...] = ()
    """Files, or starts of digests, of this person's earlier rejections or revocations."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is ready to be signed."""

    project: Project
    file: ReportFile
    authority: Authority
    situation: Situation
    key: Path
    said: Predicate
    body: bytes
    """The canonical statement."""

    @property
    def short_digest(self) -> str:
        """Start of the digest of the report, to compare with the page."""
        return self.file.sha256[:12]


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision that was signed and stored."""

    envelope: Path
    sha256: str
    said: Predicate


def draft(request: SignRequest, *, now: dt.datetime | None = None, start: Path | None = None) -> Draft:
    """Check everything about a decision that can be checked before it is signed.

    Args:
        request: The decision.
        now: The time it is made, in UTC; the current time by default.
        start: Folder to look for unrepeat.toml from; the current one by default.

    Raises:
        ConfigError: The decision cannot count, with the reason; or a file, key or value cannot be used.
        EvidenceError: The report is not one that can be decided about.
    """
    moment = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    project = load_project(start or Path.cwd())
    file = find_report(project, request.report)
    if project.file is None:
        project = load_project(file.folder)
    authority = authority_of(project)
    situation = gather(project, file, authority, file.report.environment, moment)
    _require_sound(situation, moment)
    _require_facts(request, situation, authority, moment)
    said = _predicate(request, project, situation, authority, moment)
    body = statement_of(subjects_of(file.report, file.sha256), said)
    prepared = Draft(project, file, authority, situation, request.key, said, body)
    presumed = KeyCheck(_own(request.key), NAMESPACE, True, _listed(request.key, said, authority), True, True, False)
    _require_countable(prepared, seal(body, b"", ""), presumed, moment)
    return prepared


def complete(prepared: Draft, *, now: dt.datetime | None = None) -> Signed:
    """Sign a decision, check the signature, store it beside the report and note it in the custody logs.

    Raises:
        ConfigError: The key cannot sign, or what it signs does not count.
        EvidenceError: A custody log cannot be written.
    """
    moment = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    message, said = pae(PAYLOAD_TYPE, prepared.body), prepared.said
    signature = sign(message, prepared.key)
    signed = _moment(said.signed_at)
    key = check(message, signature, said.approver.principal, prepared.authority.keys, then=signed, now=moment)
    envelope = seal(prepared.body, signature, key.fingerprint)
    _require_countable(prepared, envelope, key, moment)
    path = save_envelope(prepared.file.folder, envelope, said.approver.role)
    digest = hashlib.sha256(envelope).hexdigest()
    act = Act(who=whoami(), at=moment, tool=f"unrepeat {VERSION}", reason=said.reason)
    for case in prepared.file.report.cases:
        folder = CaseFolder(case.case_id, prepared.project.incidents / case.case_id)
        log_entry(folder, DECIDED, act, _details(prepared, digest))
    return Signed(path, digest, said)


def _details(prepared: Draft, envelope: str) -> dict[str, str]:
    report, said = prepared.file.report, prepared.said
    return {
        "envelope": envelope,
        "report_id": report.report_id,
        "report": prepared.file.sha256,
        "environment": report.environment,
        "system": report.system.sha256,
        "decision": said.decision,
        "principal": said.approver.principal,
        "role": said.approver.role,
    }


def _require_sound(situation: Situation, now: dt.datetime) -> None:
    refusals = report_refusals(situation, now)
    if refusals:
        first = refusals[0]
        raise EvidenceError(first.reason, where=first.where, hint=first.hint)


def _require_facts(request: SignRequest, situation: Situation, authority: Authority, now: dt.datetime) -> None:
    missing = judge(situation, authority.policy, authority.approvers, now).facts_missing
    if missing and request.decision in APPROVALS:
        raise ConfigError(
            "expected every fact that the severity demands, got none for:\n" + "\n".join(missing),
            where=situation.report.report_id,
            hint="",
        )


def _predicate(
    request: SignRequest, project: Project, situation: Situation, authority: Authority, now: dt.datetime
) -> Predicate:
    report = situation.report
    _require_words(request)
    principal = request.principal or _principal(request.key, authority)
    heads = {each.case_id: _head(project, each.case_id) for each in report.cases}
    return Predicate(
        report_id=report.report_id,
        incidents=tuple(each.case_id for each in report.cases),
        environment=report.environment,
        severity=report.severity,
        epoch=report.epoch,
        decision=request.decision,
        approver=Approver(principal=principal, role=request.role),
        reason=request.reason,
        conditions=request.conditions,
        residual_risk=residual_risks(report),
        restrictions=restrictions(report),
        supersedes=_superseded(request.supersedes, report, situation),
        custody=heads,
        signed_at=_text(now),
        expires_at=_expiry(request, authority, now),
        nonce=secrets.token_hex(16),
        tool=f"unrepeat {VERSION}",
    )


def _require_words(request: SignRequest) -> None:
    if request.decision not in APPROVALS and not request.reason.strip():
        raise ConfigError(f"expected a reason to {request.decision}, got none", where="--reason")
    conditional = request.decision == "approve-with-conditions"
    if conditional and not (request.conditions and request.expires):
        raise ConfigError(
            "expected conditions and the date at which the approval ends, got not both",
            where="--decision approve-with-conditions",
            hint="Add --condition TEXT and --expires DATE",
        )
    if request.conditions and not conditional:
        raise ConfigError(
            "expected no condition without --decision approve-with-conditions, got one", where="--condition"
        )


def _principal(key: Path, authority: Authority) -> str:
    names = principals_of(public_key(key), authority.keys)
    if len(names) == 1:
        return names[0]
    got = ", ".join(names) or "nobody"
    hint = (
        "Say who signs with --as"
        if names
        else "Add it there on the protected branch: ada@example.org ssh-ed25519 AAAA…"
    )
    raise ConfigError(
        f"expected the key of one person in {authority.keys.where}, got one of {got}", where=f"--key {key}", hint=hint
    )


def _own(key: Path) -> str:
    return fingerprint(public_key(key))


def _listed(key: Path, said: Predicate, authority: Authority) -> bool:
    from .allowed_signers import parse_allowed_signers

    own, who = public_key(key), said.approver.principal
    lines = parse_allowed_signers(authority.keys.allowed, authority.keys.where)
    return any(line.covers(who) and (line.key == own or line.is_authority) for line in lines)


def _head(project: Project, case_id: str) -> str:
    path = project.incidents / case_id / custody.FILE_NAME
    try:
        return custody.head(path.read_bytes())
    except OSError as error:
        raise EvidenceError(f"expected a custody log, got: {error.strerror}", where=str(path)) from None


def _superseded(starts: Sequence[str], report: RecoveryReport, situation: Situation) -> tuple[str, ...]:
    known = {each.envelope for each in report.earlier} | {each.envelope for each in situation.decisions}
    found = []
    for given in starts:
        start = Path(given).name.removesuffix(SUFFIX).rpartition("-")[2]  # the file itself is fine, too
        matches = [each for each in known if each.startswith(start)] if len(start) >= 8 else []
        if len(matches) != 1:
            raise ConfigError(
                f"expected the file or the digest (8 digits or more) of one earlier decision, got {given!r}",
                where="--supersedes",
                hint=f"`unrepeat verify {report.report_id}` names it",
            )
        found += matches
    return tuple(found)


def _expiry(request: SignRequest, authority: Authority, now: dt.datetime) -> str | None:
    if request.decision not in APPROVALS:
        return None
    longest = now + dt.timedelta(days=authority.policy.validity_days)
    if not request.expires:
        return _text(longest)
    days = re.fullmatch(r"([1-9]\d{0,3})d", request.expires)
    try:
        given = now + dt.timedelta(days=int(days[1])) if days else dt.datetime.fromisoformat(request.expires)
    except ValueError:
        told = f"expected a date such as 2026-01-31, or days such as 30d, got {request.expires!r}"
        raise ConfigError(told, where="--expires") from None
    end = given.astimezone(dt.UTC) if given.tzinfo else given.replace(tzinfo=dt.UTC)
    if not now < end <= longest:
        told = (
            f"expected a date in the next {authority.policy.validity_days} days (validity_days), got {request.expires}"
        )
        raise ConfigError(told, where="--expires")
    return _text(end)


def _require_countable(prepared: Draft, envelope: bytes, key: KeyCheck, now: dt.datetime) -> None:
    """Refuse a decision that would not count, as if it were stored and logged already."""
    said, digest = prepared.said, hashlib.sha256(envelope).hexdigest()
    details = _details(prepared, digest)
    entries = [
        DecisionEntry(case_id=each.case_id, at=said.signed_at, reason=said.reason, **details)
        for each in prepared.file.report.cases
    ]
    statement = open_envelope(envelope, "the decision").statement
    situation = replace(prepared.situation, logged=(*prepared.situation.logged, *entries))
    decision = Decision("the decision", digest, statement, key)
    refusal = decision_refusal(situation, decision, prepared.authority.policy, prepared.authority.approvers, now)
    if refusal is not None:
        raise ConfigError(
            f"expected a decision that counts, got one that does not: {refusal.reason}",
            where=prepared.file.report.report_id,
            hint=refusal.hint,
        )
    joined = judge(
        replace(situation, decisions=(*situation.decisions, decision)),
        prepared.authority.policy,
        prepared.authority.approvers,
        now,
    )
    doubled = next((each for each in joined.uncounted if each.rule in DOUBLED), None)
    if doubled is not None and said.decision in APPROVALS:
        raise ConfigError(
            f"expected another person in each role, got one in two: {doubled.reason}",
            where=prepared.file.report.report_id,
            hint=doubled.hint,
        )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
