"""Which known cases a near miss resembles, among those of its project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..cases.assertions import ASSERTION_ADAPTER, Assertion
from ..cases.errors import UnrepeatError
from ..cases.library import LoadedCase, list_cases, load
from ..scorers.features import Failure, Features
from ..scorers.resemblance import Likeness, compare
from .config import Project, load_project
from .showing import proposals_for

NEAREST = 3
"""Most known cases that are named."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """The known cases that a near miss resembles."""

    nearest: tuple[Likeness, ...]
    """At most three, the nearest first."""
    compared: int
    """With how many cases it was compared."""
    unread: tuple[str, ...]
    """Cases that could not be read, each with the reason."""


class KnownCases:
    """The cases of a project, each read once.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._features: list[Features] = []
        self._unread: list[str] = []
        for folder in list_cases(project.incidents):
            try:
                self._features.append(features_of(load(folder)))
            except UnrepeatError as error:
                self._unread.append(f"{folder.id}: {error}")

    def resembled_by(self, case: LoadedCase) -> Resemblance:
        """Return the cases that a case resembles; itself is left out."""
        own = (each for each in self._features if each.failure.id == case.case.id)
        found = compare(next(own, None) or features_of(case), self._features)
        others = sum(each.failure.id != case.case.id for each in self._features)
        return Resemblance(found[:NEAREST], others, tuple(self._unread))


def resemblance_of(case: LoadedCase, start: Path | None = None) -> Resemblance:
    """Return which cases of its project a case resembles.

    Args:
        case: The case.
        start: Folder to look for unrepeat.toml from; the current one by default.
    """
    return KnownCases(load_project(start or Path.cwd())).resembled_by(case)


def features_of(loaded: LoadedCase) -> Features:
    """Return what is compared of a case; for a draft stands what is proposed first."""
    case = loaded.case
    return Features(
        Failure(
            id=case.id,
            traces=loaded.document.traces,
            assertions=tuple(case.assertions),
            proposed=tuple(_proposed(loaded)),
            category=case.failure.category if case.failure else "",
            barrier=case.barrier,
        )
    )


def _proposed(loaded: LoadedCase) -> Iterator[Assertion]:
    """Yield the most convincing proposal: the others are often about what is usual in the system."""
    for proposal in proposals_for(loaded)[:1]:
        yield ASSERTION_ADAPTER.validate_python(proposal.assertion)
