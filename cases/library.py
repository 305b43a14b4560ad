"""Case folders: find, list, load, create and change them.

A library is a folder of case folders, each named by its case's id. Reading checks that trace.json is the
preserved one; everything else about the evidence is for ``evidence.verify``.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from . import custody, evidence, trace_file
from .case import Case, load_case, normal_id, read_case
from .custody import Act
from .errors import CaseError, EvidenceError
from .files import Edit, editing, has_pending_edit, is_temporary, new_folder
from .lifecycle import check_transition
from .paths import safe_relative
from .status_line import with_status, with_value
from .strict_yaml import DEFAULT_LIMITS, Limits, read_limited
from .trace import Origin, Trace, TraceDocument
from .vocabulary import EvidenceKind, Status

_MARKS = (evidence.CASE, evidence.TRACE, evidence.MANIFEST, custody.FILE_NAME)


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """Where a case lies."""

    id: str
    """Name of the folder."""
    path: Path


@dataclass(frozen=True, slots=True)
class LoadedCase:
    """A case with its traces."""

    case: Case
    document: TraceDocument
    folder: CaseFolder
    digests: dict[str, str]
    """SHA-256 of ``case`` (case.yaml), ``trace`` (trace.json), ``evidence`` (the manifest), and ``custody``
    (head of the log); empty where there is none."""

    def traces_as_stated(self) -> tuple[Trace, ...]:
        """Return the traces with the input that a person stated in case.yaml, where one did."""
        settings = self.case.replay
        stated = settings.input if settings.turns is None else settings.turns
        if stated is None:
            return self.document.traces
        name = "input" if settings.turns is None else "turns"
        origin = Origin(kind="stated", note=f"replay.{name} of case.yaml")
        return tuple(
            msgspec.structs.replace(each, input=stated, origins={**each.origins, "input": origin})
            for each in self.document.traces
        )


def list_cases(library: Path) -> list[CaseFolder]:
    """Return the case folders of a library, sorted by id; none when the library does not exist.

    A folder that only has parts of a case is listed too, so that loading it fails instead of passing over it.
    """
    if not library.is_dir():
        return []
    names = (each.name for each in os.scandir(library) if each.is_dir() and not is_temporary(each.name))
    return [CaseFolder(name, library / name) for name in sorted(names) if _is_case(library / name)]


def _is_case(folder: Path) -> bool:
    return any(os.path.lexists(folder / mark) for mark in _MARKS)


def find(library: Path, name: str) -> CaseFolder:
    """Return the case with an id, or at a path.

    Args:
        library: The folder of case folders.
        name: An id in any case; or the path of a case folder or of its case.yaml.

    Raises:
        CaseError: There is none; names the nearest id.
    """
    try:
        folder = library / normal_id(name)
        if _is_case(folder):
            return CaseFolder(folder.name, folder)
    except ValueError:
        pass  # perhaps a path
    path = Path(name)
    path = path.parent if path.name == evidence.CASE else path
    if _is_case(path):
        return CaseFolder(path.resolve().name, path)
    raise CaseError(
        f"expected the id or path of a case, got {name!r}", where=str(library), hint=_suggest(library, name)
    )


def _suggest(library: Path, name: str) -> str:
    known = [each.id for each in list_cases(library)]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    if known:
        return f"Known cases: {', '.join(known[:5])}{' …' if len(known) > 5 else ''}"
    return "There are no cases yet; `unrepeat import FILE` makes one"


def load(folder: CaseFolder | Path, *, limits: Limits = DEFAULT_LIMITS) -> LoadedCase:
    """Return a case with its traces.

    Args:
        folder: The case folder.
        limits: Size and depth of case.yaml.

    Raises:
        CaseError: A file is missing or not what it must be.
        EvidenceError: trace.json is not the one that was preserved.
    """
    place = folder if isinstance(folder, CaseFolder) else CaseFolder(folder.resolve().name, folder)
    path = place.path
    _refuse_links(path)
    _finish_interrupted(path)
    content = read_limited(path / evidence.CASE, limits)
    case = read_case(content, str(path / evidence.CASE), limits=limits)
    if case.id != place.id:
        raise CaseError(f"expected id {place.id!r} like its folder, got {case.id!r}", where=str(path / evidence.CASE))
    manifest = _read(path / evidence.MANIFEST)
    listed = evidence.read_manifest(manifest, str(path / evidence.MANIFEST))
    document, trace_digest = _load_trace(path, listed.get(evidence.TRACE, ""))
    digests = {
        "case": hashlib.sha256(content).hexdigest(),
        "trace": trace_digest,
        "evidence": hashlib.sha256(manifest).hexdigest(),
        "custody": custody.head(_read(path / custody.FILE_NAME)),
    }
    return LoadedCase(case, document, place, digests)


def _refuse_links(path: Path) -> None:
    for each in (path, *(path / mark for mark in _MARKS)):
        if each.is_symlink():
            raise EvidenceError("expected a file of the case, got a symbolic link", where=str(each))


def _finish_interrupted(path: Path) -> None:
    if has_pending_edit(path):  # an uncommitted one is dropped by whoever edits next: reading must not need to write
        with editing(path):
            pass


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None


def _load_trace(folder: Path, listed: str) -> tuple[TraceDocument, str]:
    path = folder / evidence.TRACE
    if not listed and not os.path.lexists(path):
        return TraceDocument(), ""  # a case that was made from a ticket
    document, digest = trace_file.load_trace(path)
    if digest != listed:
        raise EvidenceError(
            "expected the preserved file, got one that was changed",
            where=str(path),
            hint="Restore it from version control; `unrepeat verify` checks the rest",
        )
    return document, digest


def create(
    folder: Path,
    case_yaml: str,
    document: TraceDocument | None,
    files: Mapping[str, bytes | Path],
    act: Act,
    *,
    details: Mapping[str, Any] | None = None,
) -> LoadedCase:
    """Create a case folder: complete, or not at all.

    Args:
        folder: The new folder; its name must be the case's id.
        case_yaml: The text of case.yaml.
        document: The traces; None for a case without a trace.
        files: Evidence by its path below ``evidence/``: bytes, or a file to copy. Redacted already.
        act: Who, when, with which tool, why.
        details: Further facts for the custody log, such as the redaction report.

    Raises:
        CaseError: The text is not a case, or the folder exists already.
        EvidenceError: A name or file cannot be stored safely.
    """
    case = read_case(case_yaml.encode(), str(folder / evidence.CASE))
    if case.id != folder.name:
        raise CaseError(f"expected a folder named {case.id!r}, got {folder.name!r}", where=str(folder))
    try:
        with new_folder(folder) as building:
            _fill(building, case_yaml, document, files)
            state = _state(building, case)
            log = custody.append(b"", "created", act, before={}, after=state, details=details)
            (building / custody.FILE_NAME).write_bytes(log)
    except FileExistsError:
        raise CaseError(
            "expected a new case, got one that exists", where=str(folder), hint="Choose another --id"
        ) from None
    return load(CaseFolder(case.id, folder))


def _fill(building: Path, case_yaml: str, document: TraceDocument | None, files: Mapping[str, bytes | Path]) -> None:
    (building / evidence.CASE).write_bytes(case_yaml.encode())
    if document is not None:
        (building / evidence.TRACE).write_bytes(trace_file.encode(document))
    for name, content in files.items():
        target = building / evidence.FOLDER / safe_relative(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content if isinstance(content, bytes) else _read(content))
    manifest = evidence.manifest_text(evidence.digest_folder(building))
    (building / evidence.MANIFEST).write_bytes(manifest)


def _state(folder: Path, case: Case) -> dict[str, str]:
    state = {
        "status": case.status,
        "case": evidence.digest_file(folder / evidence.CASE),
        "evidence": evidence.digest_file(folder / evidence.MANIFEST),
    }
    if (folder / evidence.TRACE).is_file():
        state["trace"] = evidence.digest_file(folder / evidence.TRACE)
    return state


def update_status(folder: CaseFolder, status: Status, act: Act, *, owner: str = "") -> Case:
    """Move a case to another status, in case.yaml (comments stay) and in the custody log.

    Args:
        folder: The case.
        status: The new status.
        act: Who, when, with which tool, why. Reopening and retiring need a reason.
        owner: Who answers for reopening or retiring.

    Returns:
        The case as it now is.

    Raises:
        CaseError: The step is not allowed, or case.yaml cannot be edited.
        EvidenceError: The preserved files or the custody log are not as they were left.
    """
    path = folder.path / evidence.CASE
    with editing(folder.path) as edit:
        # An entry about evidence that was tampered with would record it as the state that holds.
        evidence.require_intact(folder.path)
        case = load_case(path)
        check_transition(case, status, where=str(path), owner=owner, reason=act.reason)
        text = with_status(read_limited(path), status, str(path))
        after = {"status": status}
        _log_edit(folder, edit, "status", act, text, after, details={"owner": owner} if owner else None)
    return load_case(path)


def let_block(folder: CaseFolder, act: Act, *, details: Mapping[str, Any] | None = None) -> Case:
    """Let the gate fail on a case while it is open, in case.yaml (comments stay) and in the custody log.

    Args:
        folder: The case; one that blocks already stays as it is.
        act: Who, when, with which tool, why.
        details: Further facts for the custody log.

    Raises:
        CaseError: case.yaml cannot be edited.
    """
    path = folder.path / evidence.CASE
    with editing(folder.path) as edit:
        if not load_case(path).blocks_while_open:
            text = with_value(read_limited(path), "blocks_while_open", True, str(path))
            _log_edit(folder, edit, "promoted", act, text, {}, details=details)
    return load_case(path)


def _log_edit(
    folder: CaseFolder,
    edit: Edit,
    action: str,
    act: Act,
    text: bytes,
    after: Mapping[str, str],
    *,
    details: Mapping[str, Any] | None,
) -> None:
    """Stage a new case.yaml together with its entry in the custody log."""
    before = _state(folder.path, load_case(folder.path / evidence.CASE))
    state = {**before, **after, "case": hashlib.sha256(text).hexdigest()}
    log = _read(folder.path / custody.FILE_NAME)
    edit.write(evidence.CASE, text)
    edit.write(custody.FILE_NAME, custody.append(log, action, act, before=before, after=state, details=details))


def add_evidence(
    folder: CaseFolder,
    name: str,
    content: bytes,
    kind: EvidenceKind,
    act: Act,
    *,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Preserve a further file.

    Args:
        folder: The case.
        name: Path below ``evidence/``, with ``/``.
        content: Its bytes, redacted already.
        kind: What it is.
        act: Who, when, with which tool, why.
        details: Further facts for the custody log.

    Returns:
        The new evidence digest.

    Raises:
        EvidenceError: The name is taken or not safe, or the preserved files are not as they were left.
    """
    relative = f"{evidence.FOLDER}/{safe_relative(name)}"
    with editing(folder.path) as edit:
        evidence.require_intact(folder.path)
        before = _state(folder.path, load_case(folder.path / evidence.CASE))
        listed = evidence.read_manifest(_read(folder.path / evidence.MANIFEST), evidence.MANIFEST)
        if relative in listed:
            raise EvidenceError("expected a new name, got one that is taken", where=relative)
        manifest = evidence.manifest_text({**listed, relative: hashlib.sha256(content).hexdigest()})
        after = {**before, "evidence": hashlib.sha256(manifest).hexdigest()}
        facts = {"file": relative, "kind": kind, **(details or {})}
        log = custody.append(
            _read(folder.path / custody.FILE_NAME), "evidence-added", act, before=before, after=after, details=facts
        )
        edit.write(relative, content)
        edit.write(evidence.MANIFEST, manifest)
        edit.write(custody.FILE_NAME, log)
    return after["evidence"]
