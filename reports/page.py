"""What the page of one run holds, worked out before any markup is written (``reports.sections`` does that)."""

from __future__ import annotations

from dataclasses import dataclass

from ..scorers.verdict import CaseVerdict, TraceVerdict
from .differences import Segment
from .facts import Fact
from .steps import Step
from .values import Value


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span on the timeline."""

    anchor: str
    number: str
    """Step number; empty for what is not a call at a boundary."""
    kind: str
    name: str
    depth: int
    bar: tuple[float, float] | None
    """Begin and length in percent; None without times."""
    took: str
    proposed: bool
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """All spans of one run."""

    title: str
    rows: tuple[SpanRow, ...]
    left_out: int
    total: str
    """How long the run took; empty without times."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, cut into what is the same and what is not."""

    path: str
    change: str
    old: tuple[Segment, ...]
    new: tuple[Segment, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a step."""

    number: int
    kind: str
    name: str
    request: str
    answer: str
    failed: bool
    anchor: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of the comparison."""

    step: Step
    left: Half | None
    right: Half | None
    grade: str
    message: str
    differences: tuple[Difference, ...]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """A link from a score to a span."""

    anchor: str
    label: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One score."""

    mark: str
    reason: str
    scope: str
    evidence: tuple[Evidence, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion with its scores."""

    words: str
    type: str
    recorded: Judged | None
    baseline: Judged | None
    candidate: Judged | None


@dataclass(frozen=True, slots=True)
class Section:
    """One trace of the case, shown whole."""

    number: int
    """Its place in the case, from 1."""
    others: str
    """The traces that came out like it, such as ``2-11, 13``; empty for none."""
    verdict: TraceVerdict
    assertions: tuple[Assertion, ...]
    steps: tuple[StepRow, ...]
    steps_left_out: int
    lanes: tuple[Lane, ...]
    environment: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of the table of all traces."""

    number: int
    verdict: TraceVerdict
    user: str
    shown: int
    """Number of the trace that shows what this one looks like: itself, or the one it is like; 0 for none."""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    verdict: CaseVerdict
    traces: tuple[TraceRow, ...]
    """Every trace of a case that has several; empty for one."""
    tally: str
    """How many of them came out how."""
    traces_left_out: int
    sections: tuple[Section, ...]
    """The traces that are shown whole: of those that came out alike the first."""
    sources: tuple[tuple[str, str], ...]
    """The files the traces came from: digest, then name and format."""
    evidence: tuple[tuple[str, int], ...]
    """How many of the evidence items are in each state."""
