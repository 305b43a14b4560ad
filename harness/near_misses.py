"""The near misses of a project, as a table."""

from __future__ import annotations

import datetime as dt

from ..cases import custody
from ..cases.errors import CaseError, UnrepeatError
from ..cases.library import LoadedCase, list_cases, load
from ..reports.near_miss_view import NearMissRow
from . import results
from .config import Project
from .proof import changed_since
from .resemblance import KnownCases


def rows_of(project: Project) -> list[NearMissRow]:
    """Return one row a near miss, by id; a case that does not load is listed with its problem."""
    known = KnownCases(project)
    rows = []
    for folder in list_cases(project.incidents):
        try:
            loaded = load(folder)
        except UnrepeatError as error:
            rows.append(NearMissRow(folder.id, problem=str(error)))
            continue
        if loaded.case.kind == "near_miss":
            rows.append(_row(project, loaded, known))
    return rows


def _row(project: Project, loaded: LoadedCase, known: KnownCases) -> NearMissRow:
    case = loaded.case
    nearest = known.resembled_by(loaded).nearest
    blocks = ", blocks" if case.blocks_while_open and case.status == "open" else ""
    return NearMissRow(
        id=case.id,
        date=_date(loaded),
        barrier=case.barrier,
        status="draft" if case.is_draft and case.status == "open" else f"{case.status}{blocks}",
        resembles=nearest[0].case if nearest else "",
        verdict=_verdict(project, loaded),
    )


def _date(loaded: LoadedCase) -> str:
    """Return the day it happened: as stated, else as recorded, else the day the case was made."""
    stated = loaded.case.timeline.occurred if loaded.case.timeline else None
    if stated:
        return stated[:10]
    starts = [span.start_ns for trace in loaded.document.traces for span in trace.spans if span.start_ns is not None]
    try:
        return f"{dt.datetime.fromtimestamp(min(starts) // 1_000_000_000, dt.UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):  # no times, or none that a calendar has
        entries, _ = custody.read((loaded.folder.path / custody.FILE_NAME).read_bytes())
        return entries[0].at[:10] if entries else ""


def _verdict(project: Project, loaded: LoadedCase) -> str:
    """Return the verdict of the newest result, and whether the case was changed since."""
    try:
        newest = results.load(results.latest(project.results, loaded.case.id))
    except CaseError:
        return ""
    except UnrepeatError:
        return "unreadable"
    words = newest.verdict.replace("_", " ")
    return f"{words} (case changed since)" if changed_since(newest, loaded) else words
