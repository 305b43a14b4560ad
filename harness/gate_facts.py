"""From one case folder to the facts that the gate rules on: run it, keep what the rules and people need, let go."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..cases import custody, evidence
from ..cases.case import Case
from ..cases.errors import ConfigError, EvidenceError, UnrepeatError
from ..cases.evidence import EvidenceProblem
from ..cases.files import PENDING, has_pending_edit
from ..cases.library import CaseFolder, LoadedCase, load
from ..replayers.live import LiveModel
from ..reports.text import inline, shorten
from ..scorers.decisive import boundary_span
from ..scorers.gate_result import Claim, FailingStep, loggable
from ..scorers.score import Score, ScorerFailure
from ..scorers.verdict import CaseVerdict, TraceVerdict
from . import results
from .certification import is_certified
from .config import Project, system_named
from .gate import NEEDS_MODEL, Facts, Fault, Shown, TraceFacts
from .gate_candidate import Candidate
from .live_trials import Progress
from .policy import GatePolicy
from .proving import Proof, prove
from .replaying import plan_for
from .statements import MODEL, Asked
from .trials import trials_needed
from .version import VERSION

INTERRUPTED_EDIT = "an edit was interrupted: run a command that edits the case, or remove it"


@dataclass(slots=True)
class Runner:
    """Runs the cases of one gate."""

    project: Project
    policy: GatePolicy
    claim: Claim
    candidate: Candidate
    asked: Asked
    """Candidate, components and live model as they were typed."""
    trials: int | None = None
    """Live trials; by default as many as the claim asks for."""
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    _no_model: str | None = None
    """Why no live model is at hand; empty where there is one, None where that was not looked at yet."""

    def facts(self, folder: CaseFolder, progress: Progress, *, named: bool) -> Facts:
        """Run one case and return what is known of it. Whatever goes wrong is a fault of this case alone."""
        start = time.monotonic()
        found = Facts(case_id=folder.id, named=named)
        try:
            found = self._read_and_judged(found, folder, progress)
        except Exception as error:  # a mistake of ours in one case must not hide the others
            told = f"unrepeat itself failed on it: {type(error).__name__}"
            found = _faulty(found, "crashed", told, "", f"{type(error).__name__}: {error}")
        return msgspec.structs.replace(found, shown=_timed(found.shown, time.monotonic() - start))

    def _read_and_judged(self, found: Facts, folder: CaseFolder, progress: Progress) -> Facts:
        if has_pending_edit(folder.path):  # loading would settle it, after the base revision was compared with less
            return _faulty(found, "edited", INTERRUPTED_EDIT, PENDING, "")
        try:
            loaded = load(folder)
        except EvidenceError as error:
            edited = evidence.verify(folder.path)
            place, told = _place(error, folder), "its evidence is not as it was preserved"
            return _edited(found, edited) if edited else _faulty(found, "edited", told, place, str(error))
        except UnrepeatError as error:
            return _faulty(found, "unreadable", "it cannot be read", _place(error, folder), str(error))
        found = _described(found, loaded)
        try:
            return self._judged(found, loaded, progress)
        except UnrepeatError as error:
            return _faulty(found, "could-not-run", "it could not be run", _place(error, folder), str(error))

    def _judged(self, found: Facts, loaded: LoadedCase, progress: Progress) -> Facts:
        edited = evidence.verify(loaded.folder.path)
        if edited:
            return _edited(found, edited)
        log = (loaded.folder.path / custody.FILE_NAME).read_bytes()
        found = msgspec.structs.replace(found, certified=is_certified(custody.read(log)[0]))
        if loaded.case.status == "retired":
            return found
        if loaded.case.is_draft:
            return _faulty(found, "asserts-nothing", "it asserts nothing yet", "", "")
        verdict = self._verdict(loaded, progress)
        if isinstance(verdict, str):
            return self._needs_model(found, verdict)
        path = results.save(self.project.results, verdict)
        found = _with_verdict(found, loaded.case, verdict, os.path.relpath(path, self.project.root))
        return found if verdict.verdict != "cannot_judge" else self._settled_by(found, verdict)

    def _verdict(self, loaded: LoadedCase, progress: Progress) -> CaseVerdict | str:
        """Return the verdict by the recording where it can say, else by the live model; a text says why by neither."""
        recorded = None
        if not self._wants_model(loaded.case):
            recorded = self._prove(loaded, None, progress)
            if not self._unsettled(recorded):
                return recorded
        if self.asked.model is None:
            return recorded or "only a live model can judge it, and none was given"
        refused = self._refusal()
        if refused:
            return recorded or f"only a live model can judge it, and none can be called: {refused}"
        return self._prove(loaded, self.asked.model, progress)

    def _prove(self, loaded: LoadedCase, model: str | None, progress: Progress) -> CaseVerdict:
        what = plan_for(self.project, loaded, model=model is not None, isolation=self._isolation(loaded.case))
        trials = self.trials or self._trials(loaded.case)
        proof = Proof(candidate=self.asked.candidate, components=self.asked.components, model=model, trials=trials)
        checkout = self.candidate.checkouts.get(what.system_name)
        return prove(what, proof, now=self.now(), tool_version=VERSION, progress=progress, checkout=checkout)

    def _isolation(self, case: Case) -> str:
        """Return the isolation to run a case at; whether a deployment will do without any, the policy says."""
        found = system_named(self.project, case.replay.system or case.system)
        return "" if found is not None and found[1].url is not None else self.policy.isolation

    def _trials(self, case: Case) -> int:
        return (
            self.policy.trials
            if self.claim == "no_regression"
            else trials_needed(self.policy.severity_of(case.severity or ""))
        )

    def _unsettled(self, verdict: CaseVerdict) -> bool:
        """Say whether a live model would tell more: the recording ends there, or its scope is too narrow."""
        if verdict.verdict == "cannot_judge":
            return verdict.settlement is not None
        wanted = self.policy.scope.get(self.policy.severity_of(verdict.severity))  # type: ignore[call-overload]
        return verdict.verdict == "fixed" and wanted == "whole_run" and verdict.scope != "whole_run"

    def _wants_model(self, case: Case) -> bool:
        """Say whether the case is replayed with a live model only, which the system does not run by itself."""
        rule = case.replay.boundaries.get("model")
        live = case.replay.preset == "model-change" if rule is None else rule.mode == "live"
        found = system_named(self.project, case.replay.system or case.system)
        return live and not (found and "model" in found[1].allow_live)

    def _refusal(self) -> str:
        """Return why the live model cannot be called, tried once a gate; empty where it can."""
        if self._no_model is None:
            try:
                LiveModel.connect(self.asked.model or "").close()
                self._no_model = ""
            except ConfigError as error:
                self._no_model = inline(error.message)
        return self._no_model

    def _needs_model(self, found: Facts, why: str) -> Facts:
        found = _faulty(found, NEEDS_MODEL, "only a live model can judge it, and none is at hand", "", why)
        return _with_next(found, self._settling(found))

    def _settled_by(self, found: Facts, verdict: CaseVerdict) -> Facts:
        if verdict.settlement is None:
            return found
        live = any(each.rate for each in found.traces)
        certify = live or self.claim != "no_regression" or not found.certified
        return _with_next(found, verdict.settlement.command if certify else self._settling(found))

    def _settling(self, found: Facts) -> str:
        words = self.asked.words("gate", found.case_id)
        return shlex.join([*words, "--model", self.asked.model or MODEL])


def never_ran(folder: CaseFolder, why: str, *, named: bool) -> Facts:
    """Return the facts of a case that was asked for and not run."""
    return _faulty(Facts(case_id=folder.id, named=named), "never-ran", why, "", "")


def _faulty(found: Facts, rule: str, reason: str, place: str, detail: str) -> Facts:
    told = f"{place}: {reason}" if place else reason
    shown = msgspec.structs.replace(found.shown, detail=detail, next_command=f"unrepeat show {found.case_id}")
    return msgspec.structs.replace(found, fault=Fault(rule=rule, reason=told), shown=shown)


def _edited(found: Facts, problems: Sequence[EvidenceProblem]) -> Facts:
    first = problems[0]
    files = ", ".join(dict.fromkeys(problem.file for problem in problems))
    # The messages of these two quote the file.
    told = "it is not as it was left" if first.kind in ("manifest", "unsafe") else first.message
    return _faulty(found, "edited", told, shorten(inline(files), 120), "; ".join(map(str, problems)))


def _with_next(found: Facts, command: str) -> Facts:
    return msgspec.structs.replace(found, shown=msgspec.structs.replace(found.shown, next_command=command))


def _timed(shown: Shown, duration_s: float) -> Shown:
    return msgspec.structs.replace(shown, duration_s=round(duration_s, 3))


def _place(error: UnrepeatError, folder: CaseFolder) -> str:
    """Return file and line of an error inside the case folder: that may stand in a log, its message may not."""
    start = f"{folder.path}{os.sep}"
    inside = error.where.removeprefix(start) if error.where.startswith(start) else ""
    return shorten(inline(inside), 120)


def _described(found: Facts, loaded: LoadedCase) -> Facts:
    case = loaded.case
    owners = case.owners
    cause = case.failure.cause if case.failure else None
    shown = Shown(
        owner=(owners.engineering or owners.business or owners.risk or "") if owners else "",
        cause=f"{cause.component} ({cause.status})" if cause else "",
    )
    return msgspec.structs.replace(
        found,
        title=case.title,
        kind=case.kind,
        severity=case.severity or "",
        status=case.status,
        blocks_while_open=case.blocks_while_open,
        stated=not loaded.document.traces,
        shown=shown,
    )


def _with_verdict(found: Facts, case: Case, verdict: CaseVerdict, path: str) -> Facts:
    place, step = _decisive(verdict)
    assertion = case.assertions[place] if place is not None and place < len(case.assertions) else None
    shown = msgspec.structs.replace(
        found.shown,
        detail=verdict.reason,
        assertion=(assertion.name or assertion.type) if assertion else "",
        step=step,
        candidate=verdict.candidate.label if verdict.candidate else "",
        next_command=verdict.next_command,
        result=Path(path).as_posix(),
    )
    return msgspec.structs.replace(
        found,
        verdict=verdict.verdict,
        scope=verdict.scope,
        traces=tuple(map(_trace_facts, verdict.traces)),
        shown=shown,
    )


def _trace_facts(trace: TraceVerdict) -> TraceFacts:
    scores = trace.candidate.scores if trace.candidate else ()
    isolation = trace.candidate.replay.isolation if trace.candidate else ""
    unscored = sum(isinstance(score, ScorerFailure) for score in (*trace.recorded_scores, *scores))
    return TraceFacts(verdict=trace.verdict, rate=trace.rate, unscored=unscored + (not scores), isolation=isolation)


def _decisive(verdict: CaseVerdict) -> tuple[int | None, FailingStep | None]:
    """Return the assertion that failed, else one that is undecided, and the step that shows the failure."""
    wanted = {"still_failing": False, "cannot_judge": None}
    for trace in verdict.traces:
        for score in trace.candidate.scores if trace.candidate else ():
            if isinstance(score, Score) and verdict.verdict in wanted and score.passed is wanted[verdict.verdict]:
                return score.assertion, _step(trace, score) if score.passed is False else None
    return None, None


def _step(trace: TraceVerdict, score: Score) -> FailingStep | None:
    if trace.candidate is None:
        return None
    replay = trace.candidate.replay
    events = {event.span_id: event for event in replay.events if event.span_id}
    decided = [each.decided_at for each in score.violations if each.decided_at]
    for span_id in (*decided, *score.span_ids):
        event = events.get(span_id) or events.get(boundary_span(replay.trace, span_id))
        if event is not None:
            return FailingStep(seq=event.seq, kind=event.kind, name=loggable(event.name))
    return None
