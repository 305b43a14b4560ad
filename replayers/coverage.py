"""Boundary coverage: how many calls were answered exactly, with noise only, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from .boundary import BOUNDARY_KINDS, RecordedCall
from .replay import BoundaryEvent, BoundaryKind, Coverage


def coverage(events: Sequence[BoundaryEvent], missing: Sequence[RecordedCall]) -> tuple[Coverage, ...]:
    """Return one row a boundary that was met or should have been."""
    rows = []
    for kind in BOUNDARY_KINDS:
        of_kind = [event for event in events if event.kind == kind]
        absent = sum(1 for call in missing if call.kind == kind)
        if of_kind or absent:
            rows.append(_row(kind, of_kind, absent))
    return tuple(rows)


def _row(kind: BoundaryKind, events: Sequence[BoundaryEvent], missing: int) -> Coverage:
    recorded = [event.match for event in events if event.mode == "recorded"]
    return Coverage(
        kind=kind,
        exact=recorded.count("exact"),
        noise=recorded.count("noise"),
        unmatched=recorded.count("none"),
        live=len(events) - len(recorded),
        missing=missing,
    )
