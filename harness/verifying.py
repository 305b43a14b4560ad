"""Verifying recoveries, offline: gathers what is on disk, asks ssh-keygen, and lets ``harness.sign_off`` judge."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ..cases import custody, evidence
from ..cases.case import Case, load_case
from ..cases.decisions import DecisionEntry, ReportEntry, decisions_in, reports_in
from ..cases.errors import CaseError, ConfigError, EvidenceError
from ..cases.evidence import CASE, MANIFEST, TRACE
from ..cases.library import CaseFolder, find, list_cases
from ..cases.statement import statement_digest
from ..reports.attestation import MAX_BYTES, AttestationError, open_envelope
from ..scorers.sign_off_result import CheckedCase, Refusal, SignOff, Verification
from .authority import Authority, authority_of
from .config import Project, load_project
from .recovery_files import REPORT, ReportFile, envelopes, find_report, read_report
from .required_facts import missing_of
from .sign_off import judge
from .situation import CaseState, Decision, Situation
from .ssh_keys import check


def verify(
    names: Sequence[str] = (), *, environment: str = "", now: dt.datetime | None = None, start: Path | None = None
) -> Verification:
    """Verify reports, cases, or everything there is.

    Args:
        names: Ids or paths of reports and cases; every case, with its newest report, when empty.
        environment: The environment asked for; the one of ``[signoff]`` by default.
        now: The current time, in UTC.
        start: Folder to look for unrepeat.toml from; the current one by default.

    Raises:
        CaseError, ConfigError, EvidenceError: Something asked for is not there, or cannot be used.
    """
    project, moment = load_project(start or Path.cwd()), now or dt.datetime.now(dt.UTC)
    target = environment or project.config.signoff.environment
    checked: list[CheckedCase] = []
    reports: dict[Path, ReportFile] = {}
    for name in names:
        if _is_report(project, name):
            file = find_report(project, name)
            reports[file.folder.resolve()] = file
        else:
            checked.append(_checked(project, find(project.incidents, name), target, reports, asked=True))
    if not names:
        folders = list_cases(project.incidents)
        checked = [_checked(project, folder, target, reports, asked=False) for folder in folders]
        if not folders:
            raise CaseError("expected cases to verify, got none", where=str(project.incidents))
    authority = authority_of(project) if reports else None
    judged = [verify_report(project, file, authority, target, moment) for file in reports.values() if authority]
    return Verification(cases=tuple(checked), sign_offs=tuple(judged))


def _is_report(project: Project, name: str) -> bool:
    return any((path / REPORT).is_file() or path.name == REPORT for path in (Path(name), project.recoveries / name))


def _checked(
    project: Project, folder: CaseFolder, environment: str, reports: dict[Path, ReportFile], *, asked: bool
) -> CheckedCase:
    """Check the evidence of a case, and add its newest report to those to be judged."""
    problems = tuple(str(each) for each in evidence.verify(folder.path))
    status = "" if problems else load_case(folder.path / CASE).status
    newest = None if problems else newest_report(folder, environment)
    if newest is not None:
        file = report_of(project, newest)
        reports[file.folder.resolve()] = file
    needed = newest is None and not problems and (asked or status == "recovered")
    return CheckedCase(
        case_id=folder.id,
        status=status,
        report_id=newest.report_id if newest else "",
        problems=problems,
        unsigned=f"there is no recovery report for {environment}; run `unrepeat recovery {folder.id}`"
        if needed
        else "",
    )


def newest_report(folder: CaseFolder, environment: str) -> ReportEntry | None:
    """Return the newest report about a case in an environment, as its custody log says; None without any.

    Raises:
        EvidenceError: The log cannot be read.
    """
    found = [each for each in reports_in(folder.id, _entries(folder)) if each.environment == environment]
    return max(found, key=lambda each: each.epoch, default=None)


def report_of(project: Project, entry: ReportEntry) -> ReportFile:
    """Return the report that a custody log names.

    Raises:
        ConfigError: It is not where it was written.
    """
    folder = project.root / entry.path if entry.path else project.recoveries / entry.report_id
    if not (folder / REPORT).is_file():
        raise ConfigError(
            f"expected the report that the custody log of {entry.case_id} names, got none",
            where=str(folder / REPORT),
            hint="Restore it from version control, name where it lies, or make a new one with `unrepeat recovery`",
        )
    return read_report(folder)


def verify_report(
    project: Project, file: ReportFile, authority: Authority, environment: str, now: dt.datetime
) -> SignOff:
    """Return what sign-off of one report came to.

    Args:
        project: The project, for its cases.
        file: The report.
        authority: What it is judged by.
        environment: The environment asked for.
        now: The current time, in UTC.

    Raises:
        ConfigError: ssh-keygen is missing, or the file of keys is malformed.
    """
    situation = gather(project, file, authority, environment, now)
    return judge(situation, authority.policy, authority.approvers, now)


def gather(project: Project, file: ReportFile, authority: Authority, environment: str, now: dt.datetime) -> Situation:
    """Return what the rules look at; see ``verify_report``."""
    report = file.report
    folders = [CaseFolder(each.case_id, project.incidents / each.case_id) for each in report.cases]
    logged = [entry for folder in folders for entry in _decisions(folder, report.environment)]
    return Situation(
        report=report,
        report_sha256=file.sha256,
        page_sha256=file.page_digest(),
        policy_sha256=authority.policy_sha256,
        environment=environment,
        cases=tuple(_state(folder, report.environment) for folder in folders),
        decisions=tuple(read_decision(path, authority, now) for path in envelopes(file.folder)),
        logged=tuple(logged),
    )


def read_decision(path: Path, authority: Authority, now: dt.datetime) -> Decision:
    """Return one envelope with what ssh-keygen says about its signature.

    Raises:
        ConfigError: It cannot be read, ssh-keygen is missing, or the file of keys is malformed.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"expected a readable signature, got: {error.strerror}", where=str(path)) from None
    digest = hashlib.sha256(data).hexdigest()
    try:
        opened = open_envelope(data, path.name)
    except AttestationError as error:
        told = Refusal(rule=error.rule, where=path.name, reason=str(error), hint="Restore it from version control")
        return Decision(path.name, digest, unusable=told)
    said = opened.statement.predicate
    then = _moment(said.signed_at) or now
    key = check(opened.message, opened.signature, said.approver.principal, authority.keys, then=then, now=now)
    return Decision(path.name, digest, opened.statement, key)


