"""Files of a case folder: safe names, atomic writes, locks.

A reader sees a file, a folder or an edit of several files either as it was before or as it is after, also
when the writer was killed half-way:

- one file: temporary file beside it, fsync, rename, fsync of the folder;
- a new folder: built under a temporary name beside it, then renamed;
- several files of a folder: all new contents are written to a pending folder, which is renamed to its final
  name (the commit), then moved file by file. Whoever locks the folder next finishes a committed edit and
  drops an uncommitted one.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import EvidenceError
from .locks import locked

TEMPORARY = ".unrepeat-tmp-"
"""Start of the names of things that were never finished."""
PENDING = ".unrepeat-edit"
"""Folder that holds a committed edit whose files are not all in place yet."""


def is_temporary(name: str) -> bool:
    """Say whether a file name belongs to an unfinished write."""
    return name.startswith(TEMPORARY) or name == PENDING


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder durable."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace (or create) a file so that no reader ever sees a part of it.

    Args:
        path: The file; its folder must exist. A symbolic link there is replaced, not followed.
        data: The whole new content.
        mode: Permission bits, reduced by the umask.
    """
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        _write_new(temporary, data, mode)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        raise _about(error, path) from None
    sync_folder(path.parent)


def _about(error: BaseException, target: Path) -> BaseException:
    """Return an error of the system that names what was to be written, not the temporary file on the way there."""
    if isinstance(error, OSError) and not isinstance(error, FileExistsError):
        return OSError(error.errno, error.strerror, str(target))
    return error


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Build a folder that appears complete or not at all.

    Args:
        target: The folder to create; its parent is made when missing.

    Yields:
        An empty folder to write into with ordinary means; it becomes ``target`` on leaving the block.

    Raises:
        FileExistsError: ``target`` exists already.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent):
        remove_leftovers(target.parent)
        if os.path.lexists(target):
            raise FileExistsError(str(target))
        temporary = target.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
        temporary.mkdir()
        try:
            yield temporary
            _sync_tree(temporary)
            os.rename(temporary, target)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise _about(error, target) from None
        sync_folder(target.parent)


def remove_leftovers(folder: Path) -> list[str]:
    """Remove what killed runs left in a folder. The caller holds its lock, so nobody is still writing."""
    removed = []
    for entry in os.scandir(folder):
        if entry.name.startswith(TEMPORARY):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
            removed.append(entry.name)
    return removed


class Edit:
    """The new contents of several files of one folder, applied together."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.touched = False

    def write(self, name: str, data: bytes) -> None:
        """Stage the new content of a file, by its path relative to the folder, with ``/``."""
        path = self._staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _write_new(path, data, 0o644)
        self.touched = True


@contextmanager
def editing(folder: Path) -> Iterator[Edit]:
    """Lock a folder and change several of its files as one: all of them, or none.

    Yields:
        The edit to stage contents in; they are applied on leaving the block without an exception.
    """
    with locked(folder):
        settle(folder)
        staging = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        staging.mkdir()
        try:
            edit = Edit(staging)
            yield edit
            if edit.touched:
                _sync_tree(staging)
                os.rename(staging, folder / PENDING)  # the commit
                sync_folder(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        settle(folder)


def has_pending_edit(folder: Path) -> bool:
    """Say whether a killed run left a committed edit that is not in place yet."""
    return os.path.isdir(folder / PENDING)


def settle(folder: Path) -> None:
    """Finish a committed edit and drop an uncommitted one. The caller holds the folder's lock."""
    pending = folder / PENDING
    if os.path.islink(pending):
        raise EvidenceError("expected a folder, got a symbolic link", where=str(pending), hint="Remove it")
    if pending.is_dir():
        for root, _, names in os.walk(pending):
            for name in names:
                source = Path(root, name)
                target = folder / source.relative_to(pending)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
                sync_folder(target.parent)
        shutil.rmtree(pending)
    remove_leftovers(folder)


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(root, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(root))
