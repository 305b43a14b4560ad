"""Prove: the baseline shows the failure, the candidate does not; stage by stage, with a verdict at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import msgspec

from ..cases.custody import utc
from ..cases.errors import CaseError, ConfigError
from ..cases.evidence import require_intact
from ..cases.trace import Trace
from ..replayers.replay import Version
from ..replayers.system import Checkout
from ..scorers.registry import compile_all, require_known_traces
from ..scorers.score import Scorer, words_of
from ..scorers.verdict import CaseVerdict, TraceVerdict
from .import_summary import evidence_items
from .judging import judged, trace_verdict
from .live_trials import NO_CAPS, Caps, Connect, Listeners, Progress, Session, live_session, silent
from .parallel import in_parallel
from .replaying import STATED, Plan, replay_case, replay_outcome, turns_of
from .stated import RECORDING, prove_stated, without_model
from .statements import Asked, next_command, not_proven, proves, settlement
from .trials import DEFAULT_TRIALS, verdict_of_trials
from .verdict import worst
from .versions import resolve, with_components


@dataclass(frozen=True, slots=True)
class Proof:
    """What to prove."""

    baseline: str | None = None
    """A named version or directory; None: the recording stands in."""
    candidate: str | None = None
    """A named version or directory; None: the working tree."""
    components: Mapping[str, str] = field(default_factory=dict)
    """Overrides of the candidate by component name."""
    model: str | None = None
    """A live model by its Inspect name; None: recorded answers."""
    trials: int = DEFAULT_TRIALS
    """Most trials with a live model."""
    caps: Caps = NO_CAPS
    """The most that they may take."""


def prove(
    what: Plan,
    proof: Proof,
    *,
    now: dt.datetime,
    tool_version: str,
    progress: Progress = silent,
    listeners: Listeners | None = None,
    connect: Connect | None = None,
    checkout: Checkout | None = None,
) -> CaseVerdict:
    """Judge a case.

    Args:
        what: The case and its system.
        proof: Which versions to compare.
        now: The time the result is stamped with, in UTC.
        tool_version: Version of unrepeat, for the result.
        progress: Told of each stage.
        listeners: Told of what live trials will take, and given each as it ends.
        connect: Makes the live model; by its name by default.
        checkout: The candidate with its components, where a caller of many cases has it ready.

    Returns:
        The verdict with everything it rests on.

    Raises:
        CaseError: The case is a draft, or has neither a trace nor an input to run with.
        ConfigError: A version or component is not known, no system is described, or the model cannot be called.
        EvidenceError: The case's evidence is not as it was left.
        ScorerError: An assertion cannot be compiled.
    """
    require_intact(what.loaded.folder.path)
    scorers = _scorers(what)
    with ExitStack() as stack:
        baseline, candidate = _versions(what, proof, checkout, stack)
        session = None
        if proof.model is not None:
            live = live_session(
                what,
                proof.model,
                proof.trials,
                proof.caps,
                progress=progress,
                listeners=listeners,
                connect=connect,
            )
            session = stack.enter_context(live)
        traces = _traces(what, scorers, baseline, candidate, session, progress)
        verdict = _verdict(what, scorers, traces, baseline, candidate, now, tool_version)
    return _with_statements(verdict, proof, session)


def _traces(
    what: Plan,
    scorers: tuple[Scorer, ...],
    baseline: Checkout | None,
    candidate: Checkout,
    session: Session | None,
    progress: Progress,
) -> tuple[TraceVerdict, ...]:
    """Return the verdict over each trace; over what stands for one where the case has none."""
    recorded = what.loaded.document.traces
    if not recorded:
        turns_of(what, RECORDING)  # refused before anything is run
        return (prove_stated(session, scorers, baseline, candidate) if session is not None else without_model(),)

    def judge_one(number: int) -> TraceVerdict:
        told = progress if len(recorded) == 1 else _counting(progress, number, len(recorded))
        return _prove_trace(what, scorers, recorded[number], baseline, candidate, session, told)

    # A live model is asked for one trial at a time: the first failure ends them, and each costs.
    most = 1 if session is not None else None
    return tuple(in_parallel(judge_one, range(len(recorded)), most=most))


def _counting(progress: Progress, number: int, total: int) -> Progress:
    """Return progress that also says which trace of a case it is about."""
    return lambda message: progress(f"{message} (trace {number + 1} of {total})" if message else "")


def show(
    what: Plan,
    *,
    version: str | None,
    components: Mapping[str, str],
    recorded: bool,
    now: dt.datetime,
    tool_version: str,
) -> CaseVerdict:
    """Replay a case once and score it, without judging a fix: what ``unrepeat replay`` shows.

    Raises:
        CaseError, ConfigError, ReplayError, ScorerError: As for ``prove``; a draft is accepted.
    """
    scorers = () if what.loaded.case.is_draft else _scorers(what)
    replays = replay_case(what, version=version, components=components, recorded=recorded)
    traces = tuple(
        trace_verdict(scorers, trace, None, judged(scorers, trace, replay))
        for trace, replay in zip(what.loaded.document.traces, replays, strict=True)
    )
    verdict = _verdict(what, scorers, traces, None, replays[0].version, now, tool_version)
    return _with_statements(verdict, Proof(candidate=version, components=components))


def _scorers(what: Plan) -> tuple[Scorer, ...]:
    case = what.loaded.case
    if case.is_draft:
        raise CaseError(
            "expected at least one assertion, got none: the case asserts nothing yet",
            where=f"{what.where}: assert",
            hint=f"`unrepeat show {case.id}` proposes assertions that are red on the recording",
        )
    scorers = compile_all(case.assertions)
    require_known_traces(scorers, [trace.trace_id for trace in what.loaded.document.traces] or [STATED])
    return scorers


def _versions(
    what: Plan, proof: Proof, checkout: Checkout | None, stack: ExitStack
) -> tuple[Checkout | None, Checkout]:
    if what.system is None:
        raise ConfigError(
            "expected a described system to prove a fix of, got none",
            where=what.where,
            hint="run `unrepeat init` and describe the system in unrepeat.toml",
        )
    baseline = resolve(what.project, what.system, proof.baseline) if proof.baseline is not None else None
    if checkout is not None:
        return baseline, checkout
    candidate = resolve(what.project, what.system, proof.candidate)
    return baseline, stack.enter_context(with_components(candidate, what.system, proof.components))


def _prove_trace(
    what: Plan,
    scorers: tuple[Scorer, ...],
    trace: Trace,
    baseline: Checkout | None,
    candidate: Checkout,
    session: Session | None,
    progress: Progress,
) -> TraceVerdict:
    case = what.loaded.case.id
    before = None
    if baseline is not None:
        progress(f"{case}: replaying the baseline {baseline.version.label}")
        before = judged(scorers, trace, replay_outcome(with_recorded_model(what), trace, baseline))
    if session is not None:
        done = session.trials("candidate", trace, candidate, lambda replay: judged(scorers, trace, replay))
        return verdict_of_trials(scorers, trace, before, done, what.loaded.case.severity or "")
    progress(f"{case}: replaying the candidate {candidate.version.label}")
    first = replay_outcome(what, trace, candidate)
    progress(f"{case}: replaying the candidate once more, to see that it does the same")
    second = replay_outcome(what, trace, candidate)
    same = first.digest == second.digest
    witnessed = {event.name for event in before.replay.events if event.kind == "tool"} if before is not None else ()
    after = judged(scorers, trace, first, deterministic=same, witnessed=witnessed)
    return trace_verdict(scorers, trace, before, after)


def with_recorded_model(what: Plan) -> Plan:
    """Return a plan in which the recording answers for the model: a baseline has to show the recorded failure."""
    return replace(what, modes=replace(what.modes, live=what.modes.live - {"model"}))


def _verdict(
    what: Plan,
    scorers: tuple[Scorer, ...],
    traces: tuple[TraceVerdict, ...],
    baseline: Checkout | None,
    candidate: Checkout | Version,
    now: dt.datetime,
    tool_version: str,
) -> CaseVerdict:
    case = what.loaded.case
    decision = worst(traces)
    stamp = utc(now)
    return CaseVerdict(
        case_id=case.id,
        title=case.title,
        verdict=decision.verdict,
        reason=decision.reason,
        scope=decision.scope,
        kind=case.kind,
        severity=case.severity or "",
        status=case.status,
        baseline=baseline.version if baseline is not None else None,
        candidate=candidate.version if isinstance(candidate, Checkout) else candidate,
        traces=traces,
        assertions=tuple(map(words_of, scorers)),
        preset=case.replay.preset,
        digests=what.loaded.digests,
        completeness=evidence_items(what.loaded),
        created_at=stamp,
        tool_version=tool_version,
        run_id=run_id_of(now),
    )


def run_id_of(now: dt.datetime) -> str:
    """Return the id of a run that began at a time; it names its folder among the results."""
    return now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _with_statements(verdict: CaseVerdict, proof: Proof, session: Session | None = None) -> CaseVerdict:
    if session is not None:
        verdict = msgspec.structs.replace(
            verdict, model=session.model.name, estimate=session.expected(), usage=session.usage
        )
    asked = Asked(proof.candidate, proof.components, proof.model, proof.baseline)
    settled_by = settlement(verdict, asked, session.a_round() if session else None, session.prices if session else None)
    return msgspec.structs.replace(
        verdict,
        proves=proves(verdict),
        not_proven=not_proven(verdict),
        settlement=settled_by,
        next_command=next_command(verdict, settled_by, asked),
    )
