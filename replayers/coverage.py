"""Boundary coverage: how many calls were answered exactly, with noise only, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .boundary import BOUNDARY_KINDS, RecordedCall
from .replay import BoundaryEvent, BoundaryKind, Coverage


def coverage(events: Sequence[BoundaryEvent], missing: Sequence[RecordedCall]) -> tuple[Coverage, ...]:
    """Return one row a boundary that was met or should have been."""
    answered: dict[tuple[BoundaryKind, str], int] = {}
    for event in events:
        how = (event.kind, event.match if event.mode == "recorded" else event.mode)
        answered[how] = answered.get(how, 0) + 1
    absent = Counter(call.kind for call in missing) if missing else {}
    met = {kind for kind, _ in answered} | absent.keys()
    return tuple(
        Coverage(
            kind=kind,
            exact=answered.get((kind, "exact"), 0),
            noise=answered.get((kind, "noise"), 0),
            unmatched=answered.get((kind, "none"), 0),
            live=answered.get((kind, "live"), 0),
            static=answered.get((kind, "static"), 0),
            missing=absent.get(kind, 0),
        )
        for kind in BOUNDARY_KINDS
        if kind in met
    )
