"""What ``sign`` and ``verify`` print."""

from __future__ import annotations

from collections.abc import Iterator

from ..scorers.sign_off_result import CheckedCase, Refusal, SignOff, Verification
from .text import inline

_HEADLINES = {"signed": "SIGNED", "missing": "NOT SIGNED YET", "refused": "REFUSED"}


def lines_of(found: Verification) -> Iterator[str]:
    """Yield what was verified, line by line."""
    for case in found.cases:
        yield from _case(case)
    for sign_off in found.sign_offs:
        yield ""
        yield from sign_off_lines(sign_off)


def _case(case: CheckedCase) -> Iterator[str]:
    words = f"{case.case_id}: "
    if case.problems:
        yield f"{words}evidence was changed"
        yield from (f"  {inline(problem)}" for problem in case.problems)
        return
    report = f", report {case.report_id}" if case.report_id else ", no recovery report"
    yield f"{words}evidence and custody hold, {case.status}{report}"
    if case.unsigned:
        yield f"  {inline(case.unsigned)}"


def sign_off_lines(found: SignOff) -> Iterator[str]:
    """Yield what sign-off of one report came to."""
    yield f"{found.report_id}  ({found.environment}, {found.severity} severity, epoch {found.epoch})"
    width = max((len(role.role) for role in found.roles), default=0)
    for role in found.roles:
        told = f"{role.principal}, until {role.expires_at[:10]}" if role.principal else role.reason
        yield f"  {'signed ' if role.principal else 'missing'}  {role.role:<{width}}  {inline(told)}"
    yield from (f"  condition  {inline(each)}" for each in found.conditions)
    yield from (f"  missing fact  {inline(each)}" for each in found.facts_missing)
    for refusal in (*found.refusals, *found.uncounted):
        yield from _refusal(refusal)
    end = f" until {found.expires_at[:10]}" if found.state == "signed" and found.expires_at else ""
    yield f"  {_HEADLINES[found.state]}{end}"


def _refusal(refusal: Refusal) -> Iterator[str]:
    yield f"  refused  {inline(refusal.where)}: {inline(refusal.reason)} [{refusal.rule}]"
    if refusal.hint:
        yield f"           {inline(refusal.hint)}"
