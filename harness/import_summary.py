"""What ``import`` and ``show`` tell about a case: what its trace can prove, what it cannot, what to add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..cases.completeness import completeness
from ..cases.library import LoadedCase
from ..cases.provability import prove_statement
from ..cases.trace import Trace
from ..reports.import_view import ImportSummary
from ..reports.import_view import Proposal as Row
from ..scorers.proposals import Proposal
from .case_text import flow
from .importing import Imported
from .statements import next_for_case


def summary(imported: Imported) -> ImportSummary:
    """Return what is shown at the end of an import."""
    case = imported.case
    others = [each for index, each in enumerate(imported.proposals) if index not in set(imported.accepted)]
    redacted = "not redacted, by request" if imported.redaction is None else f"redacted: {imported.redaction.summary()}"
    proposed = bool(imported.proposals)
    next_command = next_for_case(case.case.id, draft=case.case.is_draft, proposed=proposed, recorded=True)
    accepted = [flow(imported.proposals[index].assertion) for index in imported.accepted]
    return case_summary(
        case,
        proposals=others,
        facts=[*trace_facts(case.document.traces), redacted],
        accepted=accepted,
        warnings=_warnings(imported),
        next_command=next_command,
        written=[str(case.folder.path)],
    )


def case_summary(
    case: LoadedCase,
    *,
    proposals: Sequence[Proposal] = (),
    facts: Sequence[str] = (),
    accepted: Sequence[str] = (),
    warnings: Sequence[str] = (),
    next_command: str = "",
    written: Sequence[str] = (),
) -> ImportSummary:
    """Return what is shown of a case's evidence."""
    told = prove_statement(case.traces_as_stated())
    return ImportSummary(
        title=case.case.id,
        facts=tuple(facts or trace_facts(case.document.traces)),
        accepted=tuple(accepted),
        warnings=tuple(warnings),
        can=tuple(told.can),
        cannot=tuple(told.cannot),
        add=tuple(told.add),
        completeness=evidence_items(case),
        proposals=rows(proposals),
        next_command=next_command,
        written=tuple(written),
    )


def rows(proposals: Sequence[Proposal]) -> tuple[Row, ...]:
    """Return proposed assertions as they are shown."""
    return tuple(
        Row(each.why, flow(each.assertion), each.red_because.reason if each.red_because.reason != each.why else "")
        for each in proposals
    )


def evidence_items(case: LoadedCase) -> tuple[dict[str, Any], ...]:
    """Return the 14 evidence items as name, state and place."""
    return tuple(item.as_dict() for item in completeness(case.document.traces, case.case))


def trace_facts(traces: Sequence[Trace]) -> list[str]:
    """Return format and size of the traces of a case, in short."""
    if not traces:
        return ["no trace"]
    formats = sorted({trace.source.format for trace in traces})
    spans = sum(len(trace.spans) for trace in traces)
    return [
        f"format {', '.join(formats)}",
        f"{len(traces)} trace{'s' * (len(traces) != 1)}",
        f"{spans} span{'s' * (spans != 1)}",
    ]


def _warnings(imported: Imported) -> list[str]:
    if imported.accepted:
        return []
    if imported.proposals:
        return [
            "The case asserts nothing yet: accept a proposal, here by number or in case.yaml, before you prove a fix."
        ]
    return [
        "The case asserts nothing yet, and nothing in the trace is red by itself: state what must hold in case.yaml."
    ]


def as_builtins(imported: Imported) -> dict[str, Any]:
    """Return an import for ``--json``."""
    told = prove_statement(imported.case.document.traces)
    return {
        "case": imported.case.case.id,
        "folder": str(imported.case.folder.path),
        "traces": [trace.trace_id for trace in imported.case.document.traces],
        "can": list(told.can),
        "cannot": list(told.cannot),
        "add": list(told.add),
        "completeness": list(evidence_items(imported.case)),
        "proposals": [
            {
                "assert": each.assertion,
                "why": each.why,
                "red_because": each.red_because.reason,
                "accepted": index in imported.accepted,
            }
            for index, each in enumerate(imported.proposals)
        ],
        "redacted": dict(imported.redaction.counts) if imported.redaction is not None else None,
        "digests": imported.case.digests,
    }
