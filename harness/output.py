"""What every command prints: JSON on request, progress for people who wait, errors in one place."""

from __future__ import annotations

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
    """Print a JSON document; msgspec structs and pydantic-free builtins."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


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
            shown = True
            click.echo(f"\r\x1b[2K{message} …", nl=False, err=True)

    try:
        yield tell
    finally:
        if shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
