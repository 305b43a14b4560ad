"""What commands print for people: replays, verdicts, traces, cases, imports.

Every function takes a rich console (:func:`make_console` makes a guarded one) and prints on it. rich is imported
when something is printed, not with this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..cases.trace import Trace
from ..scorers.gate_result import GateResult
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict
from .case_view import CaseRow, render_case_list, render_verdict_summary
from .import_view import ImportSummary, Proposal, render_import_summary
from .likeness import Alike, alike_traces, alike_verdicts, ranges, tally
from .screen import Screen, make_console
from .step_view import render_steps
from .trace_view import render_trace
from .verdict_view import render_proof, render_run, render_scores, render_trace_verdict
from .words import OUTCOMES, count, stands_in, verdict_label

if TYPE_CHECKING:
    from rich.console import Console

MOST_GROUPS = 5
"""Of traces that came out alike, groups whose first trace is shown whole; of the others a line each."""
MOST_LINES = 40

__all__ = [
    "CaseRow",
    "ImportSummary",
    "Proposal",
    "make_console",
    "render_case_list",
    "render_gate",
    "render_import_summary",
    "render_outcome",
    "render_replay",
    "render_replays",
    "render_trace",
    "render_traces",
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


def render_replays(verdict: CaseVerdict, console: Console, *, next_command: str) -> None:
    """Print the replays of a case that were only scored: of traces that came out alike the first."""
    screen = Screen(console)
    groups = alike_verdicts(verdict)
    for group in groups[:MOST_GROUPS]:
        trace = verdict.traces[group.number - 1]
        _title(screen, group, len(verdict.traces))
        if trace.candidate is not None:
            render_replay(trace.candidate, console, recording=trace.recording, assertions=verdict.assertions)
        screen.gap()
    _more_groups(screen, verdict, groups[MOST_GROUPS:], _outcome)
    screen.command(next_command, 7, " next")


def render_traces(traces: Sequence[Trace], console: Console) -> None:
    """Print the traces of a case: of those with the same calls the first."""
    screen = Screen(console)
    groups = alike_traces(traces)
    for group in groups[:MOST_GROUPS]:
        _title(screen, group, len(traces))
        render_trace(traces[group.number - 1], console)
        screen.gap()
    for group in groups[MOST_GROUPS : MOST_GROUPS + MOST_LINES]:
        named = screen.data(traces[group.number - 1].trace_id, screen.width - 20)
        screen.line((f"trace {group.number}{_like(group)}  ", "bold"), (named, "dim"))
    _left_out(screen, len(groups))


def render_verdict(verdict: CaseVerdict, console: Console) -> None:
    """Print one case whole: its traces side by side, scores, verdict, what it proves, the next command.

    Of traces that came out alike only the first is printed.
    """
    screen = Screen(console)
    _heading(screen, verdict)
    groups = alike_verdicts(verdict)
    for group in groups[:MOST_GROUPS]:
        screen.gap()
        _title(screen, group, len(verdict.traces))
        _trace(screen, verdict.traces[group.number - 1], verdict)
    screen.gap()
    _more_groups(screen, verdict, groups[MOST_GROUPS:], _judgement)
    render_trace_verdict(screen, verdict)
    if len(verdict.traces) > 1:
        screen.paragraph(tally(verdict.traces), style="dim", label=" ")
    render_proof(screen, verdict)


def _title(screen: Screen, group: Alike, total: int) -> None:
    """Print which trace comes now, and which others are like it."""
    if total == 1:
        return
    screen.rule(f"trace {group.number} of {total}{_like(group)}", "bold")
    if group.others:
        screen.paragraph(f"alike, with other values: {ranges(group.others)}", style="dim")
    screen.gap()


def _like(group: Alike) -> str:
    return f", and {len(group.others)} alike" if group.others else ""


def _judgement(trace: TraceVerdict) -> str:
    return f"{verdict_label(trace.verdict, trace.scope)}: {trace.reason}"


def _outcome(trace: TraceVerdict) -> str:
    """Return how a replay that was only scored came out; it is no verdict on a fix."""
    return OUTCOMES[trace.candidate.replay.outcome] if trace.candidate else ""


def _more_groups(
    screen: Screen, verdict: CaseVerdict, groups: Sequence[Alike], words: Callable[[TraceVerdict], str]
) -> None:
    """Print a line for each group that is not shown whole."""
    for group in groups[:MOST_LINES]:
        told = screen.data(words(verdict.traces[group.number - 1]), screen.width - 30)
        screen.line((f"trace {group.number}{_like(group)}  ", "bold"), (told, "dim"))
    _left_out(screen, len(groups) + MOST_GROUPS)
    if groups:
        screen.gap()


def _left_out(screen: Screen, groups: int) -> None:
    more = groups - MOST_GROUPS - MOST_LINES
    if more > 0:
        screen.line((f"and {more} more; --json has them all", "dim"))


def render_gate(result: GateResult, console: Console, *, details: bool = False) -> None:
    """Print what a gate said: each case, what blocks, the headline; text of traces only with ``details``."""
    from .gate_view import render

    render(Screen(console), result, details=details)


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
