"""Sign-off for a gate: which of the cases it ran are approved, by the people the policy asks for, as they ran."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ..cases.evidence import CASE
from ..cases.library import CaseFolder, list_cases
from ..cases.statement import digests_by_status
from ..scorers.verdict import CaseVerdict
from .authority import Authority, authority_of
from .config import Project
from .sign_off import reproduction_refusals
from .situation import Reproduced
from .verifying import digests_of, newest_report, report_of, verify_report


def missing_signatures(
    project: Project,
    verdicts: Iterable[CaseVerdict],
    *,
    now: dt.datetime,
    authority: Authority | None = None,
    environment: str = "",
) -> dict[str, tuple[str, ...]]:
    """Return why each case lacks sign-off; an empty tuple where it has it.

    A case has it when every required role has signed a report that this run reproduces: the same case, policy and
    system bytes, the same verdict and scope.

    Args:
        project: The project the cases are in.
        verdicts: What this run came to, one a case.
        now: The current time, in UTC.
        authority: Policy, approvers and keys of the protected base revision (``authority.authority_from``); those
            of the working tree by default.
        environment: What the release goes to; the one of the policy by default.

    Returns:
        Reasons by case id, in sentences without trace text. A case that is not among the project's own incidents is
        not in it: reports are about those, so that its signatures cannot be checked.

    Raises:
        CaseError, ConfigError, EvidenceError: A case, a report, or a file about approvers cannot be used.
    """
    trusted = authority or authority_of(project)
    target = environment or trusted.policy.environment
    own = {folder.id: folder for folder in list_cases(project.incidents)}
    return {
        each.case_id: _reasons(project, own[each.case_id], each, trusted, target, now)
        for each in verdicts
        if each.case_id in own
    }


def _reasons(
    project: Project,
    folder: CaseFolder,
    verdict: CaseVerdict,
    authority: Authority,
    environment: str,
    now: dt.datetime,
) -> tuple[str, ...]:
    newest = newest_report(folder, environment)
    if newest is None:
        told = f"there is no recovery report for {environment}"
        return (f"{told}; run `unrepeat recovery {verdict.case_id}`",)
    file = report_of(project, newest)
    signed = verify_report(project, file, authority, environment, now)
    return signed.reasons + reproduction_refusals(file.report, _reproduced(folder, verdict))


def _reproduced(folder: CaseFolder, verdict: CaseVerdict) -> Reproduced:
    """Return what a run shows; a run about another state of the case shows nothing about this one."""
    path = folder.path / CASE
    found = digests_of(folder)
    ran = {name: verdict.digests.get(name, "") for name in ("trace", "evidence")}
    same = verdict.digests.get("case") in digests_by_status(path.read_bytes(), str(path))
    return Reproduced(
        case_id=verdict.case_id,
        verdict=verdict.verdict,
        scope=verdict.scope or "",
        system=verdict.candidate.digest if verdict.candidate else "",
        digests={**ran, "statement": found["statement"] if same else "of another state of the case"},
    )
