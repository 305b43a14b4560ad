"""What the command line can do, for Python."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..cases.errors import ConfigError, UnrepeatError
from ..cases.files import write_atomic
from ..scorers.verdict import CaseVerdict
from . import results
from .importing import import_trace
from .live_trials import NO_CAPS, Caps, Listeners, Progress, silent
from .proving import Proof, show
from .proving import prove as _prove
from .replaying import locate, plan
from .taking import ImportRequest
from .trials import DEFAULT_TRIALS
from .version import VERSION

__all__ = [
    "Caps",
    "ImportRequest",
    "Listeners",
    "Written",
    "import_trace",
    "prove",
    "replay",
    "report",
    "status_of",
    "write_report",
]


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a report."""

    page: Path
    json: Path
    verdict: CaseVerdict
    """What they say."""


def replay(
    case: str,
    *,
    version: str | None = None,
    components: Mapping[str, str] | None = None,
    recorded: bool = False,
    isolation: str = "",
) -> CaseVerdict:
    """Replay every trace of a case once and score it.

    Args:
        case: Id or path.
        version: A named version or directory; the working tree by default.
        components: Overrides by component name, a file or a value each.
        recorded: Drive the recorded conversation again instead of running the system.
        isolation: The weakest isolation to run the system at: ``netns``, ``landlock``, ``guard`` or ``none``. By
            default guard for a callable and landlock for a program.
    """
    return show(
        plan(case, isolation=isolation),
        version=version,
        components=components or {},
        recorded=recorded,
        now=_now(),
        tool_version=VERSION,
    )


def prove(  # noqa: PLR0913 - the options of the command
    case: str,
    *,
    baseline: str | None = None,
    candidate: str | None = None,
    components: Mapping[str, str] | None = None,
    model: str | None = None,
    trials: int = DEFAULT_TRIALS,
    caps: Caps | None = None,
    progress: Progress = silent,
    listeners: Listeners | None = None,
    now: dt.datetime | None = None,
    isolation: str = "",
) -> CaseVerdict:
    """Judge whether a candidate fixes a case; nothing is written.

    Args:
        case: Id or path.
        baseline: The version that failed, a name or directory; the recording by default.
        candidate: The version to judge, a name or directory; the working tree by default.
        components: Overrides of the candidate by component name.
        model: A live model by its Inspect name (extra ``live``); recorded answers by default.
        trials: Most trials with a live model.
        caps: The most calls or cost the trials may take; a trial that would go beyond is not run.
        progress: Told of each stage.
        listeners: Told of what live trials will take, and given each as it ends.
        now: When the run began; it names the result. The present by default.
        isolation: The weakest isolation to run the system at; see ``replay``.
    """
    proof = Proof(baseline, candidate, components or {}, model, trials, caps or NO_CAPS)
    return _prove(
        plan(case, model=model is not None, isolation=isolation),
        proof,
        now=now or _now(),
        tool_version=VERSION,
        progress=progress,
        listeners=listeners,
    )


def report(case: str, *, out: Path | None = None) -> Written:
    """Write the newest result of a case as one HTML page and one JSON file.

    Args:
        case: Id or path of the case, or a result.json.
        out: The page; beside the result by default.

    Raises:
        CaseError: There is no result yet, or it cannot be read.
        ConfigError: Beside the page lies a JSON file that is no result; it is left alone.
    """
    given = Path(case)
    if given.is_file() and given.name.endswith(".json"):
        source = given
    else:
        project, loaded = locate(case)
        source = results.latest(project.results, loaded.case.id)
    page = out or source.with_name("report.html")
    _refuse_foreign(page)
    return write_report(results.load(source), page)


def status_of(verdict: CaseVerdict) -> str:
    """Return the status of a verdict's case as it is now; as it was then where the case is not at hand."""
    try:
        return locate(verdict.case_id)[1].case.status
    except UnrepeatError:
        return verdict.status


def _refuse_foreign(page: Path) -> None:
    """Refuse a place where a page, or the JSON beside it, would replace what is no report of ours."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise ConfigError("expected the name of a page such as report.html, got another", where=f"--out {page}")
    if page.is_dir():
        raise ConfigError("expected the name of a page, got a folder", where=f"--out {page}")
    data = page.with_suffix(".json")
    if (os.path.lexists(page) and not _is_page(page)) or (os.path.lexists(data) and not _is_result(data)):
        raise ConfigError(
            "expected a place for the page and the JSON beside it, got a file that is no report",
            where=str(page if os.path.lexists(page) and not _is_page(page) else data),
            hint="Choose another name with --out",
        )


def _is_page(path: Path) -> bool:
    from ..reports.html import PAGE_MARK

    try:
        with path.open("rb") as file:
            return PAGE_MARK.encode() in file.read(4096)
    except OSError:
        return False


def _is_result(path: Path) -> bool:
    try:
        results.load(path)
    except UnrepeatError:
        return False
    return True


def write_report(verdict: CaseVerdict, page: Path) -> Written:
    """Write a verdict as one HTML page and, beside it, as JSON."""
    from ..reports.documents import to_json
    from ..reports.html import render_page
    from ..reports.secrets import without_secrets

    data = page.with_suffix(".json")
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(page, without_secrets(render_page(verdict).encode()))
    write_atomic(data, without_secrets(to_json(verdict)))
    return Written(page=page, json=data, verdict=verdict)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
