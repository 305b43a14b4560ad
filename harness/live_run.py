"""One run of ``prove`` around its verdict: its folder, what is said before live trials, and what is kept of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from .kept_trials import KeptTrials
from .live_trials import Listeners
from .proving import run_id_of
from .replaying import locate
from .results import prepare, run_folder


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun."""

    results: Path
    """The project's folder of results."""
    now: dt.datetime
    """When it began; names its folder."""
    listeners: Listeners
    """Say what live trials will take, and keep them."""


@contextmanager
def proving(case: str, *, quiet: bool) -> Iterator[Run]:
    """Begin a run; finished trials are kept until the block has ended well, which is when a result holds them.

    Args:
        case: Id or path.
        quiet: Whether to leave out what live trials will take, for machines that read it in the result.

    Raises:
        CaseError, ConfigError, EvidenceError: The case is not usable, or results cannot be written.
    """
    project, loaded = locate(case)
    results, now = prepare(project.results), dt.datetime.now(dt.UTC)  # before trials that may cost hours
    kept = KeptTrials(run_folder(results, loaded.case.id, run_id_of(now)))

    def announce(estimate: str) -> None:
        if not quiet:
            _say(estimate)
            _say(f"finished trials are kept in {kept.folder} until the result is written")

    try:
        yield Run(results, now, Listeners(announce, kept.keep))
    except BaseException:
        if kept.count:
            _say(f"{kept.count} finished trial{'s' * (kept.count > 1)} kept in {kept.folder}")
        raise
    kept.drop()


def _say(line: str) -> None:
    from ..reports.text import visible

    click.echo(visible(line), err=True)
