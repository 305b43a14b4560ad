"""Names of preserved files: which are safe, and which files really lie in a folder."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import EvidenceError
from .files import is_temporary

MAX_NAME_BYTES = 255
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]
)
"""Names that Windows gives to devices, with any extension."""


def is_reserved(name: str) -> bool:
    """Say whether a file name means a device on Windows."""
    return name.split(".", 1)[0].rstrip(" ").casefold() in RESERVED


def name_problem(name: str) -> str | None:
    """Return what is wrong with one file name (not a path), or None when it is safe everywhere."""
    if name in ("", ".", ".."):
        return "a name"
    if unicodedata.normalize("NFC", name) != name:
        return "a name in Unicode normal form NFC"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name):
        return "a name without control or format characters"
    if any(char in '\\/:*?"<>|' for char in name):
        return 'a name without any of \\ / : * ? " < > |'
    if name[-1] in ". " or name[0] == " ":
        return "a name that does not end in a dot or begin or end with a space"
    if is_reserved(name):
        return "a name that is not reserved by Windows"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"a name of at most {MAX_NAME_BYTES} bytes"
    return None


def safe_relative(path: str) -> str:
    """Return a relative path with ``/`` unchanged when each of its parts is a safe name.

    Raises:
        EvidenceError: It is absolute, climbs with ``..``, or a part is not a safe name.
    """
    for part in path.split("/"):
        problem = name_problem(part)
        if problem:
            raise EvidenceError(f"expected {problem}, got {part!a}", where=ascii(path)[1:-1])
    return path


def refuse_collisions(paths: Iterable[str]) -> None:
    """Refuse two paths that are one file where case does not count.

    Raises:
        EvidenceError: Names both.
    """
    seen: dict[str, str] = {}
    for path in paths:
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        other = seen.setdefault(key, path)
        if other != path:
            raise EvidenceError(f"expected names that differ in more than case, got {other!r} and {path!r}", where=path)


def walk_files(folder: Path, *, hard_links: bool = False) -> Iterator[str]:
    """Yield the regular files below a folder as relative paths with ``/``, sorted.

    Args:
        folder: Where to look; unfinished writes in it are passed over.
        hard_links: Whether files with several names are allowed. Package installers link files from
            their cache, so a case that is read from an installed package may have them.

    Raises:
        EvidenceError: A symbolic link, a hard link, a device or socket, or an unsafe name.
    """
    yield from sorted(_walk(folder, "", hard_links))


def _walk(folder: Path, prefix: str, hard_links: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_temporary(entry.name):
                continue
            relative = safe_relative(f"{prefix}{entry.name}")
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                yield from _walk(Path(entry.path), f"{relative}/", hard_links)
            else:
                check_regular(entry.path, info, hard_links=hard_links)
                yield relative


def check_regular(path: str | Path, info: os.stat_result, *, hard_links: bool = False) -> None:
    """Refuse anything but a plain file with one name.

    Args:
        path: Named in the error.
        info: Its status, links not followed.
        hard_links: Whether several names are allowed.

    Raises:
        EvidenceError: It is a link or not a file.
    """
    if stat.S_ISLNK(info.st_mode):
        raise EvidenceError("expected a file, got a symbolic link", where=str(path))
    if not stat.S_ISREG(info.st_mode):
        raise EvidenceError("expected a file, got something else (device, pipe or socket)", where=str(path))
    if info.st_nlink > 1 and not hard_links:
        raise EvidenceError("expected a file with one name, got a hard link", where=str(path), hint="Copy the file")
