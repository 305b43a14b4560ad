"""Adding a near miss: whatever was seen becomes a case that is red before its barrier."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ..cases import strict_json
from ..cases.custody import utc
from ..cases.errors import CaseError, ConfigError, SourceError
from ..cases.evidence import FOLDER
from ..cases.identity import whoami
from ..cases.library import LoadedCase, list_cases
from ..cases.readers.detect import detect, recognised
from ..cases.readers.source import open_source
from ..cases.redaction import RedactionReport
from ..cases.trace import OriginKind, Trace
from ..cases.vocabulary import Barrier
from ..reports.text import shorten, visible
from ..scorers.barriers import Stop, first_stop
from ..scorers.drafts import CorrectedDrafts, stopped_drafts
from ..scorers.proposals import Proposal, propose
from .case_text import case_text
from .config import Project, load_project
from .importing import Choose, new_id, only_system, stated_title, store, title_of
from .supplied import JSON_SUFFIXES, MAX_BYTES, Supplied, read_supplied, supplied_text
from .taking import ImportRequest, Taken, encodable, redactor_for, take

_TITLE_CELLS = 80
CORRECTED, NOTE, REPORT = "corrected", "note", "report"
"""Names of what people supply, below ``evidence/``."""


@dataclass(frozen=True, slots=True)
class NearMissRequest:
    """What was seen, and what people say about it."""

    source: ImportRequest
    """The file: a trace, or anything that people wrote."""
    note: str = ""
    corrected: Path | None = None
    """What would have been right: arguments, an output, or a text."""
    barrier: str | None = None
    """What caught it; inferred from the trace when left out."""


@dataclass(frozen=True, slots=True)
class Caught:
    """What caught a near miss, and how that is known."""

    barrier: Barrier
    origin: OriginKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A new near miss."""

    case: LoadedCase
    proposals: tuple[Proposal, ...]
    accepted: tuple[int, ...]
    redaction: RedactionReport | None
    caught: Caught


def add(request: NearMissRequest, *, choose: Choose = lambda _: (), now: dt.datetime | None = None) -> NearMiss:
    """Make a case of a near miss.

    Args:
        request: What was seen.
        choose: Decides which proposed assertions go into the case; none by default.
        now: The time of the custody entry, in UTC; the current time by default.

    Returns:
        The new case. Either all of it is on disk or nothing.

    Raises:
        SourceError: A file cannot be read.
        CaseError: The id is taken or not an id, or the same thing was added before.
        ConfigError: The barrier is none that is known.
    """
    moment = now or dt.datetime.now(dt.UTC)
    project = request.source.project or load_project(Path.cwd())
    stated = _barrier(request.barrier)
    taken, supplied = _taken(request, project)
    case_id = new_id(request.source.id or _free_id(taken, supplied, project, moment), project, moment)
    stop = first_stop(taken.traces)
    caught = _caught(stated, stop, moment)
    proposals = propose_before_barrier(taken.traces, _correction(supplied))
    accepted = tuple(choose(proposals))
    text = case_text(
        case_id,
        stated_title(request.source.title, taken.clean) or _title(taken, supplied, stop),
        proposals,
        accepted,
        system=only_system(project),
        kind="near_miss",
        known={"barrier": (caught.barrier, ": ".join(filter(None, (caught.origin, caught.note))))},
        recorded=bool(taken.traces),
    )
    details = {"barrier": _origin(caught), "stated": [each.stated(moment) for each in supplied.values()]}
    files = {each.name: each.data for each in supplied.values()}
    case = store(project, case_id, text, taken, files, moment, request.source.reason, details)
    return NearMiss(case, proposals, accepted, taken.report, caught)


def propose_before_barrier(traces: Sequence[Trace], correction: Any = None) -> tuple[Proposal, ...]:
    """Propose assertions that are red on a near miss: what was stopped first, then what looks wrong anywhere."""
    return propose(traces, (CorrectedDrafts(correction), stopped_drafts)) if traces else ()


def correction_of(loaded: LoadedCase) -> Any:
    """Return the correction that was added with a near miss; None when there is none."""
    folder = loaded.folder.path / FOLDER
    for path in (folder / f"{CORRECTED}.json", folder / f"{CORRECTED}.txt"):
        if path.is_file() and not path.is_symlink():
            return strict_json.read(path) if path.suffix == ".json" else path.read_text("utf-8", "replace")
    return None


