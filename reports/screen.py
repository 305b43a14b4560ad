"""A terminal as reports use it: width, glyphs it can show, and safe text on it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, cast

from .text import excerpt, guard_lines, inline, shorten

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 132
"""Longer lines are hard to follow with the eye; wider terminals get a margin on the right."""

Part = tuple[str, str]
"""Text and its rich style."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters a report draws with."""

    passed: str = "✓"
    failed: str = "✗"
    undecided: str = "?"
    crashed: str = "!"
    same: str = "="
    noise: str = "≈"
    changed: str = "≠"
    order: str = "↕"
    new: str = "+"
    live: str = "●"
    static: str = "○"
    not_called: str = "–"
    rule: str = "─"
    wall: str = "│"
    bar: str = "█"
    asked: str = "›"
    answered: str = "‹"
    arrow: str = "→"
    pointer: str = "▶"
    bullet: str = "·"
    ellipsis: str = "…"


UNICODE = Glyphs()
ASCII = Glyphs(
    passed="+", failed="x", noise="~", changed="!", order="^", new="*", live="o", static="c", not_called="-",
    rule="-", wall="|", bar="#", asked=">", answered="<", arrow="->", pointer=">", bullet="-", ellipsis="...",
)  # fmt: skip
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "·": "-", "→": "->"})


class Screen:
    """What the render functions write on.

    Args:
        console: Any rich console; its width, encoding and colour choice are respected.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(min(console.width, WIDEST), 40)

    @cached_property
    def glyphs(self) -> Glyphs:
        """Return glyphs that the console's encoding can show."""
        try:
            "✓✗≈≠↕●○–─│█›‹→▶·…".encode(self.console.encoding)
        except (UnicodeEncodeError, LookupError):
            return ASCII
        return UNICODE

    def encodable(self, text: str) -> str:
        """Return text the console can write; what its encoding lacks is escaped."""
        if self.glyphs is UNICODE:
            return text
        encoding = self.console.encoding
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)

    def fit(self, text: str, limit: int) -> str:
        """Return one line that is already safe, cut to ``limit`` columns."""
        return shorten(self.encodable(text), limit, self.glyphs.ellipsis)

    def data(self, value: Any, limit: int) -> str:
        """Return a safe one-line excerpt of a recorded value."""
        return self.fit(excerpt(value, limit, self.glyphs.ellipsis), limit)

    def text(self, *parts: Part) -> Text:
        """Return a line made of styled parts; each is one safe line by now."""
        from rich.text import Text

        line = Text(no_wrap=True, end="")
        for content, style in parts:
            line.append(content, style=style or None)
        return line

    def line(self, *parts: Part, indent: int = 1) -> None:
        """Print one line, cut at the right edge."""
        line = self.text((" " * indent, ""), *parts)
        line.truncate(self.width, overflow="crop")
        line.rstrip()
        self.print(line)

    def print(self, line: Text) -> None:
        """Print one prepared line."""
        line.end = "\n"
        self.console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False)

    def gap(self) -> None:
        """Print an empty line."""
        self.console.print()

    def paragraph(
        self, text: str, *, style: str = "", indent: int = 1, label: str = "", label_style: str = "dim"
    ) -> None:
        """Print text wrapped at the right edge, with a label before its first line.

        Args:
            text: Untrusted text; shown as one paragraph.
            style: Style of the text.
            indent: Columns before the text; the label stands in them.
            label: Short text of ours in front of the first line.
            label_style: Style of the label.
        """
        from rich.text import Text

        body = Text(self.encodable(inline(text)), style=style)
        lines = body.wrap(self.console, max(self.width - indent, 16), tab_size=4)
        for number, line in enumerate(lines or [Text()]):
            lead = label.ljust(indent) if number == 0 else " " * indent
            line.rstrip()
            self.print(self.text((lead, label_style if lead.strip() else "")).append_text(line))

    def command(self, command: str, indent: int, label: str = "") -> None:
        """Print a command whole, however long, so that it can be copied."""
        prompt = self.text((label.ljust(indent), "dim"), ("$ ", "dim"), (self.encodable(inline(command)), "bold"))
        self.print(prompt)

    def rule(self, title: str = "", style: str = "dim") -> None:
        """Print a line across, with a title near its left end."""
        glyph = self.glyphs.rule
        room = self.width - 2
        lead = f"{glyph * 2} {self.fit(title, room - 6)} " if title else ""
        from rich.cells import cell_len

        self.line((lead + glyph * (room - cell_len(lead)), style))


class GuardedFile:
    """A text file that never writes a line which a CI system would take for a command."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write ``text``, commands at the start of lines disarmed."""
        return self._file.write(guard_lines(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def make_console(file: IO[str] | None = None, *, width: int | None = None, colour: bool | None = None) -> Console:
    """Return a console for reports: guarded, without markup, emoji codes or highlighting.

    Args:
        file: Where to write; standard output by default.
        width: Columns; by default those of the terminal, 100 when the output is piped or a file.
        colour: False for plain text always; by default what the terminal and ``NO_COLOR`` say.
    """
    from rich.console import Console

    class Honest(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process with the exit code of a verdict

    target = file or sys.stdout
    console = Honest(
        file=cast("IO[str]", GuardedFile(target)), markup=False, emoji=False, highlight=False, soft_wrap=False,
        color_system=None if colour is False else "auto", width=width,
    )  # fmt: skip
    if width is None and not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 100
    return console
