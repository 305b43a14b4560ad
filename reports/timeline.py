"""When the spans of a trace ran, and what hangs below what."""

from __future__ import annotations

from dataclasses import dataclass

from ..cases.trace import Evaluation, Span, Trace


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span lies in its trace."""

    start: float
    """Share of the whole that had passed at its start, 0 to 1."""
    share: float
    """Its length as a share of the whole, 0 to 1."""
    duration_s: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times and depths of the spans of one trace."""

    begin_ns: int
    length_ns: int
    depths: dict[str, int]

    @property
    def timed(self) -> bool:
        """Tell whether the trace has times at all."""
        return self.length_ns > 0

    @property
    def total_s(self) -> float:
        """Return the length of the whole."""
        return self.length_ns / 1e9

    def depth(self, span: Span) -> int:
        """Return how many spans lie above this one."""
        return self.depths.get(span.span_id, 0)

    def place(self, span: Span) -> Place | None:
        """Return where a span lies; None when it, or its trace, has no times, or it came when the run was over."""
        if not self.timed or span.start_ns is None or not 0 <= span.start_ns - self.begin_ns <= self.length_ns:
            return None
        taken = max((span.end_ns if span.end_ns is not None else span.start_ns) - span.start_ns, 0)
        return Place((span.start_ns - self.begin_ns) / self.length_ns, taken / self.length_ns, taken / 1e9)


def timeline_of(trace: Trace) -> Timeline:
    """Return times and depths of a trace; a loop among parents counts as no parent.

    Scores are often given hours after the run: they do not make it longer.
    """
    run = [span for span in trace.spans if not isinstance(span.view, Evaluation)] or trace.spans
    starts = [span.start_ns for span in run if span.start_ns is not None]
    ends = [span.end_ns for span in run if span.end_ns is not None]
    begin = min(starts, default=0)
    return Timeline(begin, max(max(ends + starts, default=0) - begin, 0), _depths(trace))


def _depths(trace: Trace) -> dict[str, int]:
    parents = {span.span_id: span.parent_id for span in trace.spans}
    depths: dict[str, int] = {}
    for span_id in parents:
        chain: list[str] = []
        at = span_id
        while at in parents and at not in depths and at not in chain[-64:]:
            chain.append(at)
            at = parents[at]
        base = depths.get(at, -1)
        for height, each in enumerate(reversed(chain), 1):
            depths[each] = base + height
    return depths
