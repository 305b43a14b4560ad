"""What a verdict shows and what it does not, in sentences, and the next command to type. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..replayers.replay import Replay
from ..replayers.usage import Prices
from ..reports.text import arguments
from ..scorers.own_answers import own_answers
from ..scorers.score import Score
from ..scorers.verdict import CaseVerdict, JudgedReplay, Settlement, TraceVerdict
from .estimates import Round, recorded_round
from .replaying import STATED
from .trials import rate_of, rate_words, trials_needed

_EXCERPT = 100
MODEL = "PROVIDER/NAME"
"""Stands for the model that the reader has."""
BASELINE = "VERSION"
"""Stands for the version that failed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person who gets the answer has typed, so that the next command goes on from there."""

    candidate: str | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    baseline: str | None = None

    def words(self, command: str, case: str) -> list[str]:
        """Return a command about the same version."""
        replays = command == "replay"
        words = ["unrepeat", command, case, *(["--baseline", self.baseline] if self.baseline and not replays else [])]
        words += ["--version" if replays else "--candidate", self.candidate] if self.candidate else []
        for name, value in self.components.items():
            words += ["--set", f"{name}={value}"]
        return words

    def live(self, case: str, trials: int | None = None) -> str:
        """Return the command that lets a live model answer.

        Args:
            case: Id of the case.
            trials: How many; the default number when left out.
        """
        words = [*self.words("prove", case), "--model", self.model or MODEL]
        return shlex.join([*words, *(["-n", str(trials)] if trials else [])])


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
    shown = (trace.baseline_trials for trace in verdict.traces)
    lines += [f"The baseline: {rate_words(rate_of(trials))}." for trials in shown if trials]
    return (*lines, _red_first(verdict))


def _red_first(verdict: CaseVerdict) -> str:
    if is_stated(verdict) and verdict.baseline is None:
        return "Red first: this run shows the failure that was only stated before."
    who = (
        f"the baseline {verdict.baseline.label}"
        if verdict.baseline and not _recording_is_red(verdict)
        else "the recording"
    )
    return f"Red first: {who} shows the failure."


def _recording_is_red(verdict: CaseVerdict) -> bool:
    scores = (score for trace in verdict.traces for score in trace.recorded_scores)
    return any(isinstance(score, Score) and score.passed is False for score in scores)


def is_stated(verdict: CaseVerdict) -> bool:
    """Whether the case has no trace, so that its failure is stated and not recorded."""
    return any(trace.recording.trace_id == STATED and not trace.recording.spans for trace in verdict.traces)


def not_proven(verdict: CaseVerdict) -> tuple[str, ...]:
    """Return what a verdict does not show."""
    lines: list[str] = []
    for trace in verdict.traces:
        lines += _limits(trace, verdict.assertions)
    if verdict.verdict == "fixed":
        which = "stated" if is_stated(verdict) else "recorded"
        lines.append(f"Other inputs than the {which} one: this is one case, not a rate.")
    if any(trace.trials for trace in verdict.traces):
        lines.append("How often it fails at another time: all trials are of one session.")
    if verdict.verdict == "cannot_judge":
        lines.append("Neither that the fix works nor that it does not.")
    isolation = {trace.candidate.replay.isolation for trace in verdict.traces if trace.candidate}
    lines += [_BY_ISOLATION[each] for each in sorted(isolation) if each in _BY_ISOLATION]
    return tuple(dict.fromkeys(lines))


def _by_own_answers(trace: TraceVerdict) -> list[str]:
    replay = trace.candidate.replay if trace.candidate else None
    if replay is None or replay.replayer == "python":  # a function of that name is a boundary, whoever calls it
        return []
    own = sorted({each.tool for each in own_answers(trace.recording, replay)})
    told = "told its model the result of it, which did not come from the boundary"
    return [f"That {tool} was not run inside of the program: it {told}." for tool in own]


_BY_ISOLATION = {
    "guard": "That nothing went past the boundaries to a file, a database or, from native code, the network: isolation "
    "was “guard”, which explains but does not enforce.",
    "none": "That nothing went past the boundaries: the system ran without isolation.",
    "external": "That nothing went past the boundaries: the deployment runs elsewhere, and nobody here sees what else "
    "it does.",
}


def _limits(trace: TraceVerdict, assertions: Sequence[str]) -> list[str]:
    replay = trace.candidate.replay if trace.candidate else None
    if replay is None:
        return []
    lines = []
    if replay.limit is not None:
        event = replay.events[replay.limit - 1]
        why = "its request is not the recorded one, so a live system may answer differently"
        if event.mode == "static":
            why = "the case states no answer to it"
        lines.append(f"What happens after step {replay.limit} ({event.kind} {event.name}): {why}.")
        if event.kind == "tool":
            call = f"{event.name}({arguments(event.request, _EXCERPT)})"
            lines.append(f"That the call made instead is right: {call}. The recording has no answer to it.")
    if replay.refused_at_start:
        lines.append(f"What the system would do had isolation not refused, when it started: {replay.refused[0]}.")
    lines += _by_own_answers(trace)
    if not replay.clock and replay.replayer != "trajectory":
        lines.append(
            "What depends on the date: the system saw the time of this replay, not that of the incident. "
            "State it in case.yaml: replay.boundaries.clock."
        )
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


def settlement(
    verdict: CaseVerdict, asked: Asked, taken: Round | None = None, prices: Prices | None = None
) -> Settlement | None:
    """Return what would settle a ``cannot_judge``; None where no command would.

    Args:
        verdict: What was found.
        asked: What was typed.
        taken: What one trial of every trace took, where trials have run.
        prices: Those of the live model, where they are stated.
    """
    if verdict.verdict != "cannot_judge":
        return None
    judged = next((trace.candidate for trace in verdict.traces if trace.candidate), None)
    replay = judged.replay if judged else None
    if judged is not None and (
        judged.deterministic is False
        or judged.replay.faults
        or len(judged.replay.refused) > judged.replay.refused_at_start
    ):
        return None  # a live model would leave that as it is
    if asked.model is None and replay is not None and replay.limit is None and not is_stated(verdict):
        return None  # the answers were all valid: it was not for want of a model that nothing could be said
    if any(trial.repeats for trace in verdict.traces for trial in trace.trials):
        return None  # more of the same trials would show nothing new
    passed_so_far = any(trace.rate and not trace.rate.failures for trace in verdict.traces)
    if _lost_at(replay) != "model" or (asked.model is not None and not passed_so_far):
        return None
    trials = trials_needed(verdict.severity)
    if is_stated(verdict) and asked.baseline is None:
        asked = replace(asked, baseline=BASELINE)
    per_trial = (
        taken if taken is not None and taken.calls else recorded_round([each.recording for each in verdict.traces])
    )
    estimate = per_trial.times(trials, prices)
    return Settlement(
        command=asked.live(verdict.case_id, trials),
        why="too few trials for the severity" if passed_so_far else _why(replay, stated=is_stated(verdict)),
        calls=estimate.calls,
        estimate=estimate if estimate.calls is not None else None,
    )


def _lost_at(replay: Replay | None) -> str:
    if replay is None or replay.limit is None:
        return "model"
    return replay.events[replay.limit - 1].kind


def _why(replay: Replay | None, *, stated: bool) -> str:
    if stated:
        return "a case without a trace needs a live model, and a baseline that shows the failure"
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
        case "cannot_reproduce" if is_stated(verdict) and asked.baseline is None:
            return replace(asked, baseline=BASELINE).live(verdict.case_id)
        case "cannot_reproduce":
            return f"unrepeat show {verdict.case_id}"
        case "error" if any(trial.replay.outcome == "unanswered" for trial in _trials(verdict)):
            return asked.live(verdict.case_id)
        case _ if asked.model is not None:
            return f"unrepeat report {verdict.case_id}"
        case _:
            return shlex.join(asked.words("replay", verdict.case_id))


def _trials(verdict: CaseVerdict) -> Iterator[JudgedReplay]:
    for trace in verdict.traces:
        yield from (*trace.baseline_trials, *trace.trials)


def next_for_case(case_id: str, *, draft: bool, proposed: bool, recorded: bool, promotes: bool = False) -> str:
    """Return the command most people want next with a case they look at or have made.

    Args:
        case_id: Its id.
        draft: Whether it asserts nothing yet.
        proposed: Whether assertions are proposed for it.
        recorded: Whether it has a trace.
        promotes: Whether it is a near miss that could block.
    """
    if draft:
        return f"unrepeat show {case_id}" + (" --accept 1" if proposed else "")
    if not recorded:
        return f"unrepeat prove {case_id} --baseline {BASELINE} --model {MODEL}"
    return f"unrepeat near-miss promote {case_id}" if promotes else f"unrepeat replay {case_id}"


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
