"""Values of command-line options that need more than click to be understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..cases.errors import ConfigError
from ..replayers.isolation.levels import ISOLATING

Function = TypeVar("Function", bound=Callable[..., Any])


def isolation_options(function: Function) -> Function:
    """Add ``--require-isolation`` and ``--allow-no-isolation``; ``isolation`` makes one value of them."""
    function = click.option(
        "--allow-no-isolation", is_flag=True, help="Run the system even where nothing holds it back."
    )(function)
    return require_isolation_option(function)


def require_isolation_option(function: Function) -> Function:
    """Add ``--require-isolation``."""
    return click.option(
        "--require-isolation",
        type=click.Choice(ISOLATING),
        help="Refuse to run the system at a weaker isolation than this.",
    )(function)


def isolation(required: str | None, *, none_allowed: bool) -> str:
    """Return the weakest isolation to run a system at; empty: what the configuration says."""
    if required and none_allowed:
        raise click.UsageError("--require-isolation and --allow-no-isolation exclude each other.")
    return "none" if none_allowed else required or ""


def overrides(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``--set`` values as a mapping.

    Raises:
        ConfigError: A value is not ``COMPONENT=FILE|VALUE``, or a component is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"expected COMPONENT=FILE or COMPONENT=VALUE, got {pair!r}", where="--set")
        if name in found:
            raise ConfigError(f"expected each component once, got {name!r} twice", where="--set")
        found[name] = value
    return found
