"""Recovery reports on disk: a folder each, with recovery.json, the page made from it, and the signatures."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..cases.errors import ConfigError, SourceError
from ..cases.evidence import digest_file
from ..cases.files import new_folder, write_atomic
from ..reports.canonical_json import DuplicateKeyError, NotCanonicalError, read_canonical
from ..scorers.recovery import RecoveryReport
from .config import Project
from .sign_off import is_time

REPORT = "recovery.json"
PAGE = "recovery.html"
SIGNATURES = "signatures"
SUFFIX = ".dsse.json"
_HINT = "Restore it from version control, or make a new report with `unrepeat recovery`"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report and where it lies."""

    folder: Path
    report: RecoveryReport
    sha256: str
    """SHA-256 of the bytes of recovery.json."""

    @property
    def path(self) -> Path:
        """The machine form: what is signed."""
        return self.folder / REPORT

    @property
    def page(self) -> Path:
        """The page made from it."""
        return self.folder / PAGE

    def page_digest(self) -> str:
        """Return the SHA-256 of the page; empty where there is none.

        Raises:
            EvidenceError: It cannot be read.
        """
        return digest_file(self.page) if os.path.lexists(self.page) else ""


def find_report(project: Project, name: str) -> ReportFile:
    """Return a report by its id, its folder or its file.

    Raises:
        ConfigError: There is none, or it cannot be used.
    """
    for path in (Path(name), project.recoveries / name):
        folder = path.parent if path.name == REPORT else path
        if (folder / REPORT).is_file():
            return read_report(folder)
    raise ConfigError(
        f"expected a recovery report, got {name!r}",
        where=str(project.recoveries),
        hint="Give its id or its folder; `unrepeat recovery CASE` makes one",
    )


def read_report(folder: Path) -> ReportFile:
    """Return the report of a folder.

    Raises:
        ConfigError: It is missing, or not a report as this project writes it.
    """
    path = folder / REPORT
    try:
        data = path.read_bytes()
        report = msgspec.convert(read_canonical(data, str(path)), RecoveryReport)
    except OSError as error:
        raise ConfigError(f"expected a recovery report, got: {error.strerror}", where=str(path), hint=_HINT) from None
    except SourceError as error:
        raise ConfigError(error.message, where=error.where, hint=_HINT) from None
    except (DuplicateKeyError, NotCanonicalError, msgspec.ValidationError) as error:
        raise ConfigError(f"expected a recovery report, got: {error}", where=str(path), hint=_HINT) from None
    if not is_time(report.created_at):
        raise ConfigError("expected the time of the report in UTC, got none", where=str(path), hint=_HINT)
    return ReportFile(folder, report, hashlib.sha256(data).hexdigest())


def write_report(folder: Path, data: bytes, page: bytes) -> None:
    """Write a new report: complete, or not at all.

    Raises:
        ConfigError: The folder is there already, or cannot be written.
    """
    try:
        with new_folder(folder) as building:
            (building / REPORT).write_bytes(data)
            (building / PAGE).write_bytes(page)
    except FileExistsError:
        raise ConfigError(
            "expected a new folder, got one that is there", where=str(folder), hint="Choose another --out"
        ) from None
    except OSError as error:
        raise _unwritable(folder, error) from None


def envelopes(folder: Path) -> list[Path]:
    """Return the files of the signatures of a report, sorted: everything in that folder."""
    place = folder / SIGNATURES
    return sorted(path for path in place.iterdir() if not path.name.startswith(".")) if place.is_dir() else []


def save_envelope(folder: Path, data: bytes, role: str) -> Path:
    """Write one signed decision beside its report and return its file.

    Raises:
        ConfigError: It cannot be written.
    """
    path = folder / SIGNATURES / f"{role}-{hashlib.sha256(data).hexdigest()[:16]}{SUFFIX}"
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, data)
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    return path


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"expected a folder that can be written, got: {error.strerror}",
        where=str(folder),
        hint="Run the command where you may write, or name another folder with --out or `recoveries`",
    )
