"""The recorded and the replayed run in two columns of a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..cases.trace import Trace
from ..replayers.replay import Divergence, FieldDifference, Replay
from .calls import answer_line, request_line
from .differences import around
from .screen import Part, Screen
from .steps import Mark, Side, Step, counts, pair_steps
from .words import GRADES, LIVE_OUTCOMES

if TYPE_CHECKING:
    from rich.text import Text

MOST_DIFFERENCES = 6
"""Fields shown for one divergence; the page and the JSON have them all."""

_STYLES: dict[Mark, str] = {
    "exact": "dim green", "noise": "dim green", "order": "yellow", "changed": "bold yellow", "new": "bold yellow",
    "live": "cyan", "static": "cyan", "not_called": "bold yellow", "not_reached": "dim",
}  # fmt: skip
_LEGEND: dict[Mark, str] = {
    "exact": "same", "noise": "same but for noise", "order": "other order", "changed": "changed",
    "new": "not in the recording", "live": "live", "static": "given by the case", "not_called": "not called",
    "not_reached": "not reached",
}  # fmt: skip
_SAME: dict[Mark, str] = {
    "exact": "same request, same answer", "noise": "same but for noise", "not_called": "not called",
    "not_reached": "not reached",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths for one screen: margin, number, side, gutter, number, side."""

    number: int
    side: int

    @classmethod
    def of(cls, screen: Screen, most: int) -> _Columns:
        number = max(2, len(str(most)))
        return cls(number, (screen.width - 2 - 2 * (number + 2) - 3) // 2)


def render_steps(screen: Screen, recording: Trace, replay: Replay) -> None:
    """Print every step of the comparison, then a legend of the marks that were used."""
    steps = pair_steps(recording, replay)
    columns = _Columns.of(screen, len(steps))
    _heading(screen, columns, recording, replay)
    for step in steps:
        _step(screen, columns, step)
        if step.ends_validity:
            _limit(screen, step)
    if replay.limit is not None and not any(step.ends_validity for step in steps):
        _limit(screen, None)
    screen.gap()
    _legend(screen, steps)


def glyph_of(screen: Screen, mark: Mark) -> str:
    """Return the character for a mark."""
    glyphs = screen.glyphs
    names: dict[Mark, str] = {"exact": glyphs.same, "not_reached": " "}
    return names.get(mark) or str(getattr(glyphs, mark))


def _heading(screen: Screen, columns: _Columns, recording: Trace, replay: Replay) -> None:
    pad = " " * (columns.number + 2)
    left = _cell(screen, columns, [("RECORDED  ", "bold"), (screen.data(recording.trace_id, columns.side - 10), "dim")])
    digest = replay.version.digest[:12] if columns.side > 40 else ""
    label = screen.data(replay.version.label, columns.side - 12)
    right = screen.text(("REPLAYED  ", "bold"), (f"{label} {digest}".rstrip(), "dim"))
    screen.print(screen.text((f" {pad}", "")).append_text(left).append("   " + pad).append_text(right))
    screen.rule()


def _cell(screen: Screen, columns: _Columns, parts: list[Part]) -> Text:
    """Return parts as a cell of exactly one side's width."""
    cell = screen.text(*parts)
    cell.truncate(columns.side, overflow="crop", pad=True)
    return cell


def _step(screen: Screen, columns: _Columns, step: Step) -> None:
    left = _side_lines(screen, columns, step.recorded, dim=step.beyond)
    right = _right_lines(screen, columns, step)
    height = max(len(left), len(right))
    blank: list[Part] = []
    for row in range(height):
        line = (
            screen.text((screen.glyphs.pointer if step.first and row == 0 else " ", "bold yellow"))
            .append_text(_number(screen, columns, step.recorded, row))
            .append_text(_cell(screen, columns, left[row] if row < len(left) else blank))
            .append_text(_gutter(screen, step, row))
            .append_text(_number(screen, columns, step.replayed, row))
            .append_text(_cell(screen, columns, right[row] if row < len(right) else blank))
        )
        line.rstrip()
        screen.print(line)
    if step.divergence and step.divergence.grade != "noise" and not step.beyond:
        _divergence(screen, columns, step, step.divergence)


def _number(screen: Screen, columns: _Columns, side: Side | None, row: int) -> Text:
    shown = str(side.number) if side and row == 0 else ""
    return screen.text((shown.rjust(columns.number) + "  ", "dim"))


def _gutter(screen: Screen, step: Step, row: int) -> Text:
    if row:
        return screen.text((f" {screen.glyphs.wall} ", "dim"))
    return screen.text((f" {glyph_of(screen, step.mark)} ", "dim" if step.beyond else _STYLES[step.mark]))


def _side_lines(
    screen: Screen, columns: _Columns, side: Side | None, *, dim: bool, stale: bool = False
) -> list[list[Part]]:
    """Return title, request and answer of one side; empty lines are left out, a stale answer is dim."""
    if side is None:
        return []
    kind, room = side.call.kind.ljust(10), columns.side - 2
    glyphs = screen.glyphs
    request = screen.fit(request_line(side.call, room, glyphs.ellipsis), room)
    answer = screen.fit(answer_line(side.call, room, glyphs.ellipsis), room)
    error = "red" if side.call.error else ""
    lines: list[list[Part]] = [
        [(kind, "dim" if dim else "cyan"), (screen.data(side.call.name, columns.side - 10), "dim" if dim else "bold")]
    ]
    if request:
        lines.append([(f"{glyphs.asked} ", "dim"), (request, "dim" if dim else "")])
    if answer:
        lines.append([(f"{glyphs.answered} ", "dim"), (answer, "dim" if dim or stale else error)])
    return lines


def _right_lines(screen: Screen, columns: _Columns, step: Step) -> list[list[Part]]:
    short = _SAME.get(step.mark)
    if step.replayed is None:
        return [[(short or "", "dim" if step.beyond else "bold yellow")]]
    same = step.outcome == "same"
    lines = _side_lines(
        screen, columns, step.replayed, dim=step.beyond or short is not None or same, stale=step.ends_validity
    )
    if same and not step.differences:
        short = f"{_LEGEND[step.mark]}, {LIVE_OUTCOMES[step.outcome]}"
    return [lines[0], [("  " + short, "dim")]] if short else lines


def _divergence(screen: Screen, columns: _Columns, step: Step, divergence: Divergence) -> None:
    """Print what differs below the row, across both columns."""
    style = "bold yellow"
    wall = (f"{screen.glyphs.wall} ", "yellow")
    title = "first divergence: " if step.first else ""
    where = f" (nearest recorded call: step {step.recorded.number})" if step.recorded and step.replayed else ""
    indent = columns.number + 3
    room = screen.width - indent - 2
    screen.line(wall, (screen.fit(f"{title}{GRADES[divergence.grade]}{where}", room), style), indent=indent)
    if divergence.message:
        screen.line(wall, (screen.data(divergence.message, room), ""), indent=indent)
    for difference in divergence.differences[:MOST_DIFFERENCES]:
        _difference(screen, difference, indent, wall)
    more = len(divergence.differences) - MOST_DIFFERENCES
    if more > 0:
        screen.line(wall, (f"and {more} more fields; the page has them all", "dim"), indent=indent)


def _difference(screen: Screen, difference: FieldDifference, indent: int, wall: Part) -> None:
    room = screen.width - indent - 6
    screen.line(wall, (screen.data(f"{difference.path} {difference.change}", room), "dim"), indent=indent)
    old, new = around(difference.recorded, difference.replayed, room)
    if difference.change != "added":
        screen.line(wall, ("  - ", "red"), (screen.fit(old, room), "red"), indent=indent)
    if difference.change != "removed":
        screen.line(wall, ("  + ", "green"), (screen.fit(new, room), "green"), indent=indent)


def _limit(screen: Screen, step: Step | None) -> None:
    side = step.replayed if step else None
    after = f" after replayed step {side.number}" if side else ""
    screen.rule(f"beyond the recording{after}: answers are only repeated", "yellow")


def _legend(screen: Screen, steps: tuple[Step, ...]) -> None:
    parts: list[Part] = []
    for mark, number in counts(steps).items():
        lead = glyph_of(screen, mark).strip()
        parts += [(lead + " " if lead else "", _STYLES[mark]), (f"{number} {_LEGEND[mark]}   ", "dim")]
    screen.line(*parts)
