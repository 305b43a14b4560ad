"""One trace as a timeline in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cases.trace import Span, ToolCall, Trace
from .calls import answer_line, call_of_span, is_boundary, kind_of, request_line
from .screen import Part, Screen
from .timeline import Timeline, timeline_of
from .words import count, duration

if TYPE_CHECKING:
    from rich.console import Console

_BAR = 16


def render_trace(trace: Trace, console: Console) -> None:
    """Print the spans of a trace in order: what each asked, what it got, when it ran, what is not observed.

    The numbers are those of the steps in a replay: calls at boundaries only.
    """
    screen = Screen(console)
    timeline = timeline_of(trace)
    _heading(screen, trace, timeline)
    steps = 0
    for span in trace.spans:
        steps += is_boundary(span)
        _span(screen, trace, timeline, str(steps) if is_boundary(span) else "", span)
    if trace.output not in (None, ""):
        screen.gap()
        screen.paragraph(screen.data(trace.output, screen.width * 4), indent=10, label=" output")


def _heading(screen: Screen, trace: Trace, timeline: Timeline) -> None:
    screen.line((screen.data(trace.trace_id, screen.width - 2), "bold"))
    total = duration(timeline.total_s) if timeline.total_s else ""
    order = "" if timeline.timed else "no times: in the order of the source"
    facts = [trace.source.format, trace.source.file, count(len(trace.spans), "span"), total, order]
    screen.paragraph(f" {screen.glyphs.bullet} ".join(filter(None, facts)), style="dim")
    for name, origin in trace.origins.items():
        told = " ".join(filter(None, (origin.kind, f"by {origin.by}" if origin.by else "", origin.note)))
        screen.paragraph(f"{name}: {told}", style="yellow")
    if trace.input not in (None, ""):
        screen.gap()
        screen.paragraph(screen.data(trace.input, screen.width * 4), indent=10, label=" input")
    screen.gap()


def _span(screen: Screen, trace: Trace, timeline: Timeline, number: str, span: Span) -> None:
    call = call_of_span(trace, span)
    depth = min(timeline.depth(span), 6)
    lead = len(str(len(trace.spans))) + 2
    room = screen.width - lead - 2 * depth - 3
    tail = _tail(screen, timeline, span)
    kind = kind_of(span).ljust(11)
    name = screen.data(call.name, max(room - len(kind) - _BAR - 12, 12))
    title: list[Part] = [(f"{number:>{lead - 2}}  ", "dim"), ("  " * depth, ""), (kind, "cyan"), (name, "bold")]
    proposed = isinstance(span.view, ToolCall) and span.view.stage == "proposed"
    title += [("  proposed", "yellow")] if proposed else []
    used = sum(len(text) for text, _ in title)
    title += [(" " * max(screen.width - used - _BAR - 11, 1), ""), *tail]
    screen.line(*title)
    indent = lead + 2 * depth + 1
    for glyph, text in (
        (screen.glyphs.asked, request_line(call, room - 2, screen.glyphs.ellipsis)),
        (screen.glyphs.answered, answer_line(call, room - 2, screen.glyphs.ellipsis)),
    ):
        if text:
            style = "red" if call.error and glyph == screen.glyphs.answered else ""
            screen.line((f"{glyph} ", "dim"), (screen.fit(text, room - 2), style), indent=indent)
    if span.origins:
        told = ", ".join(f"{name} {origin.kind}" for name, origin in span.origins.items())
        screen.line((screen.data(told, room), "yellow"), indent=indent)


def _tail(screen: Screen, timeline: Timeline, span: Span) -> list[Part]:
    """Return the bar of a span within the whole, and how long it took."""
    place = timeline.place(span)
    if place is None:
        return []
    begin = min(round(place.start * _BAR), _BAR - 1)
    length = max(round(place.share * _BAR), 1)
    bar = " " * begin + screen.glyphs.bar * min(length, _BAR - begin)
    return [(bar.ljust(_BAR), "blue"), (duration(place.duration_s).rjust(10), "dim")]
