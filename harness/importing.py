"""Import: from a trace file to a case folder, redacted before anything is written."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases.case import normal_id
from ..cases.custody import Act
from ..cases.documents import Line
from ..cases.errors import CaseError
from ..cases.identity import whoami
from ..cases.library import LoadedCase, create, list_cases
from ..cases.original import rebuild
from ..cases.readers import TraceSummary, list_traces
from ..cases.redaction import RedactionReport
from ..cases.trace import Trace
from ..reports.text import shorten, visible
from ..scorers.proposals import Proposal, propose
from .case_text import case_text
from .config import Project, load_project
from .initializing import furnish
from .taking import Clean, ImportRequest, Taken, take
from .version import VERSION

Choose = Callable[[Sequence[Proposal]], Sequence[int]]
"""Called with what is proposed; returns the indices a person accepts."""
_TITLE_CELLS = 80
"""Room of a title that is made of what was asked."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A new case and what was found out about its trace."""

    case: LoadedCase
    proposals: tuple[Proposal, ...]
    accepted: tuple[int, ...]
    redaction: RedactionReport | None
    """None when nothing was redacted, by request."""


def import_trace(request: ImportRequest, *, choose: Choose = lambda _: (), now: dt.datetime | None = None) -> Imported:
    """Make a case from a trace file.

    Args:
        request: What to import.
        choose: Decides which proposed assertions go into the case; none by default.
        now: The time of the custody entry, in UTC; the current time by default.

    Returns:
        The new case. Either all of it is on disk or nothing.

    Raises:
        SourceError: The file cannot be read, or holds several traces and none was chosen.
        CaseError: The id is taken or not an id.
        ConfigError: Nothing is to be redacted but no reason is given, or all traces and some are asked for.
    """
    moment = now or dt.datetime.now(dt.UTC)
    project = request.project or load_project(Path.cwd())
    case_id = new_id(request.id, project, moment)
    taken = take(request, project)
    traces = taken.traces
    proposals = propose(traces)
    accepted = tuple(choose(proposals))
    title = stated_title(request.title, taken.clean) or title_of(traces[0])
    text = case_text(case_id, title, proposals, accepted, system=only_system(project))
    case = store(project, case_id, text, taken, {}, moment, request.reason)
    return Imported(case, proposals, accepted, taken.report)


def store(
    project: Project,
    case_id: str,
    text: str,
    taken: Taken,
    files: Mapping[str, bytes],
    now: dt.datetime,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> LoadedCase:
    """Write a case folder: complete, or not at all.

    Args:
        project: Whose case it is.
        case_id: Its id.
        text: Its case.yaml.
        taken: Its traces.
        files: Further evidence by name, redacted already.
        now: The time of the custody entry.
        reason: Why, for the custody log.
        details: Further facts for the custody log.
    """
    preserved = _evidence(taken.traces)
    case = create(
        project.incidents / case_id,
        text,
        taken.document,
        {**preserved, **files},
        Act(who=whoami(), at=now, tool=f"unrepeat {VERSION}", reason=taken.clean(visible(reason))),
        details={**_details(taken.source, taken.report), **(details or {})},
    )
    with contextlib.suppress(OSError):  # the case is complete; this is only for editors and git
        furnish(project.incidents)
    return case


def listed(file: Path, format: str | None = None, skip_broken: bool = False) -> list[TraceSummary]:
    """Return what a file holds, one row a trace.

    Raises:
        SourceError: The file cannot be read.
    """
    return list(list_traces(file, format=format, skip_broken=skip_broken))


def new_id(stated: str | None, project: Project, now: dt.datetime) -> str:
    """Return the id of a new case: as stated, else the next free ``inc-YEAR-NNNN``.

    Raises:
        CaseError: It is not an id, or it is taken.
    """
    if stated is None:
        return _next_id([folder.id for folder in list_cases(project.incidents)], now.year)
    try:
        case_id = normal_id(stated)
    except ValueError as error:
        raise CaseError(str(error), where="--id") from None
    if os.path.lexists(project.incidents / case_id):
        raise CaseError(
            "expected a new case, got one that exists",
            where=str(project.incidents / case_id),
            hint="Choose another --id; an existing case is never overwritten",
        )
    return case_id


def _next_id(taken: Sequence[str], year: int) -> str:
    prefix = f"inc-{year}-"
    ends = [name.removeprefix(prefix) for name in taken]
    numbers = [int(end) for end in ends if end.isascii() and end.isdigit()]
    return f"{prefix}{max(numbers, default=0) + 1:04d}"


def stated_title(stated: str | None, clean: Clean) -> str:
    """Return the title a person gave, on one line; empty when there is none.

    Raises:
        CaseError: It holds control characters.
    """
    from pydantic import TypeAdapter, ValidationError

    title = clean(" ".join((stated or "").split()))
    try:
        return TypeAdapter(Line).validate_python(title) if title else ""
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise CaseError(told, where="--title") from None


def title_of(trace: Trace) -> str:
    """Return a title made of what was asked, harmless whatever that was."""
    words = visible(shorten(" ".join(trace.input.split()), _TITLE_CELLS)) if isinstance(trace.input, str) else ""
    return f"Imported: {words}" if words else f"Imported from {visible(trace.source.file)}"


def only_system(project: Project) -> str | None:
    """Return the name of a project's system where there is only one."""
    systems = project.config.systems
    return next(iter(systems)) if len(systems) == 1 else None


def _evidence(traces: Sequence[Trace]) -> dict[str, bytes | Path]:
    """Return the preserved source: redacted already, the whole file or the slices of the chosen traces."""
    files: dict[str, bytes | Path] = {}
    for number, trace in enumerate(traces, start=1):
        if trace.original is not None:
            files[f"trace-{number}{_suffix(trace)}"] = rebuild(trace.original)
    return files


def _suffix(trace: Trace) -> str:
    suffix = Path(trace.source.file).suffix.lower()
    return suffix if suffix in (".json", ".jsonl", ".ndjson") else ".json"


def _details(source: str, report: RedactionReport | None) -> dict[str, Any]:
    details: dict[str, Any] = {"source": source, "redaction": "none" if report is None else "pattern"}
    if report is not None:
        details["redacted"] = dict(sorted(report.counts.items()))
    return details
