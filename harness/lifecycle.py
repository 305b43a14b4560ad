"""The life of a case, as commands change it: a status that claims a proof needs that proof."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from ..cases.case import Case
from ..cases.custody import Act
from ..cases.errors import CaseError
from ..cases.identity import whoami
from ..cases.library import LoadedCase, update_status
from ..cases.lifecycle import check_transition
from ..cases.vocabulary import Status
from ..scorers.verdict import CaseVerdict
from . import results
from .replaying import Plan, plan
from .verdict import decide
from .version import VERSION

_BOUND = ("case", "trace", "evidence")
"""Digests of the case that a result must share with it to count."""


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
    if status == "recovered":
        raise CaseError(
            "expected a recovery report signed by every role the policy asks for, got none",
            where=what.where,
            hint="Signing recovery reports is not part of this release; the case stays fixed",
        )
    act = Act(who=whoami(), at=now or dt.datetime.now(dt.UTC), tool=f"unrepeat {VERSION}", reason=reason)
    return update_status(what.loaded.folder, status, act, owner=owner)


def _proof(what: Plan) -> str:
    """Return which run proves the case fixed.

    Raises:
        CaseError: The newest result does not say so, or is about another state of the case.
    """
    case_id = what.loaded.case.id
    path = results.latest(what.project.results, case_id)
    verdict = results.load(path)
    hint = f"Run `unrepeat prove {case_id}`"
    if verdict.verdict != "fixed":
        raise CaseError(f"expected a newest result that says fixed, got {verdict.verdict}", where=case_id, hint=hint)
    changed = changed_since(verdict, what.loaded)
    if changed:
        raise CaseError(
            f"expected a result about the case as it is, got one from before its {changed[0]} changed",
            where=case_id,
            hint=hint,
        )
    broken = _inconsistent(verdict, path.parent.name, len(what.loaded.document.traces), what.where)
    if broken:
        raise CaseError(f"expected a result that holds together, got one {broken}", where=str(path), hint=hint)
    label = verdict.candidate.label if verdict.candidate else ""
    return f"run {verdict.run_id}: fixed ({verdict.scope}) on {label}"


def _inconsistent(verdict: CaseVerdict, run: str, traces: int, case_file: str) -> str:
    """Return what a result that says fixed lacks to say so; empty when nothing.

    The rules of the verdict are applied again to the scores it holds, so that a word that was edited is noticed.
    """
    if verdict.case_id != Path(case_file).parent.name or verdict.run_id != run:
        return f"of the case {verdict.case_id}, run {verdict.run_id}"
    if verdict.scope is None or verdict.candidate is None or not verdict.candidate.digest:
        return "without scope or candidate"
    if len(verdict.traces) != traces:
        return f"over {len(verdict.traces)} of {traces} traces"
    for each in verdict.traces:
        again = decide(each.recorded_scores, each.baseline, each.candidate, len(each.recorded_scores))
        if again.verdict != "fixed":
            return f"whose scores say {again.verdict}"
    return ""


def changed_since(verdict: CaseVerdict, loaded: LoadedCase) -> list[str]:
    """Return what of a case was changed after a result: its case, trace or evidence."""
    return [name for name in _BOUND if verdict.digests.get(name) != loaded.digests.get(name)]
