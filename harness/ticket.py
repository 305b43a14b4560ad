"""A case from a ticket: no trace, only what people state; judged by live runs alone."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases.custody import utc
from ..cases.errors import CaseError, ConfigError
from ..cases.identity import whoami
from ..cases.library import LoadedCase
from ..cases.redaction import RedactionReport
from ..cases.vocabulary import DetectedBy, Severity
from .case_text import case_text
from .config import Project, load_project
from .importing import new_id, only_system, stated_title, store
from .supplied import Supplied, arguments_of, read_supplied
from .taking import ImportRequest, Taken, encodable, redactor_for

TICKET = "ticket"
"""Name of the ticket below ``evidence/``, without its ending."""
_TRIES = 20
"""How often the next free number is tried while others take theirs."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What people state about an incident."""

    title: str
    id: str | None = None
    """Id of the new case; the next free ``inc-YEAR-NNNN`` when left out."""
    source: Path | None = None
    """The ticket as a file."""
    input: str | None = None
    """What the system was given: a JSON object, or a file with one; the callable's arguments by name."""
    severity: Severity | None = None
    detected_by: DetectedBy | None = None
    project: Project | None = None


@dataclass(frozen=True, slots=True)
class FromTicket:
    """A new case without a trace."""

    case: LoadedCase
    redaction: RedactionReport | None


def new_case(ticket: Ticket, *, now: dt.datetime | None = None) -> FromTicket:
    """Make a case of what people state.

    Args:
        ticket: What they state.
        now: The time of the custody entry, in UTC; the current time by default.

    Returns:
        The new case, a draft without a trace. Either all of it is on disk or nothing.

    Raises:
        SourceError: A file cannot be read.
        CaseError: The id is taken or not an id, or there is no title.
    """
    moment = now or dt.datetime.now(dt.UTC)
    project = ticket.project or load_project(Path.cwd())
    taken, supplied = _taken(ticket, project)
    title = stated_title(ticket.title, taken.clean)
    if not title:
        raise ConfigError("expected what happened, in one line, got nothing", where="--title")
    known = _known(ticket, taken, moment)
    facts = [{"field": key, **_by(moment)} for key in ("title", *known)]
    details = {"stated": [*facts, *(each.stated(moment) for each in supplied)]}
    files = {each.name: each.data for each in supplied}

    def make(tries: int) -> LoadedCase:
        case_id = new_id(ticket.id, project, moment)
        text = case_text(case_id, title, (), (), system=only_system(project), known=known, recorded=False)
        try:
            return store(project, case_id, text, taken, files, moment, details=details)
        except CaseError:
            # Somebody else took the number in between; an id that was stated is theirs to choose again.
            if tries == 0 or ticket.id is not None or not os.path.lexists(project.incidents / case_id):
                raise
        return make(tries - 1)

    return FromTicket(make(_TRIES), taken.report)


def _taken(ticket: Ticket, project: Project) -> tuple[Taken, list[Supplied]]:
    file = ticket.source or Path("ticket")
    redactor = redactor_for(ImportRequest(file), project.config.redaction)
    taken = Taken((), redactor, "")
    if ticket.source is None:
        return taken, []
    supplied = read_supplied(ticket.source, TICKET, redactor)
    return Taken((), redactor, taken.clean(encodable(ticket.source.name))), [supplied]


def _known(ticket: Ticket, taken: Taken, now: dt.datetime) -> dict[str, tuple[Any, str]]:
    by = f"stated: {whoami()}, {utc(now)}"
    known: dict[str, tuple[Any, str]] = {}
    if ticket.severity is not None:
        known["severity"] = (ticket.severity, by)
    if ticket.detected_by is not None:
        known["detected_by"] = (ticket.detected_by, by)
    if ticket.input is not None:
        arguments = arguments_of(ticket.input)
        cleaned = taken.redactor.redact_value(arguments) if taken.redactor is not None else arguments
        known["replay"] = ({"input": cleaned}, by)
    return known


def _by(now: dt.datetime) -> dict[str, str]:
    return {"origin": "stated", "by": whoami(), "at": utc(now)}
