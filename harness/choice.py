"""Which proposals a person accepts: as said on the command line, else as answered at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..cases.errors import ConfigError
from ..scorers.proposals import Proposal
from .output import console


def choose(proposals: Sequence[Proposal], accept: str | None, *, ask: bool) -> list[int]:
    """Return the indices of the proposals that are accepted.

    Args:
        proposals: What is proposed.
        accept: As typed after ``--accept``; None when it was not.
        ask: Whether a person at a terminal may be asked.

    Raises:
        ConfigError: A number names no proposal.
    """
    if accept is not None:
        return parse_choice(accept, len(proposals))
    if not proposals or not ask or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return []
    from ..reports.import_view import render_proposals
    from .import_summary import rows

    render_proposals(rows(proposals), console())
    answer = click.prompt("Accept which? (numbers, all, none)", default="none", err=True)
    return parse_choice(answer, len(proposals))


def parse_choice(text: str, count: int) -> list[int]:
    """Return indices from 0 for ``all``, ``none`` or numbers from 1 such as ``1,3``.

    Raises:
        ConfigError: A number names no proposal.
    """
    word = text.strip().lower()
    if word == "all":
        return list(range(count))
    if word in ("", "none"):
        return []
    numbers = [part for part in word.replace(",", " ").split() if part]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= count for part in numbers):
        if not count:
            raise ConfigError(f"expected none, because nothing is proposed, got {text!r}", where="--accept")
        raise ConfigError(f"expected all, none or numbers from 1 to {count}, got {text!r}", where="--accept")
    return sorted({int(part) - 1 for part in numbers})
