"""Import: from a trace file to a case folder, redacted before anything is written."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..cases.case import normal_id
from ..cases.custody import Act
from ..cases.documents import Line
from ..cases.errors import CaseError, ConfigError, SourceError
from ..cases.identity import whoami
from ..cases.library import LoadedCase, create, list_cases
from ..cases.original import rebuild
from ..cases.pseudonyms import default_key_path, load_or_create_key
from ..cases.readers import TraceSummary, list_traces, read_traces
from ..cases.redaction import RedactionReport, Redactor
from ..cases.redaction_rules import FieldRule
from ..cases.trace import Source, Trace, TraceDocument
from ..reports.text import shorten, visible
from ..scorers.proposals import Proposal, propose
from .case_text import case_text
from .config import Project, Redaction, load_project
from .initializing import furnish
from .version import VERSION

Choose = Callable[[Sequence[Proposal]], Sequence[int]]
"""Called with what is proposed; returns the indices a person accepts."""
Clean = Callable[[str], str]
"""Returns a text redacted, or as it is where nothing is to be redacted."""
_TITLE_CELLS = 80
"""Room of a title that is made of what was asked."""
MAX_TRACES = 1000
"""Most traces in one case."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and how."""

    file: Path
    id: str | None = None
    """Id of the new case; the next free ``inc-YEAR-NNNN`` when left out."""
    title: str | None = None
    trace_ids: tuple[str, ...] = ()
    """Traces to take; may be left out for a file that holds one."""
    all_traces: bool = False
    """Take every trace of the file into the one case."""
    format: str | None = None
    redact: bool = True
    reason: str = ""
    """Why nothing is redacted; required then."""
    skip_broken: bool = False
    project: Project | None = None


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
    case_id = _case_id(request, project, moment)
    redactor = _redactor(request, project.config.redaction)
    clean: Clean = redactor.redact_text if redactor is not None else str
    document = TraceDocument(traces=tuple(_named(trace, clean) for trace in _traces(request, redactor, clean)))
    if redactor is not None:
        redactor.check([_checked(trace) for trace in document.traces])
    proposals = propose(document.traces)
    accepted = tuple(choose(proposals))
    title = _stated_title(request, clean) or _title(document.traces[0])
    text = case_text(case_id, title, proposals, accepted, system=_system(project))
    report = redactor.report() if redactor is not None else None
    case = create(
        project.incidents / case_id,
        text,
        document,
        _evidence(document.traces),
        Act(who=whoami(), at=moment, tool=f"unrepeat {VERSION}", reason=clean(visible(request.reason))),
        details=_details(document.traces[0].source.file, report),
    )
    with contextlib.suppress(OSError):  # the case is complete; this is only for editors and git
        furnish(project.incidents)
    return Imported(case, proposals, accepted, report)


def listed(file: Path, format: str | None = None, skip_broken: bool = False) -> list[TraceSummary]:
    """Return what a file holds, one row a trace.

    Raises:
        SourceError: The file cannot be read.
    """
    return list(list_traces(file, format=format, skip_broken=skip_broken))


def _case_id(request: ImportRequest, project: Project, now: dt.datetime) -> str:
    if request.id is None:
        return _next_id([folder.id for folder in list_cases(project.incidents)], now.year)
    try:
        case_id = normal_id(request.id)
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


def _redactor(request: ImportRequest, rules: Redaction) -> Redactor | None:
    if request.redact:
        fields = [FieldRule(path, kind) for path, kind in rules.fields.items()]
        return Redactor(load_or_create_key(default_key_path(os.environ)), fields, entities=rules.entities)
    if not request.reason.strip():
        raise ConfigError(
            "expected a reason for storing the trace as it is, got none",
            where="--redact none",
            hint='Say why with --reason "public benchmark data"',
        )
    return None


def _traces(request: ImportRequest, redactor: Redactor | None, clean: Clean) -> list[Trace]:
    if request.all_traces and request.trace_ids:
        raise ConfigError("expected the ids of traces or all of them, got both", where="--all-traces")
    # An id may hold what is redacted, such as an address: it is asked for as the source has it.
    wanted = frozenset((*request.trace_ids, *map(clean, request.trace_ids))) or None
    found: list[Trace] = []
    for trace in read_traces(
        request.file,
        format=request.format,
        trace_ids=wanted,
        skip_broken=request.skip_broken,
        transform=redactor.redact_value if redactor is not None else None,
    ):
        found.append(trace)
        if wanted is None and not request.all_traces and len(found) > 1:
            raise _several(request)
        if len(found) > MAX_TRACES:
            raise SourceError(f"expected at most {MAX_TRACES} traces in a case, got more", where=str(request.file))
    _require_all(request, found, clean)
    if not any(trace.spans or trace.messages for trace in found):
        raise SourceError("expected a trace with at least one step, got an empty one", where=request.file.name)
    return found


def _several(request: ImportRequest) -> SourceError:
    return SourceError(
        "expected a file with one trace or the ids of those to take, got several traces",
        where=str(request.file),
        hint=f"See them with `unrepeat import {request.file} --list`, then choose with --trace-id or --all-traces",
    )


def _require_all(request: ImportRequest, found: Sequence[Trace], clean: Clean) -> None:
    known = {trace.trace_id for trace in found}
    missing = [each for each in request.trace_ids if known.isdisjoint((each, clean(each)))]
    if missing or not found:
        raise SourceError(
            f"expected the trace {missing[0]}, got a file without it" if missing else "expected a trace, got none",
            where=str(request.file),
            hint=f"See what it holds with `unrepeat import {request.file} --list`",
        )


def _checked(trace: Trace) -> Any:
    """Return the part of a trace in which nothing may be left to redact: all that came from the source."""
    return msgspec.to_builtins(msgspec.structs.replace(trace, source=Source(format=trace.source.format)))


def _named(trace: Trace, clean: Clean) -> Trace:
    """Return a trace with the name of its file redacted too, also in the id a reader may have made of it."""
    kept = rebuild(trace.original) if trace.original is not None else b""
    digest = hashlib.sha256(kept).hexdigest() if kept else ""
    source = msgspec.structs.replace(
        trace.source,
        file=clean(_encodable(trace.source.file)),
        redacted_sha256="" if digest == trace.source.sha256 else digest,
    )
    return msgspec.structs.replace(trace, trace_id=clean(_encodable(trace.trace_id)), source=source)


def _encodable(name: str) -> str:
    """Return a file name in characters that JSON has; a name may be any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _stated_title(request: ImportRequest, clean: Clean) -> str:
    """Return the title a person gave, on one line; empty when there is none."""
    from pydantic import TypeAdapter, ValidationError

    title = clean(" ".join((request.title or "").split()))
    try:
        return TypeAdapter(Line).validate_python(title) if title else ""
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise CaseError(told, where="--title") from None


def _title(trace: Trace) -> str:
    """Return a title made of what was asked, harmless whatever that was."""
    words = visible(shorten(" ".join(trace.input.split()), _TITLE_CELLS)) if isinstance(trace.input, str) else ""
    return f"Imported: {words}" if words else f"Imported from {visible(trace.source.file)}"


def _system(project: Project) -> str | None:
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
