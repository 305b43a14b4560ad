"""The demo: the shipped incidents, copied to a folder to play with, and each of them judged."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from ..cases.errors import ConfigError
from ..cases.files import write_atomic
from ..cases.library import list_cases
from ..cases.locks import locked
from ..scorers.verdict import CaseVerdict, VerdictWord
from .initializing import furnish
from .schemas import schema_text
from .statements import Asked

FOLDER = "unrepeat-demo"
_MARK = ".unrepeat-demo"
_UNFINISHED = "A copy of the incidents that ship with unrepeat, not finished.\n"
_MARK_TEXT = "A copy of the incidents that ship with unrepeat; made by `unrepeat demo`.\n"
_COPIED = ("incidents", "support_desk", "traces", "unrepeat.toml")
_ATTEMPT = "support_desk/attempts/keyword_filter/support_desk/guard.py"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing the demo shows."""

    case: str
    heading: str
    expected: VerdictWord
    candidate: str = "v2"
    components: dict[str, str] = field(default_factory=dict)
    in_full: bool = False
    """Whether the two runs are printed side by side."""

    def command(self) -> str:
        """Return the command that does the same by hand."""
        return shlex.join(Asked(self.candidate, self.components).words("prove", self.case))


CHAPTERS = (
    Chapter(
        "inc-hidden-instruction",
        "An instruction hidden in a gift note was followed. The first attempted fix, a keyword filter, is still red",
        "still_failing",
        candidate="v1",
        components={"guard": _ATTEMPT},
    ),
    Chapter(
        "inc-hidden-instruction",
        "The second one, a guard that lets a change through only in the customer's own words, holds",
        "fixed",
        in_full=True,
    ),
    Chapter("inc-superseded-policy", "A superseded policy was cited to a customer", "fixed"),
    Chapter("inc-wrong-account", "A tool was called with another customer's account", "fixed"),
    Chapter("inc-blind-approval", "A reviewer approved because the evidence was not on the screen", "fixed"),
    Chapter("nm-refund-amount", "A near miss: a wrong refund, caught by review", "fixed"),
    Chapter("inc-internal-note", "A note for colleagues was read out to the customer. Judged to the end", "fixed"),
    Chapter("inc-renamed-field", "A vendor renamed a field of the model's answer, and a default took over", "fixed"),
    Chapter(
        "inc-promised-date",
        "The fix is a new prompt. A recording cannot say what a model answers to it, and unrepeat says so",
        "cannot_judge",
    ),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One chapter and what came out."""

    chapter: Chapter
    verdict: CaseVerdict
    page: Path

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one this release ships with."""
        return self.verdict.verdict == self.chapter.expected


def materialize(folder: Path) -> Path:
    """Copy the example into a folder, replacing an earlier copy of it that nobody has changed.

    A whole copy of this very release is left as it is: another demo may be reading it.

    Raises:
        ConfigError: The folder holds something else, or a copy that was changed.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise _foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / _MARK
    with locked(folder), resources.as_file(resources.files("unrepeat.cases.shipped")) as source:
        if not mark.is_file() and any(folder.iterdir()):
            raise _foreign(folder)
        whole = f"{_MARK_TEXT}{_digest(folder)}\n"
        found = mark.read_text("utf-8", "replace") if mark.is_file() else _UNFINISHED
        _refuse_changed(folder, found, whole)
        release = f"of {_release(source)}\n"
        if found != whole + release:
            write_atomic(mark, _UNFINISHED.encode())
            for name in _COPIED:
                _copy(source / name, folder / name)
            furnish(folder / "incidents")
            write_atomic(mark, f"{_MARK_TEXT}{_digest(folder)}\n{release}".encode())
    return folder


def cases_in(folder: Path) -> int:
    """Return how many cases a materialized copy holds; the chapters are about some of them."""
    return len(list_cases(folder / "incidents"))


def _foreign(folder: Path) -> ConfigError:
    return ConfigError(
        "expected a new folder or an earlier demo, got something else",
        where=str(folder),
        hint="Choose another with --dir",
    )


def _refuse_changed(folder: Path, found: str, whole: str) -> None:
    """Refuse a copy that people have worked in; one that was never finished is nobody's work."""
    if found != _UNFINISHED and not found.startswith(whole):
        raise ConfigError(
            "expected an earlier demo as it was, got one that was changed",
            where=str(folder),
            hint="Choose another folder with --dir, or remove this one",
        )


def _release(source: Path) -> str:
    """Return a digest over what this release copies and what it adds."""
    return hashlib.sha256(f"{_digest(source)}\0{schema_text('case')}".encode()).hexdigest()


def _digest(folder: Path) -> str:
    """Return a digest over names and contents of the copied files, caches left out."""
    digest = hashlib.sha256()
    for name in _COPIED:
        top = folder / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".unrepeat"))
    else:
        shutil.copyfile(source, target)


def play(folder: Path, progress: Callable[[str], None]) -> Iterator[Played]:
    """Judge each shipped incident, write its page, and yield it.

    Args:
        folder: A materialized copy.
        progress: Told of each stage.
    """
    import datetime as dt

    from .api import write_report
    from .proving import Proof, prove
    from .replaying import plan
    from .results import save
    from .version import VERSION

    for chapter in CHAPTERS:
        what = plan(chapter.case, start=folder)
        components = {name: str(folder / value) for name, value in chapter.components.items()}
        proof = Proof(candidate=chapter.candidate, components=components)
        verdict = prove(what, proof, now=dt.datetime.now(dt.UTC), tool_version=VERSION, progress=progress)
        result = save(what.project.results, verdict)
        yield Played(chapter, verdict, write_report(verdict, result.with_name("report.html")).page)
