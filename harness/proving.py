"""Prove: the baseline shows the failure, the candidate does not; stage by stage, with a verdict at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import msgspec

from ..cases.errors import CaseError, ConfigError, ReplayError
from ..cases.trace import Trace
from ..replayers.live import LiveModel, ModelUnavailableError
from ..replayers.replay import Replay, Version
from ..replayers.system import Checkout
from ..scorers.registry import compile_all, require_known_traces
from ..scorers.score import Scorer, words_of
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict
from .import_summary import evidence_items
from .judging import judged, trace_verdict
from .replaying import Plan, replay_case, replay_version
from .statements import Asked, next_command, not_proven, proves, settlement
from .trials import DEFAULT_TRIALS, run_trials, verdict_of_trials
from .verdict import worst
from .versions import resolve, with_components

Progress = Callable[[str], None]
"""Called with what is being done, for people who wait."""


def silent(_: str) -> None:
    """Progress for callers that do not want any."""


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


def prove(
    what: Plan,
    proof: Proof,
    *,
    now: dt.datetime,
    tool_version: str,
    progress: Progress = silent,
    checkout: Checkout | None = None,
) -> CaseVerdict:
    """Judge a case.

    Args:
        what: The case and its system.
        proof: Which versions to compare.
        now: The time the result is stamped with, in UTC.
        tool_version: Version of unrepeat, for the result.
        progress: Told of each stage.
        checkout: The candidate with its components, where a caller of many cases has it ready.

    Returns:
        The verdict with everything it rests on.

    Raises:
        CaseError: The case is a draft, or has no trace.
        ConfigError: A version or component is not known, or no system is described.
        ScorerError: An assertion cannot be compiled.
    """
    scorers = _scorers(what)
    with ExitStack() as stack:
        baseline, candidate = _versions(what, proof, checkout, stack)
        traces = tuple(
            _prove_trace(what, scorers, trace, baseline, candidate, proof, progress)
            for trace in what.loaded.document.traces
        )
    return _verdict(what, scorers, traces, baseline, candidate, proof, now, tool_version)


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
    proof = Proof(candidate=version, components=components)
    return _verdict(what, scorers, traces, None, replays[0].version, proof, now, tool_version)


def _scorers(what: Plan) -> tuple[Scorer, ...]:
    case = what.loaded.case
    if case.is_draft:
        raise CaseError(
            "expected at least one assertion, got none: the case asserts nothing yet",
            where=f"{what.where}: assert",
            hint=f"`unrepeat show {case.id}` proposes assertions that are red on the recording",
        )
    if not what.loaded.document.traces:
        raise CaseError("expected a trace to replay, got a case without one", where=what.where)
    scorers = compile_all(case.assertions)
    require_known_traces(scorers, [trace.trace_id for trace in what.loaded.document.traces])
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
    proof: Proof,
    progress: Progress,
) -> TraceVerdict:
    case = what.loaded.case.id
    before = None
    if baseline is not None:
        progress(f"{case}: replaying the baseline {baseline.version.label}")
        before = judged(scorers, trace, _replay(with_recorded_model(what), trace, baseline))
    if proof.model is not None:
        return _live_trials(what, scorers, trace, before, candidate, proof, progress)
    progress(f"{case}: replaying the candidate {candidate.version.label}")
    first = _replay(what, trace, candidate)
    progress(f"{case}: replaying the candidate once more, to see that it does the same")
    second = _replay(what, trace, candidate)
    same = first.digest == second.digest
    return trace_verdict(scorers, trace, before, judged(scorers, trace, first, deterministic=same))


def with_recorded_model(what: Plan) -> Plan:
    """Return a plan in which the recording answers for the model: a baseline has to show the recorded failure."""
    return replace(what, modes=replace(what.modes, live=what.modes.live - {"model"}))


def _live_trials(
    what: Plan,
    scorers: tuple[Scorer, ...],
    trace: Trace,
    baseline: JudgedReplay | None,
    candidate: Checkout,
    proof: Proof,
    progress: Progress,
) -> TraceVerdict:
    with closing(LiveModel(proof.model or "")) as model:

        def trial(number: int) -> JudgedReplay:
            progress(
                f"{what.loaded.case.id}: trial {number} of {proof.trials} with {model.name}, {model.calls} calls so far"
            )
            return judged(scorers, trace, _replay(what, trace, candidate, model))

        done = run_trials(proof.trials, trial)
    return verdict_of_trials(scorers, trace, baseline, done, what.loaded.case.severity or "")


def _replay(what: Plan, trace: Trace, checkout: Checkout, model: LiveModel | None = None) -> Replay:
    """Replay one trace; a version that does not even start is a crashed replay of it, not a crash of ours."""
    try:
        return replay_version(what, trace, checkout, model)
    except ReplayError as error:
        unanswered = isinstance(error, ModelUnavailableError)
        return Replay(
            case_id=what.loaded.case.id,
            version=checkout.version,
            replayer="python",
            outcome="unanswered" if unanswered else "crashed",
            trace=Trace(trace_id=trace.trace_id, source=trace.source),
            trace_id=trace.trace_id,
            error=str(error),
        )


def _verdict(
    what: Plan,
    scorers: tuple[Scorer, ...],
    traces: tuple[TraceVerdict, ...],
    baseline: Checkout | None,
    candidate: Checkout | Version,
    proof: Proof,
    now: dt.datetime,
    tool_version: str,
) -> CaseVerdict:
    case = what.loaded.case
    decision = worst(traces)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    verdict = CaseVerdict(
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
        run_id=now.strftime("%Y%m%dT%H%M%S%fZ"),
    )
    return _with_statements(verdict, proof)


def _with_statements(verdict: CaseVerdict, proof: Proof) -> CaseVerdict:
    asked = Asked(proof.candidate, proof.components, proof.model)
    settled_by = settlement(verdict, asked)
    return msgspec.structs.replace(
        verdict,
        proves=proves(verdict),
        not_proven=not_proven(verdict),
        settlement=settled_by,
        next_command=next_command(verdict, settled_by, asked),
    )
