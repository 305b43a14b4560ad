"""What commands print for people: replays, verdicts, traces, cases, imports.

Every function takes a rich console (:func:`make_console` makes a guarded one) and prints on it. rich is imported
when something is printed, not with this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..cases.trace import Trace
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict
from .case_view import CaseRow, render_case_list, render_verdict_summary
from .import_view import ImportSummary, Proposal, render_import_summary
from .screen import Screen, make_console
from .step_view import render_steps
from .trace_view import render_trace
from .verdict_view import render_proof, render_run, render_scores, render_trace_verdict
from .words import count, stands_in

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "CaseRow",
    "ImportSummary",
    "Proposal",
    "make_console",
    "render_case_list",
    "render_import_summary",
    "render_outcome",
    "render_replay",
    "render_trace",
    "render_verdict",
    "render_verdict_summary",
]


def render_replay(
    subject: TraceVerdict | JudgedReplay,
    console: Console,
    *,
    recording: Trace | None = None,
    assertions: Sequence[str] = (),
    next_command: str = "",
) -> None:
    """Print recorded and replayed run side by side, the scores, and the verdict where there is one.

    Args:
        subject: A verdict over one trace, or a replay that was only scored.
        console: Where to print.
        recording: The recorded trace; needed with a ``JudgedReplay``.
        assertions: Each assertion in words, by its index.
        next_command: The command to type next.

    Raises:
        ValueError: A ``JudgedReplay`` without its recording.
    """
    screen = Screen(console)
    verdict = subject if isinstance(subject, TraceVerdict) else None
    judged = subject if isinstance(subject, JudgedReplay) else subject.candidate
    source = verdict.recording if verdict else recording
    if source is None:
        raise ValueError("a JudgedReplay is rendered beside its recording: pass recording=")
    if judged:
        render_run(screen, judged)
        screen.gap()
        render_steps(screen, source, judged.replay)
        screen.gap()
    render_scores(screen, verdict.recorded_scores if verdict else (), judged.scores if judged else (), assertions)
    if verdict:
        screen.gap()
        render_trace_verdict(screen, verdict)
    if next_command:
        screen.gap()
        screen.command(next_command, 7, " next")


def render_verdict(verdict: CaseVerdict, console: Console) -> None:
    """Print one case whole: its traces side by side, scores, verdict, what it proves, the next command."""
    screen = Screen(console)
    _heading(screen, verdict)
    for number, trace in enumerate(verdict.traces, 1):
        screen.gap()
        if len(verdict.traces) > 1:
            screen.rule(f"trace {number} of {len(verdict.traces)}", "bold")
            screen.gap()
        _trace(screen, trace, verdict)
    screen.gap()
    render_trace_verdict(screen, verdict)
    render_proof(screen, verdict)


def render_outcome(verdict: CaseVerdict, console: Console) -> None:
    """Print only how a case came out: the word, the scope, the reason."""
    render_trace_verdict(Screen(console), verdict)


def _trace(screen: Screen, trace: TraceVerdict, verdict: CaseVerdict) -> None:
    if trace.candidate:
        render_run(screen, trace.candidate)
        screen.gap()
        render_steps(screen, trace.recording, trace.candidate.replay)
        screen.gap()
    render_scores(screen, trace.recorded_scores, trace.candidate.scores if trace.candidate else (), verdict.assertions)
    if len(verdict.traces) > 1:
        screen.gap()
        render_trace_verdict(screen, trace)


def _heading(screen: Screen, verdict: CaseVerdict) -> None:
    screen.line((screen.data(verdict.case_id, 64), "bold"))
    screen.paragraph(verdict.title)
    facts = [verdict.kind.replace("_", " "), verdict.severity, verdict.status, f"preset {verdict.preset}"]
    if len(verdict.traces) > 1:
        facts.append(count(len(verdict.traces), "trace"))
    screen.paragraph(f" {screen.glyphs.bullet} ".join(filter(None, facts)), style="dim")
    if verdict.candidate:
        baseline = verdict.baseline.label if verdict.baseline else stands_in(verdict)
        versions = f"{baseline} {screen.glyphs.arrow} {verdict.candidate.label}"
        screen.paragraph(f"{versions} {verdict.candidate.digest[:12]}", style="dim")
