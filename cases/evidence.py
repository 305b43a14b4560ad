"""Preserved evidence: its manifest, and whether anything about it changed.

``manifest-sha256.txt`` lists trace.json and every file below ``evidence/``, sorted, in the form that ``sha256sum -c``
checks. case.yaml is not in it, because people edit it. The digest of the manifest is the evidence digest;
the custody log records it, so that a manifest edited together with a file is found too.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import custody
from .errors import CaseError, EvidenceError
from .files import has_pending_edit
from .paths import check_regular, refuse_collisions, safe_relative, walk_files

MANIFEST = "manifest-sha256.txt"
TRACE = "trace.json"
CASE = "case.yaml"
FOLDER = "evidence"

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\Z")
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EvidenceProblem:
    """One thing about the evidence that is not as it was left."""

    file: str
    """Path inside the case folder; with ``:line`` for a log."""
    kind: Literal["changed", "missing", "extra", "unsafe", "manifest", "custody", "status", "interrupted"]
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


def manifest_text(digests: Mapping[str, str]) -> bytes:
    """Return the manifest of files given by path and SHA-256.

    Raises:
        EvidenceError: A path is not safe, or two differ only in case.
    """
    for path in digests:
        safe_relative(path)
    refuse_collisions(digests)
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def read_manifest(data: bytes, where: str) -> dict[str, str]:
    """Return the SHA-256 of each file by path.

    Raises:
        EvidenceError: It is not a manifest as this module writes it.
    """
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise EvidenceError("expected UTF-8, got something else", where=where) from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines[:-1], 1):
        match = _LINE.match(line)
        if not match:
            raise EvidenceError(f"expected a SHA-256 and a path, got {line[:100]!r}", where=f"{where}:{number}")
        found[safe_relative(match[2])] = match[1]
    if lines[-1] or manifest_text(found) != data:
        raise EvidenceError("expected each path once, sorted, one a line, got another order or end", where=where)
    return found


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces; links are not followed.

    Raises:
        EvidenceError: It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise EvidenceError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
    return digest.hexdigest()


def digest_folder(folder: Path, *, hard_links: bool = False) -> dict[str, str]:
    """Return the SHA-256 of trace.json and of every file below evidence/, by path.

    Raises:
        EvidenceError: A file is a link, or has a name that is not safe everywhere.
    """
    return {path: digest_file(folder / path) for path in preserved(folder, hard_links=hard_links)}


def preserved(folder: Path, *, hard_links: bool = False) -> list[str]:
    """Return the paths of trace.json and of every file below evidence/, as far as they exist.

    Raises:
        EvidenceError: A file is a link, or has a name that is not safe everywhere.
    """
    paths = []
    if os.path.lexists(folder / TRACE):
        check_regular(folder / TRACE, (folder / TRACE).lstat(), hard_links=hard_links)
        paths.append(TRACE)
    if os.path.islink(folder / FOLDER):
        raise EvidenceError("expected a folder, got a symbolic link", where=str(folder / FOLDER))
    if (folder / FOLDER).is_dir():
        paths += [f"{FOLDER}/{path}" for path in walk_files(folder / FOLDER, hard_links=hard_links)]
    refuse_collisions(paths)
    return paths


def verify(folder: Path, *, hard_links: bool = False) -> list[EvidenceProblem]:
    """Return everything about a case's evidence that is not as it was left; nothing when all is well.

    Args:
        folder: The case folder.
        hard_links: Whether files with several names are allowed, as in an installed package.

    Returns:
        Each changed, missing and extra file, each broken link of the custody log, a manifest or status that
        the log does not know, an edit that was interrupted.
    """
    if has_pending_edit(folder):
        text = "an edit was interrupted and is not in place; run the command again"
        return [EvidenceProblem(folder.name, "interrupted", text)]
    try:
        actual = digest_folder(folder, hard_links=hard_links)
    except EvidenceError as error:
        return [EvidenceProblem(_inside(folder, error.where), "unsafe", error.message)]
    return [*_manifest_problems(folder, actual), *_custody_problems(folder)]


def require_intact(folder: Path) -> None:
    """Refuse a case whose evidence, custody log or status is not as it was left.

    Raises:
        EvidenceError: Names the first thing that was changed.
    """
    problems = verify(folder)
    if problems:
        raise EvidenceError(
            f"expected evidence as it was left, got: {problems[0].message}",
            where=f"{folder}{os.sep}{problems[0].file}",
            hint="Restore it from version control; `unrepeat doctor` lists all that changed",
        )


def _inside(folder: Path, where: str) -> str:
    return Path(where).relative_to(folder).as_posix() if where.startswith(f"{folder}{os.sep}") else where


def _manifest_problems(folder: Path, actual: Mapping[str, str]) -> list[EvidenceProblem]:
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        return [EvidenceProblem(MANIFEST, "missing", "the manifest is missing")]
    try:
        listed = read_manifest(path.read_bytes(), MANIFEST)
    except EvidenceError as error:
        return [EvidenceProblem(error.where, "manifest", error.message)]
    return list(_differences(listed, actual))


def _differences(listed: Mapping[str, str], actual: Mapping[str, str]) -> Iterable[EvidenceProblem]:
    for path in sorted({*listed, *actual}):
        if path not in actual:
            yield EvidenceProblem(path, "missing", "the file is missing")
        elif path not in listed:
            yield EvidenceProblem(path, "extra", "the file is not in the manifest; add it with `unrepeat evidence add`")
        elif listed[path] != actual[path]:
            yield EvidenceProblem(path, "changed", "the file was changed after it was preserved")


def _custody_problems(folder: Path) -> list[EvidenceProblem]:
    path = folder / custody.FILE_NAME
    if not path.is_file() or path.is_symlink():
        return [EvidenceProblem(custody.FILE_NAME, "missing", "the custody log is missing")]
    entries, broken = custody.read(path.read_bytes())
    problems = [EvidenceProblem(f"{custody.FILE_NAME}:{each.line}", "custody", each.message) for each in broken]
    if not entries:
        return problems or [EvidenceProblem(custody.FILE_NAME, "custody", "the custody log is empty")]
    state = custody.last_state(entries)
    if (folder / MANIFEST).is_file() and state.get("evidence") != digest_file(folder / MANIFEST):
        text = "the manifest is not the one that the custody log recorded last"
        problems.append(EvidenceProblem(MANIFEST, "manifest", text))
    return problems + _status_problems(folder, state.get("status", ""))


def _status_problems(folder: Path, logged: str) -> list[EvidenceProblem]:
    from .case import load_case  # pydantic is slow to import, and only this check needs it

    try:
        status = load_case(folder / CASE).status
    except CaseError as error:
        return [EvidenceProblem(CASE, "status", f"the case cannot be read: {error}")]
    if status == logged:
        return []
    text = f"its status is {status}, but the custody log says {logged or 'nothing'}; change it with a command"
    return [EvidenceProblem(CASE, "status", text)]
