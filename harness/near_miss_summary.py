"""What ``near-miss add`` and ``new`` tell at their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..cases.evidence import FOLDER
from ..reports.near_miss_view import NearMissView
from .case_text import flow
from .import_summary import rows, trace_facts
from .near_miss import NearMiss
from .resemblance import Resemblance
from .statements import next_for_case


def view_of(added: NearMiss, found: Resemblance) -> NearMissView:
    """Return what people read of a new near miss."""
    case = added.case
    caught = f"{added.caught.barrier} ({added.caught.origin}{': ' * bool(added.caught.note)}{added.caught.note})"
    redacted = "nothing" if added.redaction is None else added.redaction.summary()
    return NearMissView(
        case=case.case.id,
        facts=(*trace_facts(case.document.traces), f"barrier {caught}", f"redacted: {redacted}"),
        nearest=found.nearest,
        compared=found.compared,
        unread=found.unread,
        accepted=[flow(added.proposals[index].assertion) for index in added.accepted],
        warnings=_warnings(added),
        proposals=rows([each for index, each in enumerate(added.proposals) if index not in set(added.accepted)]),
        written=str(case.folder.path),
        next_command=next_for_case(
            case.case.id,
            draft=case.case.is_draft,
            proposed=bool(added.proposals),
            recorded=bool(case.document.traces),
            promotes=True,
        ),
    )


def _warnings(added: NearMiss) -> list[str]:
    if not added.case.document.traces:
        return ["No trace: only a live run can judge it, once case.yaml says under `assert` what must hold."]
    if added.accepted:
        return []
    if added.proposals:
        return ["It asserts nothing yet: accept a proposal, here by number or in case.yaml, before it can block."]
    return ["It asserts nothing yet, and nothing in the trace is red by itself: state what must hold in case.yaml."]


def as_builtins(added: NearMiss, found: Resemblance) -> dict[str, Any]:
    """Return a new near miss for ``--json``."""
    return {
        "case": added.case.case.id,
        "folder": str(added.case.folder.path),
        "traces": [trace.trace_id for trace in added.case.document.traces],
        "barrier": asdict(added.caught),
        "evidence": evidence_names(added),
        "resembles": resembled(found),
        "compared": found.compared,
        "unread": list(found.unread),
        "proposals": [
            {"assert": each.assertion, "why": each.why, "accepted": index in added.accepted}
            for index, each in enumerate(added.proposals)
        ],
        "redacted": dict(added.redaction.counts) if added.redaction is not None else None,
        "digests": added.case.digests,
    }


def evidence_names(added: NearMiss) -> Sequence[str]:
    """Return the names of what was kept as evidence."""
    folder = added.case.folder.path / FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def resembled(found: Resemblance) -> list[dict[str, Any]]:
    """Return the known cases that are near, with each fact and what it counts."""
    return [
        {"case": each.case, "weight": each.weight, "facts": [asdict(fact) for fact in each.facts]}
        for each in found.nearest
    ]
