"""The rules of the gate: from what is known of each case to one exit code. Pure; it opens by stating them.

One case, looked at in this order; the first rule that says something decides:

1. What cannot be believed **fails**, whatever its status and severity: a case that cannot be read, evidence that was
   edited, a crash of unrepeat itself, a case that never ran, a status, severity or verdict that is no known word, a
   verdict without the traces, scores or rates it must rest on.
2. A ``retired`` case is **reported**: it is listed and was not run.
3. By its verdict, it would

   - **pass** with ``fixed`` in the scope that its severity needs;
   - **pass** with ``cannot_judge`` only under the claim *no regression*, for a case that was certified before, when
     none of the policy's number of live trials failed; so does a case without a trace with ``cannot_reproduce``,
     whose failure was shown when it was certified;
   - **hold** with any other ``cannot_judge``, where the policy holds those;
   - **fail** where it would pass, but its replays were isolated by less than the policy asks, or by nobody knows what;
   - **fail** with everything else: ``still_failing``, ``cannot_reproduce``, ``error``, ``cannot_judge``, too narrow a
     scope, nothing asserted, could not be run.

4. Under the claim *recovered*, a pass becomes a **hold** until every signature that is asked for was checked and is
   there. Not checked is not signed.
5. What does not pass is only **reported** where the case does not block: it is ``open`` without
   ``blocks_while_open``, or its severity does not block. An open case is never a pass either: when it comes out
   ``fixed`` it asks to be promoted. But under the claims *fixed* and *recovered*, which are about the cases
   named, an open case that was named blocks.
6. What does not pass is **reported** as waived while a waiver for it is in force. Rules 1 and 4 cannot be waived, nor
   can a case of high or critical severity.

All of them together:

7. Something fails, a case or a problem: exit code 1. A waiver that expired, that names no case, or that is refused by
   rule 6 is a problem that fails; problems of the base revision bring their effect along.
8. There is no case, or none was judged (came out ``fixed`` or ``still_failing``, passed, or is held for a person):
   exit code 1. So open cases alone do not block, but they have to run.
9. Something holds: exit code 10.
10. Otherwise 0. An interrupted run is 130, whatever the cases that were finished say.

The order of the cases never matters. Of a case that comes twice, the worst counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import cast, get_args

import msgspec

from ..cases.trace import Record
from ..cases.vocabulary import Status
from ..scorers.gate_result import Claim, Effect, FailingStep, GatedCase, GateProblem
from ..scorers.score import Scope
from ..scorers.verdict import Rate, VerdictWord
from .exit_codes import FAILED, HELD, INTERRUPTED, OK
from .policy import SEVERITIES, GatePolicy

UNBELIEVABLE = frozenset({"unreadable", "edited", "crashed", "never-ran"})
"""Faults that say nothing else about the case can be relied on."""
NEEDS_MODEL = "needs-live-model"
"""The fault of a case that only a live model can judge, without one at hand."""
UNWAIVABLE = ("high", "critical")
"""Severities that take no waiver."""
_JUDGED = ("fixed", "still_failing")
_WORST_FIRST: tuple[Effect, ...] = ("fail", "hold", "reported", "pass")


class Fault(Record):
    """Why a case has no verdict."""

    rule: str
    """``unreadable``, ``edited``, ``crashed``, ``never-ran``, ``asserts-nothing``, ``needs-live-model`` or
    ``could-not-run``."""
    reason: str
    """In one sentence without trace text."""


class TraceFacts(Record):
    """The verdict over one trace of a case."""

    verdict: str
    rate: Rate | None = None
    """What live trials say; None where none ran."""
    unscored: int = 0
    """Assertions without a score: a scorer crashed, or was never asked."""
    isolation: str = ""
    """What the candidate's replay was held by; empty where there was none."""


class Shown(Record):
    """What people are shown of a case; no rule looks at it. The fields are those of ``GatedCase``."""

    detail: str = ""
    assertion: str = ""
    step: FailingStep | None = None
    cause: str = ""
    owner: str = ""
    candidate: str = ""
    next_command: str = ""
    result: str = ""
    duration_s: float = 0.0


