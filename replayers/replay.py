"""What one replay produced: boundary events, divergences and a new trace.

A replay is judged up to the first answer that is no longer valid; everything after it is *beyond the
recording*. Each boundary event therefore says how its request compared with the recording, where its
answer came from, and whether that answer is valid.
"""

from __future__ import annotations

from typing import Any, Literal

from ..cases.trace import Record, Trace

BoundaryKind = Literal["model", "retrieval", "tool", "approval", "user"]
Mode = Literal["recorded", "live", "static"]
Match = Literal["exact", "noise", "none", "not_compared"]
Grade = Literal[
    "noise",
    "order",
    "changed_request_same_answer_valid",
    "changed_outcome",
    "changed_request",
    "unrecorded_call",
    "missing_call",
]
"""Grades of divergence. Validity is lost by ``changed_request`` and ``unrecorded_call`` only."""

Outcome = Literal["completed", "stopped", "crashed", "timed_out", "unanswered"]
"""completed: the system returned; stopped: the recording had no answer (``on_miss: fail``); crashed: the
system raised or its process died; timed_out; unanswered: a live model could not be reached, so nothing was learned."""


class FieldDifference(Record):
    """One field in which a replayed call differs from the recorded one."""

    path: str
    """JSON-pointer-like path inside the request or the answer, such as ``/messages/3/content``."""
    change: Literal["changed", "added", "removed"]
    recorded: Any = None
    replayed: Any = None


class Divergence(Record):
    """A boundary call that differs from the recording, with the fields that differ."""

    seq: int
    """Step number of the event in the replay; for a missing call, the number of events before its place."""
    grade: Grade
    kind: BoundaryKind
    name: str
    message: str
    """One sentence for people."""
    call_path: tuple[str, ...] = ()
    recorded_span_id: str = ""
    """The recorded call it was compared with: the nearest one."""
    differences: tuple[FieldDifference, ...] = ()
    loses_validity: bool = False


class BoundaryEvent(Record):
    """One call at a boundary, as the replayed system made it."""

    seq: int
    """Step number, from 1."""
    kind: BoundaryKind
    name: str
    mode: Mode
    match: Match
    valid: bool
    """True when the answer that was served is one the recording (or the live boundary) really gives to
    this request, and every earlier answer was valid too."""
    call_path: tuple[str, ...] = ()
    occurrence: int = 0
    request: Any = None
    answer: Any = None
    error: str = ""
    outcome: Literal["", "same", "same_normalised", "changed"] = ""
    """For live and static answers: how they compare with the recorded one, byte for byte or after the
    system's documented normalisation; empty when there is nothing to compare with."""
    not_compared: tuple[str, ...] = ()
    """Fields of the request that the recording does not have, so that a change in them could not be seen."""
    recorded_span_id: str = ""
    """The recorded call whose answer was served (or which was compared with, when live)."""
    span_id: str = ""
    """The span in ``Replay.trace`` this event became."""
    resumes: int = 0
    """For a model request that differs from the recorded one in its messages only: how many of the first ones are
    the recorded ones, where a message of the same role follows; all of them where only what tools answered
    differs. 0 for every other request."""


class Version(Record):
    """One version of the system under test."""

    label: str
    """What people call it: ``recording``, ``working tree``, a directory."""
    digest: str = ""
    """SHA-256 over the files (or overrides) of the version; empty for the recording."""
    path: str = ""


class Coverage(Record):
    """How the calls of one boundary were answered."""

    kind: BoundaryKind
    exact: int = 0
    noise: int = 0
    unmatched: int = 0
    """Not answered by a valid recorded answer."""
    live: int = 0
    """Answered by the real thing, or by a live model."""
    static: int = 0
    """Answered by a value that the case states."""
    missing: int = 0
    """Recorded calls that the replayed system never made."""


class Replay(Record):
    """One re-run of a case against one version of the system."""

    case_id: str
    version: Version
    replayer: str
    """trajectory, python, command or http."""
    outcome: Outcome
    trace: Trace
    """The new trace; its spans are the boundary events in order, plus the final output."""
    trace_id: str = ""
    """The recorded trace that was replayed."""
    preset: str = "code-change"
    events: tuple[BoundaryEvent, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    limit: int | None = None
    """Step of the first answer that was not valid; None when all answers were valid to the end."""
    error: str = ""
    """What the system raised, or what stopped it."""
    coverage: tuple[Coverage, ...] = ()
    isolation: str = "none"
    refused: tuple[str, ...] = ()
    """Attempts to reach the outside that isolation refused."""
    refused_at_start: int = 0
    """How many of them, the first ones, were made before the entry was called."""
    faults: tuple[str, ...] = ()
    """What the system asked of the harness in no form that it understands, or what it could not answer, in words."""
    unfinished: tuple[str, ...] = ()
    """What was still at work when the system returned, and was ended then: threads of its own code, processes, or
    parts of a deployment, whose calls are answered for a moment more."""
    unseen: tuple[str, ...] = ()
    """What the system may still do that the replay could not show, in words: parts of its answer that nobody can
    read, live boundaries whose answer nobody told, timers that are due later, handlers of its end that do not end."""
    functions: tuple[str, ...] = ()
    """The boundary functions this version has, as ``kind:name`` (``tool:*`` where one runs tools by name)."""
    clock: str = ""
    """What time the system saw, and how it was shown: ``2026-03-03T10:00:00Z, replaced functions``; empty: its own."""
    clock_doubt: str = ""
    """Why the system may not have seen the time that the case states; empty where it did, or none is stated."""
    environment: dict[str, Any] = {}
    duration_s: float = 0.0
    digest: str = ""
    """SHA-256 over requests, answers and output in canonical form; equal for identical replays."""

    def headline(self) -> Divergence | None:
        """Return the first divergence with validity lost, else the first of any grade but noise."""
        for divergence in self.divergences:
            if divergence.loses_validity:
                return divergence
        return next((each for each in self.divergences if each.grade != "noise"), None)
