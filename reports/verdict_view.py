"""Scores and the verdict in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..replayers.usage import Usage
from ..scorers.score import Score, ScorerFailure
from ..scorers.verdict import CaseVerdict, JudgedReplay, Settlement, TraceVerdict
from .screen import Part, Screen
from .words import COLOURS, OUTCOMES, SCOPE_MEANINGS, count, duration, money, score_mark, verdict_label

_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "undecided": "bold yellow",
    "crashed": "bold magenta",
    "absent": "dim",
}
_INDENT = 15
_LAST_LINES = 8
"""How much is shown of what a crashed system said at its end."""


def render_scores(
    screen: Screen,
    recorded: Sequence[Score | ScorerFailure],
    replayed: Sequence[Score | ScorerFailure],
    assertions: Sequence[str] = (),
) -> None:
    """Print each assertion with its mark on the recording and on the replay, and the reason for the last."""
    before = {each.assertion: each for each in recorded}
    after = {each.assertion: each for each in replayed}
    both = bool(before) and bool(after)
    title = "recording, then replay" if both else "recording" if before else "replay"
    screen.line(("SCORES  ", "bold"), (title, "dim"))
    for index in sorted(before | after):
        _score(screen, before.get(index), after.get(index), assertions[index] if index < len(assertions) else "", both)


def _score(
    screen: Screen, old: Score | ScorerFailure | None, new: Score | ScorerFailure | None, words: str, both: bool
) -> None:
    shown = new or old
    if shown is None:
        return
    marks: list[Part] = [_mark(screen, old), ("  ", ""), _mark(screen, new)] if both else [_mark(screen, shown)]
    indent = 8 if both else 5
    screen.print(
        screen.text((" ", ""), *marks, (" " * (indent - (5 if both else 2)), "")).append_text(
            screen.text((screen.data(words or shown.type, screen.width - indent), ""))
        )
    )
    reason = f"scorer crashed: {shown.error}" if isinstance(shown, ScorerFailure) else shown.reason
    screen.paragraph(reason, style="dim", indent=indent)


def _mark(screen: Screen, score: Score | ScorerFailure | None) -> Part:
    mark, glyphs = score_mark(score), screen.glyphs
    shown = {"pass": glyphs.passed, "fail": glyphs.failed, "undecided": glyphs.undecided, "crashed": glyphs.crashed}
    return shown.get(mark, " "), _STYLES[mark]


def render_run(screen: Screen, judged: JudgedReplay) -> None:
    """Print how the replay ran: replayer, isolation, outcome, time, what was refused or not understood."""
    replay = judged.replay
    told = {True: "deterministic", False: "NOT deterministic", None: ""}[judged.deterministic]
    facts = [f"{replay.replayer} replayer", f"isolation {replay.isolation}", OUTCOMES[replay.outcome]]
    facts += [f"clock {replay.clock}" if replay.clock else ""]
    facts += [duration(replay.duration_s) if replay.duration_s else "", told]
    screen.paragraph(f" {screen.glyphs.bullet} ".join(filter(None, facts)), style="dim")
    if replay.error:
        _render_error(screen, replay.error.strip().splitlines())
    for attempt in replay.refused:
        screen.paragraph(f"refused by isolation: {attempt}", style="magenta")
    for fault in replay.faults:
        screen.paragraph(f"not understood by the harness: {fault}", style="magenta")


def _render_error(screen: Screen, lines: list[str]) -> None:
    """Print how a run failed, and the end of what was told of it: the cause of a crash stands last."""
    hidden = len(lines) - 1 - _LAST_LINES
    screen.paragraph(lines[0] + (f"; {hidden} lines more on the page and in --json" if hidden > 0 else ""), style="red")
    for line in lines[1:][-_LAST_LINES:]:
        screen.paragraph(f"  {line}", style="dim red")


def render_trace_verdict(screen: Screen, verdict: TraceVerdict | CaseVerdict) -> None:
    """Print the verdict line: the word, the scope, the reason."""
    style = COLOURS[verdict.verdict]
    screen.rule(style=style)
    label = verdict_label(verdict.verdict, verdict.scope)
    screen.line((screen.encodable(label).upper(), f"bold {style}"))
    screen.paragraph(verdict.reason)


def render_proof(screen: Screen, verdict: CaseVerdict) -> None:
    """Print what the verdict shows and does not show, what would settle it, and the next command."""
    not_proven = list(verdict.not_proven)
    if verdict.scope and not not_proven:
        not_proven = [SCOPE_MEANINGS[verdict.scope]]
    screen.gap()
    _points(screen, " shows", verdict.proves)
    _points(screen, " does not show", not_proven)
    if verdict.usage is not None:
        screen.paragraph(_used(verdict.usage), indent=_INDENT, label=" took")
    if verdict.settlement:
        screen.paragraph(verdict.settlement.why + _takes(verdict.settlement), indent=_INDENT, label=" to settle")
        screen.command(verdict.settlement.command, _INDENT)
    if verdict.next_command and not (verdict.settlement and verdict.settlement.command == verdict.next_command):
        screen.command(verdict.next_command, _INDENT, " next")


def _takes(settlement: Settlement) -> str:
    """Return what settling it takes, in brackets, as far as it can be told."""
    if settlement.calls is None:
        return ""
    told = [count(settlement.calls, "model call")]
    estimate = settlement.estimate
    if estimate is not None and estimate.cost_usd is not None:
        told.append(money(estimate.cost_usd))
    if estimate is not None and estimate.seconds is not None:
        told.append(f"about {duration(estimate.seconds)}")
    return f" ({', '.join(told)})"


def _used(usage: Usage) -> str:
    tokens = "tokens not told" if usage.untold else f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out"
    retries = f", {count(usage.retries, 'retry', 'retries')}" if usage.retries else ""
    cost = money(usage.cost_usd) if usage.cost_usd is not None else "cost unknown"
    return f"{count(usage.calls, 'model call')}{retries}, {tokens}, {cost}, {duration(usage.seconds)} of waiting"


def _points(screen: Screen, label: str, sentences: Sequence[str]) -> None:
    for number, sentence in enumerate(sentences):
        screen.paragraph(sentence, indent=_INDENT, label=label if number == 0 else "")
