"""What a gate writes for other programs: JUnit, a comment in Markdown, annotations of a GitHub run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from ..cases.errors import ConfigError
from ..cases.files import write_atomic
from ..reports.text import visible
from .gating import Gated

_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms that were asked for besides the one on standard output."""

    junit: Path | None = None
    markdown: Path | None = None
    github: bool = False

    def require_places(self) -> None:
        """Refuse a file that cannot be written, before anything runs.

        Raises:
            ConfigError: Its folder does not exist, or a device or folder stands in its place.
        """
        for option, path in (("--junit", self.junit), ("--markdown", self.markdown)):
            if path is not None and not path.absolute().parent.is_dir():
                raise ConfigError("expected a file in a folder that exists, got none", where=f"{option} {path}")
            if path is not None and path.exists() and not path.is_file():
                raise ConfigError("expected a file, got something else", where=f"{option} {path}")

    def write(self, gated: Gated, *, err: bool = False) -> None:
        """Write them all.

        Args:
            gated: What the gate said.
            err: Whether annotations go to standard error, because standard output is JSON.
        """
        from ..reports.github import to_annotations
        from ..reports.junit import to_junit
        from ..reports.markdown import to_markdown

        result = gated.result
        if self.junit is not None:
            write_atomic(self.junit, to_junit(result))
        if self.markdown is not None:
            write_atomic(self.markdown, to_markdown(result).encode())
        if self.github:
            click.echo(to_annotations(result, _places(gated).__getitem__), nl=False, err=err)
            _add_to_summary(to_markdown(result), os.environ)


def _places(gated: Gated) -> dict[str, str]:
    """Return the case.yaml of each case, relative to the root of the repository."""
    return {case_id: _in_repository(folder / "case.yaml") for case_id, folder in gated.folders.items()}


def _in_repository(path: Path) -> str:
    resolved = path.resolve()
    root = next((each for each in resolved.parents if (each / ".git").exists()), Path.cwd().resolve())
    return Path(os.path.relpath(resolved, root)).as_posix()


def _add_to_summary(text: str, environ: Mapping[str, str]) -> None:
    """Add to the summary of the job, where GitHub says in which file that is.

    What the gate says does not depend on it: a file that cannot be written is told, and the exit code stays.
    """
    path = environ.get(_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        told = f"expected a file that can be written, got: {error.strerror}"
        click.echo(visible(f"warning: {_SUMMARY} {path}: {told}. The summary is missing"), err=True)
