"""Recovery reports and the decisions about them, in the custody logs of the cases they are about.

A report or a rejection that is deleted is still in the log, and the log is chained: see ``cases.custody``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import custody
from .custody import Act, Entry
from .errors import EvidenceError
from .files import editing
from .library import CaseFolder

REPORTED = "recovery-reported"
DECIDED = "recovery-decided"


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A recovery report, as a log names it."""

    case_id: str
    report_id: str
    sha256: str
    environment: str
    epoch: int
    path: str
    """Folder of the report relative to the project, with ``/``; empty where it lies elsewhere."""
    page: str = ""
    """SHA-256 of the page made from it."""


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """A decision, as a log names it."""

    case_id: str
    envelope: str
    """SHA-256 of the envelope's file."""
    report_id: str
    report: str
    """SHA-256 of the report."""
    environment: str
    system: str
    """SHA-256 of the system under test."""
    decision: str
    principal: str
    role: str
    at: str
    """When it was logged."""
    reason: str


def log_entry(folder: CaseFolder, action: str, act: Act, details: Mapping[str, Any]) -> None:
    """Append an entry that changes nothing about the case itself.

    Raises:
        EvidenceError: The log cannot be read or written, or is broken.
    """
    path = folder.path / custody.FILE_NAME
    try:
        with editing(folder.path) as edit:
            log = path.read_bytes()
            edit.write(custody.FILE_NAME, custody.append(log, action, act, before={}, after={}, details=details))
    except OSError as error:
        raise EvidenceError(
            f"expected a custody log that can be written, got: {error.strerror}",
            where=str(path),
            hint="Run the command where you may write to the case",
        ) from None


def reports_in(case_id: str, entries: Iterable[Entry]) -> list[ReportEntry]:
    """Return the reports a log knows, in order.

    Raises:
        EvidenceError: An entry does not say what it must.
    """
    return [_report(case_id, entry) for entry in entries if entry.action == REPORTED]


def decisions_in(case_id: str, entries: Iterable[Entry]) -> list[DecisionEntry]:
    """Return the decisions a log knows, in order.

    Raises:
        EvidenceError: An entry does not say what it must.
    """
    return [_decision(case_id, entry) for entry in entries if entry.action == DECIDED]


def _report(case_id: str, entry: Entry) -> ReportEntry:
    said = entry.details
    epoch = said.get("epoch")
    if not isinstance(epoch, int):
        raise EvidenceError("expected an epoch, got none", where=f"{case_id}: {custody.FILE_NAME}:{entry.seq}")
    words = {name: str(said.get(name, "")) for name in ("report_id", "sha256", "environment", "path", "page")}
    return ReportEntry(case_id=case_id, epoch=epoch, **words)


def _decision(case_id: str, entry: Entry) -> DecisionEntry:
    names = ("envelope", "report_id", "report", "environment", "system", "decision", "principal", "role")
    words = {name: str(entry.details.get(name, "")) for name in names}
    return DecisionEntry(case_id=case_id, at=entry.at, reason=entry.reason, **words)
