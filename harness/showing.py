"""What ``show`` lists and shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..cases.errors import UnrepeatError
from ..cases.library import LoadedCase, list_cases, load
from ..reports.case_view import CaseRow
from ..scorers.proposals import Proposal, propose
from . import results
from .config import Project
from .import_summary import evidence_items
from .near_miss import correction_of, propose_before_barrier


def case_rows(project: Project) -> list[CaseRow]:
    """Return one row a case; a case that does not load is listed with its problem."""
    rows = []
    for folder in list_cases(project.incidents):
        try:
            case = load(folder).case
        except UnrepeatError as error:
            rows.append(CaseRow(id=folder.id, title=str(error), status="unreadable"))
            continue
        newest = results.glance(project.results, case.id)
        rows.append(
            CaseRow(
                id=case.id,
                title=case.title,
                kind=case.kind,
                severity=case.severity or "",
                status=case.status,
                note=f"last: {newest.verdict.replace('_', ' ')}" if newest else "",
            )
        )
    return rows


def proposals_for(loaded: LoadedCase) -> tuple[Proposal, ...]:
    """Return proposed assertions for a draft; a case that asserts something needs none."""
    if not loaded.case.is_draft:
        return ()
    if loaded.case.kind == "near_miss":
        return propose_before_barrier(loaded.document.traces, correction_of(loaded))
    return propose(loaded.document.traces)


def builtins_of(loaded: LoadedCase, proposals: Sequence[Proposal]) -> dict[str, Any]:
    """Return a case for ``--json``."""
    import msgspec

    from ..cases.provability import prove_statement

    told = prove_statement(loaded.traces_as_stated())
    return {
        "case": loaded.case.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "digests": loaded.digests,
        "can": list(told.can),
        "cannot": list(told.cannot),
        "add": list(told.add),
        "completeness": list(evidence_items(loaded)),
        "proposals": [{"assert": each.assertion, "why": each.why} for each in proposals],
        "traces": msgspec.to_builtins(loaded.document.traces),
    }


def asserted(loaded: LoadedCase) -> tuple[str, ...]:
    """Return the assertions of a case in words; none for a draft.

    Raises:
        ScorerError: One of them cannot be compiled.
    """
    from ..scorers.registry import compile_all
    from ..scorers.score import words_of

    return () if loaded.case.is_draft else tuple(map(words_of, compile_all(loaded.case.assertions)))
