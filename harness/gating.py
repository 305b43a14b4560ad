"""Gate: run the cases, one after the other, and say what the policy makes of them. ``harness.gate`` has the rules."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ..cases import evidence
from ..cases.errors import ConfigError
from ..replayers.isolation.levels import Level, stronger
from ..scorers.gate_result import Claim, GateResult
from . import results
from .authority import Authority, authority_from, authority_of
from .config import Project, runs_sha256
from .gate import Facts, Outcome, Terms, judge_gate, rule_case
from .gate_candidate import Candidate, candidate_of
from .gate_drift import Watch
from .gate_facts import Runner, never_ran
from .gate_runs import About, GateRun, new_run, resumed_run
from .gate_selection import Selection, select
from .live_trials import Progress, silent
from .pinning import Base, read_base
from .policy import policy_sha256
from .signatures import missing_signatures
from .statements import Asked
from .version import VERSION


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What to gate, and how."""

    cases: Sequence[str] = ()
    """One folder of cases, or ids and paths of cases; empty for all of the project."""
    base: str | None = None
    """The revision whose policy, case ids and assertions hold."""
    claim: Claim | None = None
    """What passing is to mean; None: what the policy says."""
    candidate: str | None = None
    """A named version or directory; None: the working tree."""
    components: Mapping[str, str] = field(default_factory=dict)
    """Overrides of the candidate by component name."""
    model: str | None = None
    """A live model for what no recording can judge; None: the policy's, if it has one."""
    trials: int | None = None
    """Most live trials a case; None: as many as the claim asks for."""
    fail_fast: bool = False
    """Whether to stop at the first case that fails."""
    resume: bool = False
    """Whether to go on with the last run that was interrupted."""
    isolation: Level | None = None
    """Isolation that a pass needs, where that is more than the policy asks; None: what the policy asks."""


@dataclass(frozen=True, slots=True)
class Gated:
    """A result and where it is kept."""

    result: GateResult
    path: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Where each case lies, by id."""


def run_gate(
    request: GateRequest,
    *,
    start: Path | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    progress: Progress = silent,
) -> Gated:
    """Run cases and return what the gate says about them. The result is written, an interrupted one too.

    Args:
        request: What to gate.
        start: Folder to look for unrepeat.toml from; the current one by default.
        now: The time, in UTC.
        progress: Told of each case.

    Raises:
        CaseError, ConfigError: What was asked for cannot be gated at all.
    """
    begun = time.monotonic()
    selection = select(request.cases, start or Path.cwd())
    base = read_base(selection.project, selection.library, request.base) if request.base is not None else None
    terms = _terms(request, selection, base, now())
    authority = _authority(selection.project, base) if terms.claim == "recovered" else None
    model = request.model or terms.policy.model
    _require_name(model)
    with candidate_of(selection, request.candidate, request.components) as candidate:
        asked = Asked(request.candidate, request.components, model)
        runner = Runner(selection.project, terms.policy, terms.claim, candidate, asked, request.trials, now)
        watch = Watch.begin(selection.folders)
        about = _about(selection, terms, runner, base, watch)
        kept = selection.project.results
        with resumed_run(kept, about) if request.resume else new_run(kept, about, now()) as run:
            facts, interrupted = _run_cases(selection, runner, run, watch, terms, progress, fail_fast=request.fail_fast)
            if authority is not None:
                terms = replace(terms, unsigned=_unsigned(selection.project, facts, authority, now()))
            problems = (*(base.problems if base is not None else ()), *watch.problems(candidate))
            outcome = judge_gate(facts, terms, problems, interrupted=interrupted)
            result = _result(outcome, terms, base, candidate, run, now(), time.monotonic() - begun)
            return Gated(result, run.finish(result), {each.id: each.path for each in selection.folders})


def _authority(project: Project, base: Base | None) -> Authority:
    """Return who decides about recoveries: as the base revision says where one is given, never as the change does."""
    return authority_of(project) if base is None else authority_from(base.config, base.read)


def _unsigned(
    project: Project, facts: Sequence[Facts], authority: Authority, now: dt.datetime
) -> dict[str, tuple[str, ...]]:
    """Return what signatures each case lacks; a case that came to no verdict is not in it."""
    kept = [project.root / each.shown.result for each in facts if each.verdict is not None and each.shown.result]
    return missing_signatures(project, map(results.load, kept), now=now, authority=authority)


def _terms(request: GateRequest, selection: Selection, base: Base | None, now: dt.datetime) -> Terms:
    policy = base.policy if base is not None else selection.project.config.gate
    if request.isolation is not None:
        # Somebody who requires isolation means deployments too, of which nobody here knows any.
        asked = {"isolation": stronger(policy.isolation, request.isolation), "external": False}
        policy = policy.model_copy(update=asked)
    known = selection.ids | (base.case_ids if base is not None else frozenset())
    return Terms(policy, request.claim or policy.claim, now.astimezone(dt.UTC).date(), known)


def without_details(result: GateResult) -> GateResult:
    """Return a result without the verdicts' own reasons: what is left holds no text of traces."""
    cases = tuple(msgspec.structs.replace(case, detail="") for case in result.cases)
    return msgspec.structs.replace(result, cases=cases)