def _moment(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None  # the rules refuse it


def _state(folder: CaseFolder, environment: str) -> CaseState:
    if not (folder.path / CASE).is_file():
        return CaseState(folder.id)
    problems = tuple(str(each) for each in evidence.verify(folder.path))
    try:
        case: Case = load_case(folder.path / CASE)
        found = digests_of(folder)
        entries = _entries(folder)
    except (CaseError, EvidenceError) as error:
        return CaseState(folder.id, problems=problems or (str(error),))
    return CaseState(
        case_id=folder.id,
        found=found,
        heads=frozenset({custody.GENESIS, *(entry.hash for entry in entries)}),
        problems=problems,
        severity=case.severity,
        facts_missing=tuple(f"{folder.id}: {each.key}: {each.reason}" for each in missing_of(case)),
        newest=newest_report(folder, environment),
    )


def digests_of(folder: CaseFolder) -> dict[str, str]:
    """Return the SHA-256 of what a case states, of its trace and of its evidence, as they are.

    Raises:
        CaseError, EvidenceError: A file cannot be read.
    """
    path, trace = folder.path / CASE, folder.path / TRACE
    return {
        "statement": statement_digest(path.read_bytes(), str(path)),
        "trace": evidence.digest_file(trace) if trace.is_file() else "",
        "evidence": evidence.digest_file(folder.path / MANIFEST),
    }


def _entries(folder: CaseFolder) -> list[custody.Entry]:
    path = folder.path / custody.FILE_NAME
    try:
        return custody.read(path.read_bytes())[0]
    except OSError as error:
        raise EvidenceError(f"expected a custody log, got: {error.strerror}", where=str(path)) from None


def _decisions(folder: CaseFolder, environment: str) -> list[DecisionEntry]:
    try:
        found = decisions_in(folder.id, _entries(folder))
    except EvidenceError:
        return []  # the state of the case says that its log is not there
    return [each for each in found if each.environment == environment]
