"""Taking traces from a file, redacted and checked, before anything is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..cases.errors import ConfigError, SourceError
from ..cases.original import rebuild
from ..cases.pseudonyms import default_key_path, load_or_create_key
from ..cases.readers import read_traces
from ..cases.redaction import RedactionReport, Redactor
from ..cases.redaction_rules import FieldRule
from ..cases.trace import Source, Trace, TraceDocument
from .config import Project, Redaction

Clean = Callable[[str], str]
"""Returns a text redacted, or as it is where nothing is to be redacted."""
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
class Taken:
    """What was read from a file, redacted."""

    traces: tuple[Trace, ...]
    """Empty where what was given is no trace."""
    redactor: Redactor | None
    """None when nothing is redacted, by request."""
    source: str
    """Name of the file, redacted; empty where there is none."""

    @property
    def clean(self) -> Clean:
        """What redacts a further text in the same way."""
        return self.redactor.redact_text if self.redactor is not None else str

    @property
    def report(self) -> RedactionReport | None:
        """What was replaced so far."""
        return self.redactor.report() if self.redactor is not None else None

    @property
    def document(self) -> TraceDocument | None:
        """What trace.json holds; None where there is no trace."""
        return TraceDocument(traces=self.traces) if self.traces else None


def take(request: ImportRequest, project: Project) -> Taken:
    """Read the traces that a request names, redacted and checked; nothing is written.

    Raises:
        SourceError: The file cannot be read, or holds several traces and none was chosen.
        ConfigError: Nothing is to be redacted but no reason is given.
        EvidenceError: Something is left to redact.
    """
    redactor = redactor_for(request, project.config.redaction)
    clean: Clean = redactor.redact_text if redactor is not None else str
    traces = tuple(_named(trace, clean) for trace in _traces(request, redactor, clean))
    if redactor is not None:
        redactor.check([_checked(trace) for trace in traces])
    return Taken(traces, redactor, traces[0].source.file)


def redactor_for(request: ImportRequest, rules: Redaction) -> Redactor | None:
    """Return what redacts; None when nothing is to be redacted, by request.

    Raises:
        ConfigError: Nothing is to be redacted but no reason is given.
    """
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
        file=clean(encodable(trace.source.file)),
        redacted_sha256="" if digest == trace.source.sha256 else digest,
    )
    return msgspec.structs.replace(trace, trace_id=clean(encodable(trace.trace_id)), source=source)


def encodable(name: str) -> str:
    """Return a file name in characters that JSON has; a name may be any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()
