"""What ``new`` tells at its end: that only live runs can judge the case, and what to add to prove more."""

from __future__ import annotations

from typing import Any

from ..cases.provability import prove_statement
from ..reports.import_view import ImportSummary
from .import_summary import evidence_items
from .statements import next_for_case
from .ticket import FromTicket


def summary(made: FromTicket) -> ImportSummary:
    """Return what people read of a new case."""
    case = made.case
    told = prove_statement(())
    redacted = "nothing" if made.redaction is None else made.redaction.summary()
    return ImportSummary(
        title=case.case.id,
        facts=("no trace", f"redacted: {redacted}"),
        warnings=["The case asserts nothing yet: state what must hold under `assert` in case.yaml."],
        cannot=told.cannot,
        add=_add(made),
        next_command=_next(made),
        written=[str(case.folder.path)],
    )


def _add(made: FromTicket) -> tuple[str, ...]:
    case = made.case.case
    asked = ["What must hold, under `assert`: on the answer or on the calls of a live run."]
    if case.replay.input is None and case.replay.turns is None:
        asked.append("What the system was given, under `replay: {input: {…}}` or with --input.")
    if case.system is None:
        asked.append("The system in unrepeat.toml that failed, under `system`.")
    return (*asked, *prove_statement(()).add)


def as_builtins(made: FromTicket) -> dict[str, Any]:
    """Return a new case for ``--json``."""
    told = prove_statement(())
    return {
        "case": made.case.case.id,
        "folder": str(made.case.folder.path),
        "can": list(told.can),
        "cannot": list(told.cannot),
        "add": list(_add(made)),
        "completeness": list(evidence_items(made.case)),
        "redacted": dict(made.redaction.counts) if made.redaction is not None else None,
        "digests": made.case.digests,
        "next": _next(made),
    }


def _next(made: FromTicket) -> str:
    case = made.case.case
    return next_for_case(case.id, draft=case.is_draft, proposed=False, recorded=False)
