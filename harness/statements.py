"""What a verdict shows and what it does not, in sentences, and the next command to type. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..replayers.replay import Replay
from ..reports.text import arguments
from ..scorers.score import Score
from ..scorers.verdict import CaseVerdict, Settlement, TraceVerdict
from .trials import trials_needed

_EXCERPT = 100
MODEL = "PROVIDER/NAME"
"""Stands for the model that the reader has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person who gets the answer has typed, so that the next command goes on from there."""

    candidate: str | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None

    def words(self, command: str, case: str) -> list[str]:
        """Return a command about the same version."""
        option = "--version" if command == "replay" else "--candidate"
        words = ["unrepeat", command, case, *([option, self.candidate] if self.candidate else [])]
        for name, value in self.components.items():
            words += ["--set", f"{name}={value}"]
        return words


def proves(verdict: CaseVerdict) -> tuple[str, ...]:
    """Return what a verdict shows."""
    candidate = verdict.candidate.label if verdict.candidate else "the candidate"
    match verdict.verdict:
        case "fixed" if verdict.scope == "whole_run":
            lines = [f"{candidate} runs to its end without the failure; every answer it was given was valid."]
        case "fixed":
            lines = [f"{candidate} prevents the recorded action, proposed to it as it was then."]
        case "still_failing":
            back = f" It was {verdict.status} before: it is back." if verdict.status in ("fixed", "recovered") else ""
            lines = [f"{candidate} shows the failure again: {verdict.reason}.{back}"]
        case _:
            return ()
    return (*lines, _red_first(verdict))


def _red_first(verdict: CaseVerdict) -> str:
    who = (
        f"the baseline {verdict.baseline.label}"
        if verdict.baseline and not _recording_is_red(verdict)
        else "the recording"
    )
    return f"Red first: {who} shows the failure."


def _recording_is_red(verdict: CaseVerdict) -> bool:
    scores = (score for trace in verdict.traces for score in trace.recorded_scores)
    return any(isinstance(score, Score) and score.passed is False for score in scores)


def not_proven(verdict: CaseVerdict) -> tuple[str, ...]:
    """Return what a verdict does not show."""
    lines: list[str] = []
    for trace in verdict.traces:
        lines += _limits(trace, verdict.assertions)
    if verdict.verdict == "fixed":
        lines.append("Other inputs than the recorded one: this is one case, not a rate.")
    if verdict.verdict == "cannot_judge":
        lines.append("Neither that the fix works nor that it does not.")
    isolation = {trace.candidate.replay.isolation for trace in verdict.traces if trace.candidate}
    if "guard" in isolation:
        lines.append(
            "That nothing went past the boundaries to a file, a database or, from native code, the network: isolation "
            "was “guard”, which explains but does not enforce."
        )
    return tuple(dict.fromkeys(lines))


def _limits(trace: TraceVerdict, assertions: Sequence[str]) -> list[str]:
    replay = trace.candidate.replay if trace.candidate else None
    if replay is None:
        return []
    lines = []
    if replay.limit is not None:
        event = replay.events[replay.limit - 1]
        lines.append(
            f"What happens after step {replay.limit} ({event.kind} {event.name}): its request is not the recorded one, "
            "so a live system may answer differently."
        )
        if event.kind == "tool":
            call = f"{event.name}({arguments(event.request, _EXCERPT)})"
            lines.append(f"That the call made instead is right: {call}. The recording has no answer to it.")
    if replay.refused_at_start:
        lines.append(f"What the system would do had isolation not refused, when it started: {replay.refused[0]}.")
    unseen = sorted({field for event in replay.events for field in event.not_compared})
    if unseen:
        lines.append(f"Changes of what the recording does not have, which could not be compared: {', '.join(unseen)}.")
    given = [f"{row.static} {row.kind}" for row in replay.coverage if row.static]
    if given:
        lines.append(
            f"That the real thing answers as the case states, which was taken for granted: {', '.join(given)}."
        )
    unmade = [f"{row.missing} {row.kind}" for row in replay.coverage if row.missing]
    if unmade and replay.limit is None:
        lines.append(f"That the system still does its work: recorded calls it did not make: {', '.join(unmade)}.")
    already = [
        assertions[score.assertion]
        for score in trace.recorded_scores
        if isinstance(score, Score) and score.passed and score.assertion < len(assertions)
    ]
    if already:
        lines.append(f"Anything by what the recording already held: {'; '.join(already)}.")
    return lines


def settlement(verdict: CaseVerdict, asked: Asked) -> Settlement | None:
    """Return what would settle a ``cannot_judge``; None where no command would."""
    if verdict.verdict != "cannot_judge":
        return None
    judged = next((trace.candidate for trace in verdict.traces if trace.candidate), None)
    replay = judged.replay if judged else None
    if judged is not None and (
        judged.deterministic is False or len(judged.replay.refused) > judged.replay.refused_at_start
    ):
        return None  # a live model would leave that as it is
    if asked.model is None and replay is not None and replay.limit is None:
        return None  # the answers were all valid: it was not for want of a model that nothing could be said
    passed_so_far = any(trace.rate and not trace.rate.failures for trace in verdict.traces)
    if _lost_at(replay) != "model" or (asked.model is not None and not passed_so_far):
        return None
    trials = trials_needed(verdict.severity)
    command = shlex.join([*asked.words("prove", verdict.case_id), "--model", asked.model or MODEL, "-n", str(trials)])
    calls = sum(1 for event in replay.events if event.kind == "model") * trials if replay else None
    why = "too few trials for the severity" if passed_so_far else _why(replay)
    return Settlement(command=command, why=why, calls=calls)


def _lost_at(replay: Replay | None) -> str:
    if replay is None or replay.limit is None:
        return "model"
    return replay.events[replay.limit - 1].kind


def _why(replay: Replay | None) -> str:
    if replay is None or replay.limit is None:
        return "the recording cannot decide it"
    event = replay.events[replay.limit - 1]
    asked = f"the {event.kind} was asked something else at step {replay.limit}"
    return f"{asked}; only a live {event.kind} can say what it answers (extra `live`)"


def next_command(verdict: CaseVerdict, settled_by: Settlement | None, asked: Asked) -> str:
    """Return the command most people want next."""
    match verdict.verdict:
        case "fixed":
            return f"unrepeat report {verdict.case_id}"
        case "cannot_judge" if settled_by is not None:
            return settled_by.command
        case "cannot_reproduce":
            return f"unrepeat show {verdict.case_id}"
        case _:
            return shlex.join(asked.words("replay", verdict.case_id))


def after_replay(
    verdict: CaseVerdict,
    version: str | None,
    components: Mapping[str, str],
    *,
    proposed: bool = True,
    recorded: bool = False,
) -> str:
    """Return the command most people want after a replay of one version.

    Args:
        verdict: What was shown.
        version: The version that was asked for.
        components: Its overrides.
        proposed: Whether assertions are proposed for a case that has none.
        recorded: Whether it was asked for the recorded conversation, not for the system.
    """
    if not verdict.assertions:
        return f"unrepeat show {verdict.case_id}" + (" --accept 1" if proposed else "")
    driven = any(each.candidate and each.candidate.replay.replayer == "trajectory" for each in verdict.traces)
    if driven and not recorded:
        return "unrepeat init"
    if any(each.candidate and each.candidate.replay.outcome == "crashed" for each in verdict.traces):
        return "unrepeat doctor"
    return shlex.join(Asked(version, components).words("prove", verdict.case_id))