def _require_name(model: str | None) -> None:
    """Refuse a model that is none before anything runs; whether it can be called is found when a case needs it."""
    if model is not None and not all(model.partition("/")[::2]):
        raise ConfigError(
            f"expected PROVIDER/NAME, got {model!r}", where="--model", hint="such as --model openai/gpt-4o"
        )


def _about(selection: Selection, terms: Terms, runner: Runner, base: Base | None, watch: Watch) -> About:
    return About(
        tool=VERSION,
        claim=terms.claim,
        policy=policy_sha256(terms.policy),
        candidate=runner.candidate.digest,
        model=f"{runner.asked.model} {runner.trials or ''}".strip() if runner.asked.model else "",
        base=base.label if base is not None else "",
        selection="named" if selection.named else "all",
        systems=runs_sha256(selection.project.config),
        cases=dict(watch.digests),
    )


def _run_cases(
    selection: Selection,
    runner: Runner,
    run: GateRun,
    watch: Watch,
    terms: Terms,
    progress: Progress,
    *,
    fail_fast: bool,
) -> tuple[list[Facts], bool]:
    """Return the facts of every case, of those that were not reached too, and whether somebody ended the run."""
    facts: dict[str, Facts] = {}
    try:
        for found in _each(selection, runner, run, watch, progress):
            facts[found.case_id] = found
            if fail_fast and rule_case(found, terms).effect == "fail":
                why = f"it was not run: the gate stopped at {found.case_id}, which fails"
                return _with_rest(selection, facts, why), False
    except KeyboardInterrupt:
        # What is on disk counts: it is what --resume will find.
        return _with_rest(selection, run.kept(), "it was not run: somebody interrupted the gate"), True
    return list(facts.values()), False


def _each(selection: Selection, runner: Runner, run: GateRun, watch: Watch, progress: Progress) -> Iterator[Facts]:
    before = run.kept()
    count = len(selection.folders)
    for number, folder in enumerate(selection.folders, 1):
        found = before.get(folder.id)
        if found is None or evidence.verify(folder.path):  # preserved files may have been edited since
            changed = watch.has_changed(folder)
            found = runner.facts(folder, _numbered(progress, number, count), named=selection.named)
            # A mistake of ours may be gone next time, and so may be what was made of the case meanwhile.
            crashed = found.fault is not None and found.fault.rule == "crashed"
            if not (crashed or changed or watch.has_changed(folder)):
                run.keep(found)
        yield found


def _with_rest(selection: Selection, facts: Mapping[str, Facts], why: str) -> list[Facts]:
    return [facts.get(folder.id) or never_ran(folder, why, named=selection.named) for folder in selection.folders]


def _numbered(progress: Progress, number: int, count: int) -> Progress:
    def tell(message: str) -> None:
        progress(f"[{number}/{count}] {message}")

    return tell


def _result(
    outcome: Outcome,
    terms: Terms,
    base: Base | None,
    candidate: Candidate,
    run: GateRun,
    now: dt.datetime,
    took_s: float,
) -> GateResult:
    return GateResult(
        claim=terms.claim,
        exit_code=outcome.exit_code,
        reason=outcome.reason,
        cases=outcome.cases,
        problems=outcome.problems,
        base=base.label if base is not None else "",
        policy_sha256=policy_sha256(terms.policy),
        candidate=candidate.label,
        candidate_sha256=candidate.digest,
        created_at=now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        duration_s=round(took_s, 3),
        tool_version=VERSION,
        run_id=run.id,
    )