class Facts(Record):
    """What is known of one case, as plain values."""

    case_id: str
    title: str = ""
    kind: str = "incident"
    severity: str = ""
    """As the case states it; empty where it does not."""
    status: str = "open"
    blocks_while_open: bool = False
    named: bool = False
    """Whether it was asked for by name."""
    stated: bool = False
    """Whether it has no trace, so that its failure is what people state."""
    certified: bool = False
    """Whether its custody log records the proof that made it fixed."""
    verdict: str | None = None
    scope: str | None = None
    traces: tuple[TraceFacts, ...] = ()
    fault: Fault | None = None
    """Why there is no verdict; None where there is one, or where nobody knows."""
    shown: Shown = Shown()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the cases are judged by."""

    policy: GatePolicy
    claim: Claim
    today: dt.date
    """In UTC."""
    known_ids: frozenset[str]
    """Every case of the project, judged or not."""
    unsigned: Mapping[str, tuple[str, ...]] | None = None
    """What signatures a case lacks, by id; a case that is not in it was not checked."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a case does to the gate, and by which rule."""

    effect: Effect
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gate says."""

    exit_code: int
    reason: str
    cases: tuple[GatedCase, ...]
    problems: tuple[GateProblem, ...]


def judge_gate(
    facts: Iterable[Facts], terms: Terms, problems: Sequence[GateProblem] = (), *, interrupted: bool = False
) -> Outcome:
    """Return what the gate says about cases and problems.

    Args:
        facts: What is known of each case that was asked for.
        terms: What they are judged by.
        problems: What the base revision, or the run as a whole, brings up.
        interrupted: Whether somebody ended the run early.
    """
    cases: dict[str, GatedCase] = {}
    for each in facts:
        ruled = _gated(each, rule_case(each, terms))
        before = cases.get(each.case_id)
        cases[each.case_id] = ruled if before is None else min(before, ruled, key=_badness)
    found = tuple(cases[case_id] for case_id in sorted(cases))
    raised = (*problems, *_waiver_problems(found, terms))
    code, reason = _exit(found, raised, interrupted=interrupted)
    return Outcome(code, reason, found, raised)


def _badness(case: GatedCase) -> tuple[int, bytes]:
    return _WORST_FIRST.index(case.effect), msgspec.json.encode(case)  # the order they come in must not decide


def rule_case(facts: Facts, terms: Terms) -> Ruling:
    """Return what one case does to the gate."""
    broken = _unbelievable(facts)
    if broken is not None:
        return broken
    if facts.status == "retired":
        return Ruling("reported", "retired", "it is retired, so it was not run")
    signed = _signed(_isolated(_by_verdict(facts, terms), facts, terms), facts, terms)
    return _waived(_blocking(signed, facts, terms), signed, facts, terms)


def _unbelievable(facts: Facts) -> Ruling | None:
    """Apply rule 1."""
    if facts.fault is not None and facts.fault.rule in UNBELIEVABLE:
        return Ruling("fail", facts.fault.rule, facts.fault.reason)
    words = (
        ("status", facts.status, get_args(Status)),
        ("severity", facts.severity, ("", *SEVERITIES)),
        ("verdict", facts.verdict or "fixed", get_args(VerdictWord)),
    )
    for name, word, known in words:
        if word not in known:
            return Ruling("fail", f"unknown-{name}", f"its {name} is no word this version knows")
    if facts.status == "retired" or facts.fault is not None:
        return None
    if facts.verdict is None:
        return Ruling("fail", "never-ran", "it has no verdict, and nothing says why")
    return _incomplete(facts)


def _incomplete(facts: Facts) -> Ruling | None:
    if not facts.traces:
        return Ruling("fail", "incomplete", "its verdict rests on no trace")
    if any(not _is_rate(each.rate) for each in facts.traces if each.rate is not None):
        return Ruling("fail", "incomplete", "its trials give a failure rate that is no rate")
    if facts.verdict == "fixed" and any(each.verdict != "fixed" or each.unscored for each in facts.traces):
        return Ruling("fail", "incomplete", "it is called fixed, but not every trace and assertion is")
    if facts.verdict == "fixed" and facts.scope not in get_args(Scope):
        return Ruling("fail", "incomplete", "it is called fixed without saying how far")
    return None


def _is_rate(rate: Rate) -> bool:
    numbers = isfinite(rate.at_most) and 0 <= rate.at_most <= 1 and isfinite(rate.confidence)
    return numbers and 0 <= rate.failures <= rate.trials


def _by_verdict(facts: Facts, terms: Terms) -> Ruling:
    """Apply rule 3."""
    if facts.fault is not None:
        effect = _undecided(terms) if facts.fault.rule == NEEDS_MODEL else "fail"
        return Ruling(effect, facts.fault.rule, facts.fault.reason)
    severity = terms.policy.severity_of(facts.severity)
    match facts.verdict:
        case "fixed" if facts.scope != "whole_run" and terms.policy.scope.get(severity) == "whole_run":  # type: ignore[call-overload]
            reason = f"{severity} severity needs a proof over the whole run, and this one ends at the recorded action"
            return Ruling("fail", "scope-too-narrow", reason)
        case "fixed":
            return Ruling("pass", "fixed", "the candidate does not show the failure")
        case "still_failing":
            back = "the failure is back" if facts.status != "open" else "the candidate shows the failure"
            return Ruling("fail", "still-failing", back + _at(facts.shown.step))
        case "cannot_reproduce" if facts.stated and (live := _cannot_judge(facts, terms)).effect == "pass":
            return live
        case "cannot_reproduce":
            return Ruling("fail", "cannot-reproduce", "neither the recording nor a baseline shows the failure")
        case "cannot_judge":
            return _cannot_judge(facts, terms)
        case _:
            return Ruling("fail", "error", "the candidate or a scorer crashed, timed out or gave no answer")


def _isolated(ruling: Ruling, facts: Facts, terms: Terms) -> Ruling:
    """Apply the last part of the first line of rule 3: nothing is known of what a weaker one let through."""
    weak = [each.isolation for each in facts.traces if not terms.policy.takes_isolation(each.isolation)]
    if ruling.effect != "pass" or not weak:
        return ruling
    held = f"isolated by {weak[0]}" if weak[0] else "isolated by nobody knows what"
    reason = f"its replay was {held}, and the policy asks for {terms.policy.isolation}"
    if weak[0] == "external":
        reason = (
            "it was judged on a deployment, which nothing here isolates; the policy takes those with external = true"
        )
    return Ruling("fail", "isolation-too-weak", reason)


def _at(step: FailingStep | None) -> str:
    return f" at step {step.seq} ({step.kind} {step.name})" if step else ""


def _undecided(terms: Terms) -> Effect:
    return "hold" if "cannot_judge" in terms.policy.hold else "fail"


def _cannot_judge(facts: Facts, terms: Terms) -> Ruling:
    rates = [each.rate for each in facts.traces if each.rate is not None]
    clean = [rate for rate in rates if not rate.failures and rate.trials >= terms.policy.trials]
    settled = [each.verdict == "fixed" or each.rate in clean for each in facts.traces]
    if terms.claim != "no_regression" or not clean or not all(settled):
        enough = "too few live trials for the certification asked" if rates else "the recording cannot decide it"
        return Ruling(_undecided(terms), "cannot-judge", enough)
    worst = max(clean, key=lambda rate: rate.at_most)
    told = f"0 of {worst.trials} live trials failed: failure rate at most {worst.at_most:.0%}"
    if not facts.certified:
        reason = f"{told}, but it was never certified, so there is nothing to regress from"
        return Ruling(_undecided(terms), "never-certified", reason)
    return Ruling("pass", "no-regression", f"{told} ({worst.confidence:.0%} confidence)")


def _signed(ruling: Ruling, facts: Facts, terms: Terms) -> Ruling:
    """Apply rule 4."""
    if terms.claim != "recovered" or ruling.effect != "pass":
        return ruling
    missing = (terms.unsigned or {}).get(facts.case_id)
    if missing is None:
        return Ruling("hold", "signatures-not-checked", "signatures are expected, and none could be checked")
    return Ruling("hold", "unsigned", "; ".join(missing)) if missing else ruling


def _blocking(ruling: Ruling, facts: Facts, terms: Terms) -> Ruling:
    """Apply rule 5."""
    severity = terms.policy.severity_of(facts.severity)
    if severity not in terms.policy.blocks and ruling.effect != "pass":
        return Ruling("reported", ruling.rule, f"{severity} severity does not block: {ruling.reason}")
    claimed = facts.named and terms.claim != "no_regression"
    if facts.status != "open" or facts.blocks_while_open or claimed:
        return ruling
    if ruling.effect == "pass":
        return Ruling("reported", "promote", "it is open and came out fixed: promote it, so that it blocks from now on")
    return Ruling("reported", ruling.rule, f"open cases do not block: {ruling.reason}")


def _waived(ruling: Ruling, signed: Ruling, facts: Facts, terms: Terms) -> Ruling:
    """Apply rule 6."""
    waiver = next((each for each in terms.policy.waivers if each.case == facts.case_id), None)
    if waiver is None or ruling.effect not in ("fail", "hold") or signed.rule in ("unsigned", "signatures-not-checked"):
        return ruling
    if waiver.expires < terms.today or terms.policy.severity_of(facts.severity) in UNWAIVABLE:
        return ruling
    told = f"waived by {waiver.owner} until {waiver.expires}: {waiver.reason}; without it: {ruling.reason}"
    return Ruling("reported", "waived", told)


def _waiver_problems(cases: Sequence[GatedCase], terms: Terms) -> Iterator[GateProblem]:
    """Apply the first half of rule 7."""
    by_id = {case.case_id: case for case in cases}
    for waiver in terms.policy.waivers:
        case = by_id.get(waiver.case)
        where = f"[[gate.waivers]] {waiver.case}"
        if waiver.case not in terms.known_ids | by_id.keys():
            yield GateProblem(effect="fail", rule="waiver-unknown-case", where=where, reason="there is no such case")
        elif waiver.expires < terms.today:
            told = f"it expired on {waiver.expires}; fix the case, or ask {waiver.owner} to renew it"
            yield GateProblem(effect="fail", rule="waiver-expired", where=where, reason=told)
        elif case is not None and terms.policy.severity_of(case.severity) in UNWAIVABLE:
            told = f"a case of {terms.policy.severity_of(case.severity)} severity takes no waiver"
            yield GateProblem(effect="fail", rule="waiver-refused", where=where, reason=told)
        elif case is not None and case.rule != "waived":
            told = "the case does not need it; remove it"
            yield GateProblem(effect="reported", rule="waiver-not-needed", where=where, reason=told)


def _gated(facts: Facts, ruling: Ruling) -> GatedCase:
    shown = facts.shown
    known = facts.verdict in get_args(VerdictWord)
    rates = [each.rate for each in facts.traces if each.rate is not None]
    return GatedCase(
        case_id=facts.case_id,
        title=facts.title,
        effect=ruling.effect,
        rule=ruling.rule,
        reason=ruling.reason,
        kind=facts.kind,
        severity=facts.severity,
        status=facts.status,
        verdict=cast("VerdictWord", facts.verdict) if known else None,
        scope=cast("Scope", facts.scope) if facts.scope in get_args(Scope) else None,
        rate=max(rates, key=lambda rate: rate.at_most, default=None),
        detail=shown.detail,
        assertion=shown.assertion,
        step=shown.step,
        cause=shown.cause,
        owner=shown.owner,
        candidate=shown.candidate,
        next_command=_next(facts, ruling),
        result=shown.result,
        duration_s=shown.duration_s,
    )


def _next(facts: Facts, ruling: Ruling) -> str:
    if ruling.rule == "promote":
        return f"unrepeat status {facts.case_id} fixed"
    return "" if ruling.effect == "pass" else facts.shown.next_command


def _exit(cases: Sequence[GatedCase], problems: Sequence[GateProblem], *, interrupted: bool) -> tuple[int, str]:
    """Apply rules 7 to 10."""
    effects = [case.effect for case in cases] + [problem.effect for problem in problems]
    if interrupted:
        done = sum(case.rule != "never-ran" for case in cases)
        return INTERRUPTED, f"interrupted: {done} of {len(cases)} cases were finished"
    if "fail" in effects:
        failed = [case.case_id for case in cases if case.effect == "fail"]
        raised = [each.rule for each in problems if each.effect == "fail"]
        return FAILED, f"blocked: {_listed([*failed, *raised])}"
    if not cases:
        return FAILED, "blocked: there are no cases, so nothing was shown"
    if not any(case.effect in ("pass", "hold") or case.verdict in _JUDGED for case in cases):
        return FAILED, "blocked: no case was judged, so nothing was shown"
    if "hold" in effects:
        held = [each.case_id for each in cases if each.effect == "hold"]
        raised = [each.rule for each in problems if each.effect == "hold"]
        return HELD, f"held for a person: {_listed([*held, *raised])}"
    return OK, _passed(cases)


def _passed(cases: Sequence[GatedCase]) -> str:
    passed = sum(case.effect == "pass" for case in cases)
    waived = sum(case.rule == "waived" for case in cases)
    told = [f"{passed} of {len(cases)} cases passed" if passed else "no case blocks"]
    told += [f"{waived} waived"] if waived else []
    reported = len(cases) - passed - waived
    return ", ".join([*told, f"{reported} only reported"] if reported else told)


def _listed(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
