"""What every command prints: JSON on request, progress for people who wait, errors in one place."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(function: Function) -> Function:
    """Add ``--json``: one JSON document on standard output and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(function)


def print_json(value: Any) -> None:
    """Print a JSON document: a verdict as its result file has it, else structs, dataclasses and builtins.

    Bytes, because JSON is UTF-8 whatever the encoding of the terminal.
    """
    from ..reports.documents import encoded, to_json
    from ..scorers.verdict import CaseVerdict

    click.echo(to_json(value) if isinstance(value, CaseVerdict) else encoded(value), nl=False)


def console() -> Console:
    """Return the console people read; plain text when it is not a terminal."""
    from ..reports.terminal import make_console

    return make_console(sys.stdout)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done on standard error, on one line, when somebody is looking."""
    shown = False

    def tell(message: str) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            from ..reports.text import shorten, visible

            shown = True
            # One line only: what wraps cannot be taken back.
            line = f"{shorten(visible(message), shutil.get_terminal_size().columns - 3)} …" if message else ""
            click.echo(f"\r\x1b[2K{line}", nl=False, err=True)

    try:
        yield tell
    finally:
        if shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
