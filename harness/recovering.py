"""Recovery reports: everything known about some fixed cases, put together for the people who decide."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases import custody, evidence
from ..cases.custody import Act, Entry, utc
from ..cases.decisions import REPORTED, DecisionEntry, ReportEntry, decisions_in, log_entry, reports_in
from ..cases.errors import CaseError, ConfigError, EvidenceError
from ..cases.identity import whoami
from ..cases.library import LoadedCase
from ..reports.canonical_json import canonical
from ..reports.secrets import without_secrets
from ..scorers.recovery import RECOVERY_FORMAT, EarlierDecision, RecoveryReport, Subject
from ..scorers.validations import validate
from ..scorers.verdict import CaseVerdict
from .authority import policy_digest
from .config import Project
from .proof import current_proof
from .recovered_case import describe
from .recovery_facts import confirmed, uncertain
from .recovery_files import ReportFile, read_report, write_report
from .replaying import locate
from .required_facts import missing_authors, missing_of, worst_severity
from .sign_off import case_set_digest
from .version import VERSION


@dataclass(frozen=True, slots=True)
class Proven:
    """A case, the run that proves it, and its custody log."""

    loaded: LoadedCase
    verdict: CaseVerdict
    entries: tuple[Entry, ...]


def recover(
    cases: Sequence[str],
    *,
    authors: Sequence[str] = (),
    environment: str = "",
    out: Path | None = None,
    now: dt.datetime | None = None,
) -> ReportFile:
    """Assemble a recovery report, write it, and note it in the custody log of each case.

    Args:
        cases: Ids or paths of the cases that are to be recovered together.
        authors: Who made the fix, as names or addresses.
        environment: What is to go back to normal; the one of ``[signoff]`` by default.
        out: The folder to make; below ``recoveries`` by default.
        now: The time of the report, in UTC; the current time by default.

    Returns:
        The report and where it lies.

    Raises:
        CaseError: A case is not proven fixed as it is, or the cases were proven on different systems.
        EvidenceError: The evidence of a case is not as it was left.
        ConfigError: The place cannot be written.
    """
    project, proven = _proven(cases)
    moment = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    target = environment or project.config.signoff.environment
    epoch = 1 + max((entry.epoch for each in proven for entry in _reports(each, target)), default=0)
    report = assemble(project, proven, authors=authors, environment=target, epoch=epoch, now=moment)
    data = _written(report)
    page = _page(data)
    folder = out or project.recoveries / report.report_id
    _refuse_unwritable(proven)
    write_report(folder, data, page)
    digest = hashlib.sha256(data).hexdigest()
    details = {
        "report_id": report.report_id,
        "sha256": digest,
        "environment": target,
        "epoch": epoch,
        "path": _inside(project, folder),
        "page": hashlib.sha256(page).hexdigest(),
    }
    act = Act(who=report.made_by, at=moment, tool=f"unrepeat {VERSION}")
    for each in proven:
        log_entry(each.loaded.folder, REPORTED, act, details)
    return read_report(folder)


def _proven(cases: Sequence[str]) -> tuple[Project, tuple[Proven, ...]]:
    found: dict[str, Proven] = {}
    project: Project | None = None
    for name in cases:
        project_, loaded = locate(name)
        if project is not None and project_.root != project.root:
            raise CaseError("expected cases of one project, got several", where=name)
        project = project_
        _check_evidence(loaded)
        entries, _ = custody.read((loaded.folder.path / custody.FILE_NAME).read_bytes())
        found[loaded.case.id] = Proven(loaded, current_proof(project_, loaded), tuple(entries))
    if project is None:
        raise CaseError("expected at least one case, got none")
    proven = tuple(found[case_id] for case_id in sorted(found))
    _require_one_system(proven)
    return project, proven


def _check_evidence(loaded: LoadedCase) -> None:
    problems = evidence.verify(loaded.folder.path)
    if problems:
        hint = "Restore the case from version control"
        raise EvidenceError(problems[0].message, where=f"{loaded.folder.path}/{problems[0].file}", hint=hint)


def _require_one_system(proven: Sequence[Proven]) -> None:
    digests = {each.verdict.candidate.digest if each.verdict.candidate else "" for each in proven}
    if digests == {""} or len(digests) != 1:
        told = ", ".join(
            f"{each.loaded.case.id} on {each.verdict.candidate.label if each.verdict.candidate else 'nothing'}"
            for each in proven
        )
        raise CaseError(
            f"expected every case proven on the same bytes of the system, got {told}",
            hint="Run `unrepeat prove` for each with the same --candidate",
        )


def _reports(each: Proven, environment: str) -> list[ReportEntry]:
    return [entry for entry in reports_in(each.loaded.case.id, each.entries) if entry.environment == environment]


def assemble(
    project: Project,
    proven: Sequence[Proven],
    *,
    authors: Sequence[str],
    environment: str,
    epoch: int,
    now: dt.datetime,
) -> RecoveryReport:
    """Return the report; nothing is written.

    Args:
        project: The project of the cases.
        proven: The cases with their proofs, in order of id.
        authors: Who made the fix.
        environment: What is to go back to normal.
        epoch: Number of the report.
        now: Its time, in UTC, to the second.
    """
    policy, verdicts = project.config.signoff, [each.verdict for each in proven]
    severity = worst_severity([each.loaded.case.severity for each in proven])
    described = tuple(describe(each.loaded, each.verdict) for each in proven)
    candidate = verdicts[0].candidate
    system = Subject(label=candidate.label, sha256=candidate.digest) if candidate else Subject(label="", sha256="")
    ids = [each.case_id for each in described]
    return RecoveryReport(
        format=RECOVERY_FORMAT,
        report_id=_report_id(ids, environment, epoch),
        epoch=epoch,
        environment=environment,
        created_at=utc(now),
        made_by=whoami(),
        tool_version=VERSION,
        asked=f"May {environment} go back to normal operation on {system.label}, after {_listed(ids)}?",
        severity=severity,
        required_roles=policy.roles_at(severity),
        four_eyes=policy.needs_four_eyes(severity),
        authors=tuple(dict.fromkeys(each.strip() for each in authors if each.strip())),
        validations=validate(verdicts),
        confirmed=tuple(fact for each in proven for fact in confirmed(each.loaded, each.verdict)),
        uncertain=tuple(fact for each in proven for fact in uncertain(each.loaded, each.verdict)),
        missing=(*(fact for each in proven for fact in missing_of(each.loaded.case)), *missing_authors(authors)),
        earlier=tuple(_earlier(proven, environment, system.sha256)),
        cases=described,
        system=system,
        tested_in=_tested_in(verdicts),
        digests={
            "case-set": case_set_digest(described),
            "gate-policy": policy_digest(project.config),
            "system-under-test": system.sha256,
        },
    )


def _report_id(ids: Sequence[str], environment: str, epoch: int) -> str:
    more = f"-and-{len(ids) - 1}-more" if len(ids) > 1 else ""
    return f"{ids[0]}{more}-{environment}-{epoch}"


def _listed(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"


def _earlier(proven: Sequence[Proven], environment: str, system: str) -> list[EarlierDecision]:
    """Return the rejections and revocations the custody logs know, each once."""
    found: dict[str, DecisionEntry] = {}
    for each in proven:
        for entry in decisions_in(each.loaded.case.id, each.entries):
            if entry.environment == environment and entry.decision in ("reject", "revoke"):
                found[entry.envelope] = entry
    return [
        EarlierDecision(
            report_id=entry.report_id,
            decision=entry.decision,
            principal=entry.principal,
            role=entry.role,
            at=entry.at,
            reason=entry.reason,
            same_system=entry.system == system,
            envelope=entry.envelope,
        )
        for entry in sorted(found.values(), key=lambda entry: entry.at)
    ]


def _tested_in(verdicts: Sequence[CaseVerdict]) -> dict[str, object]:
    replays = [trace.candidate.replay for verdict in verdicts for trace in verdict.traces if trace.candidate]
    return dict(replays[0].environment) if replays else {}


def _written(report: RecoveryReport) -> bytes:
    """Return the canonical bytes of a report, without credentials that a replay brought up."""
    data = canonical(report)
    cleaned = without_secrets(data)
    return data if cleaned == data else canonical(json.loads(cleaned))


def _page(data: bytes) -> bytes:
    from ..reports.recovery_page import render_recovery

    return render_recovery(data).encode()


def _inside(project: Project, folder: Path) -> str:
    path = os.path.relpath(folder.resolve(), project.root)
    return "" if path.startswith("..") else Path(path).as_posix()


def _refuse_unwritable(proven: Sequence[Proven]) -> None:
    for each in proven:
        if not os.access(each.loaded.folder.path, os.W_OK):
            raise ConfigError(
                "expected a case whose custody log can be written, got a read-only folder",
                where=str(each.loaded.folder.path),
                hint="A recovery report is noted there; run the command where you may write to it",
            )