def _taken(request: NearMissRequest, project: Project) -> tuple[Taken, dict[str, Supplied]]:
    """Read everything that was given: the traces, or the report in their place, then what people say of it."""
    source = request.source
    supplied: dict[str, Supplied] = {}
    if _is_trace(source):
        taken = take(source, project)
    else:
        redactor = redactor_for(source, project.config.redaction)
        supplied[REPORT] = read_supplied(source.file, REPORT, redactor)
        taken = Taken((), redactor, "")
        taken = Taken((), redactor, taken.clean(encodable(source.file.name)))
    if request.note.strip():
        supplied[NOTE] = supplied_text(request.note, NOTE, taken.redactor)
    if request.corrected is not None:
        supplied[CORRECTED] = read_supplied(request.corrected, CORRECTED, taken.redactor)
    return taken, supplied


def _is_trace(source: ImportRequest) -> bool:
    """Tell whether a file is a trace, or what somebody wrote; broken JSON is neither."""
    if source.format is not None or source.trace_ids:
        return True
    try:
        opened = open_source(source.file)
    except SourceError:
        if source.file.suffix.lower() in JSON_SUFFIXES:
            raise
        return False
    if recognised(opened) is None and opened.size_bytes > MAX_BYTES:
        detect(opened)  # says what was looked for
    return recognised(opened) is not None


def _barrier(word: str | None) -> Barrier | None:
    words: tuple[Barrier, ...] = get_args(Barrier)
    wanted = (word or "").strip().lower().replace("_", "-").replace(" ", "-")
    if word is None:
        return None
    for known in words:
        if known == wanted:
            return known
    near = difflib.get_close_matches(wanted, words, n=1, cutoff=0.0)
    raise ConfigError(
        f"expected one of {', '.join(words)}, got {word!r}", where="--barrier", hint=f"Nearest: {near[0]}"
    )


def _caught(stated: Barrier | None, stop: Stop | None, now: dt.datetime) -> Caught:
    if stated is not None:
        return Caught(stated, "stated", f"{whoami()}, {utc(now)}")
    if stop is None:
        return Caught("unknown", "absent", "the trace shows nothing that stopped it")
    return Caught(stop.barrier, "inferred", f"{stop.why} ({stop.span_id})")


def _origin(caught: Caught) -> dict[str, str]:
    return {"value": caught.barrier, "origin": caught.origin, "note": caught.note}


def _correction(supplied: dict[str, Supplied]) -> Any:
    return supplied[CORRECTED].value if CORRECTED in supplied else None


def _free_id(taken: Taken, supplied: dict[str, Supplied], project: Project, now: dt.datetime) -> str:
    """Return an id made of the day and of what was seen, so that the same thing is not added twice.

    Raises:
        CaseError: It was added before.
    """
    seen = [f"{trace.source.sha256} {trace.trace_id}" for trace in taken.traces]
    seen += [hashlib.sha256(supplied[REPORT].data).hexdigest()] if REPORT in supplied else []
    digest = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:8]
    for folder in list_cases(project.incidents):
        if folder.id.startswith("nm-") and folder.id.endswith(f"-{digest}"):
            raise CaseError(
                "expected a new near miss, got one that was added before",
                where=str(folder.path),
                hint=f"See it with `unrepeat show {folder.id}`; --id adds it once more",
            )
    return f"nm-{now:%Y-%m%d}-{digest}"


def _title(taken: Taken, supplied: dict[str, Supplied], stop: Stop | None) -> str:
    """Return a title made of what people said, else of what was stopped; harmless whatever that was."""
    told = next((_first_line(supplied[name].value) for name in (NOTE, REPORT) if name in supplied), "")
    if not told and stop is not None:
        told = f"{stop.call.name if stop.call is not None else 'an answer'} was stopped ({stop.barrier})"
    if told:
        return visible(shorten(f"Near miss: {told}", _TITLE_CELLS))
    return title_of(taken.traces[0]).replace("Imported", "Near miss", 1) if taken.traces else "Near miss"


def _first_line(value: Any) -> str:
    """Return the first line of a text that says something, or the title that a JSON report gives itself."""
    if isinstance(value, Mapping):
        named = (value.get(key) for key in ("title", "subject", "summary", "description"))
        value = next((each for each in named if isinstance(each, str)), "")
    lines = (line.strip(" #=-*\t") for line in str(value).splitlines()) if isinstance(value, str) else iter(())
    return next((" ".join(line.split()) for line in lines if line), "")
