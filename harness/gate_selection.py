"""Which cases a gate is about: those named, those of a folder, or all of the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..cases.errors import CaseError, ConfigError
from ..cases.library import CaseFolder, find, list_cases
from .config import Project, load_project


@dataclass(frozen=True, slots=True)
class Selection:
    """The cases of a gate and where they come from."""

    project: Project
    folders: tuple[CaseFolder, ...]
    """In order of id, each once."""
    library: Path | None = None
    """The folder that was given; None: the project's own."""
    named: bool = False
    """Whether the cases were asked for by name."""

    @property
    def ids(self) -> frozenset[str]:
        """Ids of every case there is, asked for or not."""
        places = (self.project.incidents, *([self.library] if self.library else []))
        return frozenset(each.id for place in places for each in list_cases(place))


def select(wanted: Sequence[str], start: Path) -> Selection:
    """Return the cases that are asked for.

    Args:
        wanted: One folder, of cases or of a project; or ids and paths of cases; all of the project when empty.
        start: Folder to look for unrepeat.toml from.

    Raises:
        CaseError: There is no such case.
        ConfigError: The configuration cannot be used, or a folder of cases is given beside something else.
    """
    project = load_project(start)
    libraries = [each for each in wanted if _is_library(project, each)]
    if libraries and len(wanted) > 1:
        raise ConfigError(
            "expected one folder of cases, or cases, got both or several",
            where=libraries[0],
            hint="Run one gate a folder",
        )
    if libraries:
        return _of_folder(project, Path(libraries[0]))
    if not wanted:
        return Selection(project, tuple(list_cases(project.incidents)))
    found = {folder.path.resolve(): folder for folder in (find(project.incidents, each) for each in wanted)}
    folders = tuple(sorted(found.values(), key=lambda folder: folder.id))
    project = project if project.file is not None else load_project(folders[0].path)
    _require_one_each(folders)
    return Selection(project, folders, named=True)


def _of_folder(project: Project, folder: Path) -> Selection:
    own = load_project(folder)
    if own.file is not None and own.root == folder.resolve():
        return Selection(own, tuple(list_cases(own.incidents)))
    return Selection(project if project.file is not None else own, tuple(list_cases(folder)), folder.resolve())


def _is_library(project: Project, wanted: str) -> bool:
    """Say whether a word is a folder of cases: a folder that is neither a case nor the id of one."""
    if not wanted or not Path(wanted).is_dir():
        return False
    try:
        find(project.incidents, wanted)
    except CaseError:
        return True
    return False


def _require_one_each(folders: Sequence[CaseFolder]) -> None:
    for before, after in pairwise(folders):
        if before.id == after.id:
            raise CaseError(
                f"expected each case once, got two folders of the id {after.id!r}", where=f"{before.path}, {after.path}"
            )
