"""The life of a case, as commands change it: a status that claims a proof needs that proof."""

from __future__ import annotations

import datetime as dt

from ..cases.case import Case
from ..cases.custody import Act
from ..cases.errors import CaseError
from ..cases.identity import whoami
from ..cases.library import update_status
from ..cases.lifecycle import check_transition
from ..cases.vocabulary import Status
from .authority import authority_of
from .proof import current_proof
from .replaying import Plan, plan
from .verifying import newest_report, report_of, verify_report
from .version import VERSION


def move_on(case: str, status: Status, *, owner: str = "", reason: str = "", now: dt.datetime | None = None) -> Case:
    """Change the status of a case.

    Args:
        case: Id or path.
        status: The new status.
        owner: Who answers for retiring or reopening.
        reason: Why; goes into the custody log.
        now: The time of the custody entry, in UTC; the current time by default.

    Returns:
        The case as it now is.

    Raises:
        CaseError: The lifecycle has no such step, or the proof it needs is not there.
    """
    what = plan(case)
    check_transition(what.loaded.case, status, where=what.where, owner=owner, reason=reason)
    if status == "fixed":
        reason = "; ".join(filter(None, (_proof(what), reason)))
    moment = now or dt.datetime.now(dt.UTC)
    if status == "recovered":
        reason = "; ".join(filter(None, (_approval(what, moment), reason)))
    act = Act(who=whoami(), at=moment, tool=f"unrepeat {VERSION}", reason=reason)
    return update_status(what.loaded.folder, status, act, owner=owner)


def _proof(what: Plan) -> str:
    """Return which run proves the case fixed.

    Raises:
        CaseError: The newest result does not say so, or is about another state of the case.
    """
    verdict = current_proof(what.project, what.loaded)
    label = verdict.candidate.label if verdict.candidate else ""
    return f"run {verdict.run_id}: fixed ({verdict.scope}) on {label}"


def _approval(what: Plan, now: dt.datetime) -> str:
    """Return which report approves the recovery of the case.

    Raises:
        CaseError: There is no report, or not every role the policy asks for has signed it.
    """
    case_id, environment = what.loaded.case.id, what.project.config.signoff.environment
    newest = newest_report(what.loaded.folder, environment)
    if newest is None:
        raise CaseError(
            "expected a recovery report signed by every role the policy asks for, got no report",
            where=case_id,
            hint=f"Run `unrepeat recovery {case_id}`",
        )
    file = report_of(what.project, newest)
    signed = verify_report(what.project, file, authority_of(what.project), environment, now)
    if signed.state != "signed":
        raise CaseError(
            f"expected a recovery report signed by every role the policy asks for, got {signed.reasons[0]}",
            where=case_id,
            hint=f"`unrepeat verify {newest.report_id}` says the rest",
        )
    return f"report {newest.report_id} ({file.sha256[:12]}), approved until {signed.expires_at}"
