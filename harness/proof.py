"""The run that proves a case fixed, as far as there is one about the case as it is now."""

from __future__ import annotations

from ..cases.errors import CaseError
from ..cases.evidence import CASE
from ..cases.library import LoadedCase
from ..cases.statement import digests_by_status
from ..scorers.verdict import CaseVerdict
from . import results
from .config import Project

_BOUND = ("trace", "evidence")
"""Digests of the case that a result must share with it to count, besides that of what case.yaml states."""


def current_proof(project: Project, loaded: LoadedCase) -> CaseVerdict:
    """Return the newest result of a case, which says that it is fixed.

    Raises:
        CaseError: There is no result, it does not say so, or it is about another state of the case.
    """
    case_id = loaded.case.id
    verdict = results.load(results.latest(project.results, case_id))
    hint = f"Run `unrepeat prove {case_id}`"
    if verdict.verdict != "fixed":
        raise CaseError(f"expected a newest result that says fixed, got {verdict.verdict}", where=case_id, hint=hint)
    changed = [name for name in _BOUND if verdict.digests.get(name) != loaded.digests.get(name)]
    path = loaded.folder.path / CASE
    if verdict.digests.get("case") not in digests_by_status(path.read_bytes(), str(path)):
        changed.insert(0, "case")
    if changed:
        raise CaseError(
            f"expected a result about the case as it is, got one from before its {changed[0]} changed",
            where=case_id,
            hint=hint,
        )
    return verdict
