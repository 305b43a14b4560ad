"""What an import found out, in a terminal: what the trace can prove, what it cannot, what to add."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..cases.readers.summary import TraceSummary
from .screen import Screen
from .text import cell_width, inline
from .words import STATES, count

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"present": "green", "inferred": "yellow", "missing": "red", "not applicable": "dim"}
_NAME = 50
_ID = "TRACE"
_WIDEST_ID = 48
_TIME = 21
"""Columns of a time to the second, in UTC."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An assertion that a person may accept."""

    words: str
    """The assertion in a sentence."""
    yaml: str = ""
    """As it would stand in case.yaml, on one line."""
    reason: str = ""
    """Why it is proposed: what on the recording makes it red."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What ``import`` tells at its end."""

    title: str
    """What was imported: the case id, or the file."""
    facts: Sequence[str] = ()
    """Short facts in one line: format, traces, spans, redactions."""
    accepted: Sequence[str] = ()
    """Assertions that went into the case, as they stand in case.yaml."""
    warnings: Sequence[str] = ()
    can: Sequence[str] = ()
    """With this trace you can prove …"""
    cannot: Sequence[str] = ()
    """… you cannot prove …"""
    add: Sequence[str] = ()
    """… add … to prove …"""
    completeness: Sequence[Mapping[str, Any]] = ()
    """The 14 evidence items: name, state, where."""
    proposals: Sequence[Proposal] = ()
    next_command: str = ""
    written: Sequence[str] = field(default=())
    """Paths that were written."""


def render_import_summary(summary: ImportSummary, console: Console) -> None:
    """Print the end of an import."""
    screen = Screen(console)
    screen.line((screen.data(summary.title, screen.width - 2), "bold"))
    screen.paragraph(f" {screen.glyphs.bullet} ".join(summary.facts), style="dim")
    for assertion in summary.accepted:
        screen.paragraph(f"asserts: {assertion}", style="green")
    for warning in summary.warnings:
        screen.paragraph(warning, style="yellow", indent=3, label=" !", label_style="bold yellow")
    _completeness(screen, summary.completeness)
    _sentences(screen, "WITH THIS TRACE YOU CAN PROVE", summary.can, screen.glyphs.passed, "green")
    _sentences(screen, "YOU CANNOT PROVE", summary.cannot, screen.glyphs.failed, "red")
    _sentences(screen, "ADD", summary.add, "+", "cyan")
    _proposals(screen, summary.proposals)
    for path in summary.written:
        screen.paragraph(f"wrote {path}", style="dim")
    if summary.next_command:
        screen.gap()
        screen.command(summary.next_command, 7, " next")


def render_proposals(proposals: Sequence[Proposal], console: Console) -> None:
    """Print proposed assertions, numbered, for a person to choose from."""
    _proposals(Screen(console), proposals)


def _sentences(screen: Screen, title: str, sentences: Sequence[str], glyph: str, style: str) -> None:
    if not sentences:
        return
    screen.gap()
    screen.line((title, "bold"))
    for sentence in sentences:
        screen.paragraph(sentence, indent=3, label=f" {glyph}", label_style=f"bold {style}")


def _completeness(screen: Screen, items: Sequence[Mapping[str, Any]]) -> None:
    if not items:
        return
    screen.gap()
    states = [str(item.get("state", "missing")) for item in items]
    tally = ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
    screen.line(("EVIDENCE  ", "bold"), (f"{count(len(items), 'item')}: {tally}", "dim"))
    for item, state in zip(items, states, strict=True):
        style, where = _STYLES.get(state, ""), str(item.get("where", ""))
        told = where if state == "present" and where else ": ".join(filter(None, (state, where)))
        screen.line(
            (_glyph(screen, state), style),
            (screen.data(item.get("name", ""), _NAME - 2).ljust(_NAME), ""),
            (screen.data(told, max(screen.width - _NAME - 5, 8)), "dim" if state == "present" else style),
        )


def _glyph(screen: Screen, state: str) -> str:
    glyphs = screen.glyphs
    shown = {"present": glyphs.passed, "inferred": glyphs.noise, "missing": glyphs.failed}
    return shown.get(state, glyphs.not_called).ljust(3)


def _proposals(screen: Screen, proposals: Sequence[Proposal]) -> None:
    if not proposals:
        return
    screen.gap()
    screen.line(
        ("PROPOSED ASSERTIONS  ", "bold"), ("red on this recording; accept those that state the failure", "dim")
    )
    for number, proposal in enumerate(proposals, 1):
        screen.paragraph(proposal.words, indent=5, label=f" {number}.".ljust(5), label_style="bold")
        if proposal.reason:
            screen.paragraph(proposal.reason, style="dim", indent=5)
        if proposal.yaml:
            screen.paragraph(proposal.yaml, style="cyan", indent=5)


def render_trace_list(rows: Sequence[TraceSummary], console: Console) -> None:
    """Print the traces of a file to choose from: two lines a trace.

    Trace ids are printed whole: they are what ``--trace-id`` takes.
    """
    screen = Screen(console)
    if not rows:
        screen.line(("no traces", "dim"))
        return
    wide = min(max(len(_ID), *(cell_width(row.trace_id) for row in rows)), _WIDEST_ID) + 2
    screen.line((f"{_ID.ljust(wide)}{'STARTED':<{_TIME}}{'SPANS':>5}{'ERRORS':>8}  SESSION", "dim"))
    for row in rows:
        _trace_row(screen, row, wide)
    screen.gap()
    screen.line((count(len(rows), "trace"), "dim"))


def _trace_row(screen: Screen, row: TraceSummary, wide: int) -> None:
    shown = screen.encodable(inline(row.trace_id))
    line = screen.text(
        (" " + shown + " " * max(wide - cell_width(shown), 1), "bold"),
        (_started(row.start_ns).ljust(_TIME), "dim"),
        (f"{row.spans:>5}", ""),
        (f"{row.errors:>8}  ", "red" if row.errors else "dim"),
        (screen.data(row.session, max(screen.width - wide - _TIME - 17, 12)), ""),
    )
    line.rstrip()
    screen.print(line)
    tools = screen.data(", ".join(row.tools), screen.width // 3)
    title = screen.data(row.title, screen.width - 6 - cell_width(tools))
    screen.line((title, ""), ("  " * bool(title and tools), ""), (tools, "cyan"), indent=4)


def _started(start_ns: int | None) -> str:
    """Return a time to the second, in UTC; a recorded time need not be one that a calendar has."""
    try:
        moment = dt.datetime.fromtimestamp((start_ns or 0) // 1_000_000_000, dt.UTC)
    except (OverflowError, OSError, ValueError):
        return "-"
    return "-" if start_ns is None else moment.strftime("%Y-%m-%d %H:%M:%S")
