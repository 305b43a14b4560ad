"""Tables of cases and of verdicts in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..scorers.verdict import CaseVerdict, VerdictWord
from .screen import Part, Screen
from .words import COLOURS, SCOPES, VERDICTS, count

if TYPE_CHECKING:
    from rich.console import Console

_SEVERITIES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_STATUSES = {"open": "yellow", "fixed": "green", "recovered": "green", "retired": "dim"}


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a list of cases."""

    id: str
    title: str
    kind: str = "incident"
    status: str = "open"
    severity: str = ""
    note: str = ""
    """Anything short at the end, such as the last verdict."""


def render_case_list(rows: Sequence[CaseRow], console: Console) -> None:
    """Print the cases of a library, one a line."""
    screen = Screen(console)
    if not rows:
        screen.line(("no cases", "dim"))
        return
    wide = [_widest(row.id for row in rows) + 2, _widest(row.status for row in rows) + 2, 10]
    for row in rows:
        kind = "" if row.kind == "incident" else row.kind.replace("_", " ")
        tail = screen.data(f" {screen.glyphs.bullet} ".join(filter(None, (kind, row.note))), 30)
        room = max(screen.width - sum(wide) - 3 - (len(tail) + 2 if tail else 0), 12)
        screen.line(
            (screen.data(row.id, wide[0] - 2).ljust(wide[0]), "bold"),
            (screen.data(row.status, wide[1] - 2).ljust(wide[1]), _STATUSES.get(row.status, "")),
            (screen.data(row.severity or "-", 8).ljust(wide[2]), _SEVERITIES.get(row.severity, "dim")),
            (screen.data(row.title, room), ""),
            (f"  {tail}" if tail else "", "dim"),
        )
    screen.gap()
    screen.line((_tally(row.status for row in rows), "dim"))


def render_case(title: str, assertions: Sequence[str], console: Console) -> None:
    """Print what a case is about and what it asserts."""
    screen = Screen(console)
    screen.paragraph(title)
    screen.gap()
    screen.line(("ASSERTS", "bold"))
    for words in assertions or ("nothing yet: this is a draft",):
        screen.paragraph(words, indent=3, label=f" {screen.glyphs.bullet}")
    screen.gap()


def render_verdict_summary(verdicts: Sequence[CaseVerdict], console: Console) -> None:
    """Print one line a case, worst verdicts first, then how many there are of each."""
    screen = Screen(console)
    if not verdicts:
        screen.line(("no cases were judged: this is not a pass", "bold red"))
        return
    order: list[VerdictWord] = ["error", "still_failing", "cannot_judge", "cannot_reproduce", "fixed"]
    wide = _widest(each.case_id for each in verdicts) + 2
    for verdict in sorted(verdicts, key=lambda each: (order.index(each.verdict), each.case_id)):
        _verdict_row(screen, verdict, wide)
    screen.gap()
    screen.line(*_verdict_tally(verdicts, order))


def _verdict_row(screen: Screen, verdict: CaseVerdict, wide: int) -> None:
    scope = SCOPES[verdict.scope] if verdict.scope else ""
    style = COLOURS[verdict.verdict]
    room = max(screen.width - 18 - wide - 17 - 1, 12)
    screen.line(
        (VERDICTS[verdict.verdict].ljust(18), f"bold {style}"),
        (screen.data(verdict.case_id, wide - 2).ljust(wide), "bold"),
        (scope.ljust(17), "dim"),
        (screen.data(verdict.reason, room), ""),
    )


def _verdict_tally(verdicts: Sequence[CaseVerdict], order: Sequence[VerdictWord]) -> list[Part]:
    found = Counter(each.verdict for each in verdicts)
    parts: list[Part] = [(f"{count(len(verdicts), 'case')}: ", "dim")]
    for word in reversed(order):
        if found[word]:
            parts += [(f"{found[word]} {VERDICTS[word].lower()}", COLOURS[word]), ("   ", "")]
    return parts


def _widest(texts: Iterable[str]) -> int:
    return min(max((len(each) for each in texts), default=0), 40)


def _tally(statuses: Iterable[str]) -> str:
    found = Counter(statuses)
    return ", ".join(f"{number} {status}" for status, number in found.items())
