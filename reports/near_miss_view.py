"""Near misses in a terminal: what a new one resembles, and the table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..scorers.resemblance import Likeness
from .import_view import Proposal, render_proposals
from .screen import Screen
from .words import count

if TYPE_CHECKING:
    from rich.console import Console

_HEADINGS = ("NEAR MISS", "DATE", "BARRIER", "STATUS", "VERDICT", "RESEMBLES")
_STATUSES = {"open": "yellow", "fixed": "green", "recovered": "green", "retired": "dim"}


@dataclass(frozen=True, slots=True)
class NearMissRow:
    """One line of the table of near misses."""

    id: str
    date: str = ""
    """Day it happened, as far as that is known, else the day it was added."""
    barrier: str = "unknown"
    status: str = ""
    """open, fixed, recovered, retired; with ``, blocks`` where the gate fails on it while it is open."""
    resembles: str = ""
    """The nearest known case; empty where none is near."""
    verdict: str = ""
    """Of the newest result; empty where there is none."""
    problem: str = ""
    """Why it cannot be read; empty where it can."""


@dataclass(frozen=True, slots=True)
class NearMissView:
    """What is told of a new near miss."""

    case: str
    facts: Sequence[str]
    """Short facts in one line."""
    nearest: Sequence[Likeness]
    """The known cases it resembles, the nearest first."""
    compared: int
    """With how many cases it was compared."""
    unread: Sequence[str] = ()
    """Cases that could not be compared."""
    accepted: Sequence[str] = ()
    """Assertions that went into the case, as they stand in case.yaml."""
    warnings: Sequence[str] = ()
    proposals: Sequence[Proposal] = ()
    written: str = ""
    next_command: str = ""


def render_near_miss(view: NearMissView, console: Console) -> None:
    """Print what became of a near miss that was added."""
    screen = Screen(console)
    screen.line((screen.data(view.case, screen.width - 2), "bold"))
    screen.paragraph(f" {screen.glyphs.bullet} ".join(view.facts), style="dim")
    for assertion in view.accepted:
        screen.paragraph(f"asserts: {assertion}", style="green")
    for warning in view.warnings:
        screen.paragraph(warning, style="yellow", indent=3, label=" !", label_style="bold yellow")
    _resemblance(screen, view)
    render_proposals(view.proposals, console)
    screen.gap()
    screen.paragraph(f"wrote {view.written}", style="dim")
    screen.gap()
    screen.command(view.next_command, 7, " next")


def _resemblance(screen: Screen, view: NearMissView) -> None:
    cases = count(view.compared, "known case")
    told = f"the nearest of {cases}, and why" if view.nearest else f"none of {cases}"
    screen.gap()
    screen.line(("RESEMBLES  ", "bold"), (told, "dim"))
    for likeness in view.nearest:
        screen.line((screen.data(likeness.case, screen.width - 2), "bold"))
        for fact in likeness.facts:
            screen.paragraph(fact.words, indent=5, label=f"   {screen.glyphs.bullet}")
    for problem in view.unread:
        screen.paragraph(f"not compared: {problem}", style="yellow", indent=3, label=" !", label_style="bold yellow")


def render_near_misses(rows: Sequence[NearMissRow], console: Console) -> None:
    """Print the near misses of a project, one a line."""
    screen = Screen(console)
    table = [_HEADINGS, *(_cells(row) for row in rows)]
    wide = [min(max(len(cells[place]) for cells in table), 32) + 2 for place in range(len(_HEADINGS) - 1)]
    screen.line((_laid_out(screen, _HEADINGS, wide), "dim"))
    for row in rows:
        if row.problem:
            shown = screen.data(row.problem, max(screen.width - wide[0] - 3, 12))
            screen.line((screen.data(row.id, wide[0] - 2).ljust(wide[0]), "bold"), (shown, "red"))
        else:
            screen.line((_laid_out(screen, _cells(row), wide), _STATUSES.get(row.status, "")))
    screen.gap()
    screen.line((count(len(rows), "near miss", "near misses"), "dim"))


def _cells(row: NearMissRow) -> tuple[str, ...]:
    return (row.id, row.date, row.barrier, row.status, row.verdict or "-", row.resembles or "-")


def _laid_out(screen: Screen, cells: Sequence[str], wide: Sequence[int]) -> str:
    fitted = [screen.data(cell, room - 2).ljust(room) for cell, room in zip(cells, wide, strict=False)]
    return "".join([*fitted, screen.data(cells[-1], max(screen.width - sum(wide) - 2, 12))])
