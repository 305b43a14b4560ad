"""The run that proves a case fixed, as far as there is one about the case as it is now."""

from __future__ import annotations

from ..cases.errors import CaseError
from ..cases.evidence import CASE
from ..cases.library import LoadedCase
from ..cases.statement import digests_by_status
from ..scorers.verdict import CaseVerdict, TraceVerdict
from . import results
from .config import Project
from .stated import is_red
from .trials import rate_of
from .verdict import decide

_BOUND = ("trace", "evidence")
"""Digests of the case that a result must share with it to count, besides that of what case.yaml states."""


def current_proof(project: Project, loaded: LoadedCase) -> CaseVerdict:
    """Return the newest result of a case, which says that it is fixed.

    Raises:
        CaseError: There is no result, it does not say so, or it is about another state of the case.
    """
    case_id = loaded.case.id
    file = results.latest(project.results, case_id)
    verdict = results.load(file)
    hint = f"Run `unrepeat prove {case_id}`"
    if verdict.settlement is not None:
        hint = f"Run `{verdict.settlement.command}`"
    if verdict.verdict != "fixed":
        raise CaseError(f"expected a newest result that says fixed, got {verdict.verdict}", where=case_id, hint=hint)
    changed = changed_since(verdict, loaded)
    if changed:
        raise CaseError(
            f"expected a result about the case as it is, got one from before its {changed[0]} changed",
            where=case_id,
            hint=hint,
        )
    broken = _inconsistent(verdict, loaded, file.parent.name)
    if broken:
        raise CaseError(f"expected a result that holds together, got one {broken}", where=str(file), hint=hint)
    failed = _failed_before(project, verdict)
    if failed:
        raise CaseError(
            f"expected every live trial of this system to count, got a run before it that failed: {failed}",
            where=case_id,
            hint="Trials of the same system, case and model count together; change the system, then prove it again",
        )
    return verdict


def _shows_it(judged: TraceVerdict) -> bool:
    """Whether live trials of what a person stated were red on the baseline and all passed on the candidate."""
    counted = rate_of(judged.trials)
    return judged.baseline is not None and is_red(judged.baseline) and counted.trials > 0 and not counted.failures


def _failed_before(project: Project, verdict: CaseVerdict) -> str:
    """Return an earlier run with the same live model that failed; empty when there is none.

    Running the same trials until they pass is no proof: the failures before them belong to the same count.
    """
    if not verdict.model:
        return ""
    for path in results.all_of(project.results, verdict.case_id):
        before = results.load(path) if path.parent.name < verdict.run_id else verdict
        if before.verdict == "still_failing" and _same_question(before, verdict):
            return before.run_id
    return ""


def _same_question(before: CaseVerdict, verdict: CaseVerdict) -> bool:
    systems = [each.candidate.digest if each.candidate else "" for each in (before, verdict)]
    same_case = all(before.digests.get(name) == verdict.digests.get(name) for name in ("case", *_BOUND))
    return systems[0] == systems[1] and before.model == verdict.model and same_case


def changed_since(verdict: CaseVerdict, loaded: LoadedCase) -> list[str]:
    """Return what of a case was changed after a result: what it states besides its status, its trace, its evidence."""
    changed = [name for name in _BOUND if verdict.digests.get(name) != loaded.digests.get(name)]
    path = loaded.folder.path / CASE
    if verdict.digests.get("case") not in digests_by_status(path.read_bytes(), str(path)):
        changed.insert(0, "case")
    return changed


def _inconsistent(verdict: CaseVerdict, loaded: LoadedCase, run: str) -> str:
    """Return what a result that says fixed lacks to say so; empty when nothing.

    The rules of the verdict are applied again to the scores it holds, so that a word that was edited is noticed.
    """
    if verdict.case_id != loaded.case.id or verdict.run_id != run:
        return f"of the case {verdict.case_id}, run {verdict.run_id}"
    if verdict.scope is None or verdict.candidate is None or not verdict.candidate.digest:
        return "without scope or candidate"
    if len(verdict.traces) != max(len(loaded.document.traces), 1):  # what is only stated has one in its place
        return f"over {len(verdict.traces)} of {len(loaded.document.traces)} traces"
    if not loaded.document.traces:
        return "" if all(map(_shows_it, verdict.traces)) else "whose trials do not say so"
    for each in verdict.traces:
        again = decide(each.recorded_scores, each.baseline, each.candidate, len(each.recorded_scores))
        if again.verdict != "fixed":
            return f"whose scores say {again.verdict}"
    return ""
