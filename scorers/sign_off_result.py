"""What sign-off came to, as reports render it. ``harness.sign_off`` states the rules."""

from __future__ import annotations

from typing import Literal

from ..cases.trace import Record

SignOffState = Literal["signed", "missing", "refused"]


class Refusal(Record):
    """Something that stands against a recovery, or against one decision about it."""

    rule: str
    """Name of the rule, stable, for machines."""
    where: str
    """File, case or person it is about."""
    reason: str
    hint: str = ""
    """What to do next."""

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" + (f". {self.hint}" if self.hint else "")


class RoleState(Record):
    """One role that must sign."""

    role: str
    principal: str = ""
    """Who signed; empty while nobody has."""
    expires_at: str = ""
    reason: str = ""
    """Why it is missing; empty once it is not."""


class SignOff(Record):
    """What sign-off of one report came to."""

    state: SignOffState
    report_id: str
    environment: str
    severity: str
    epoch: int
    incidents: tuple[str, ...]
    roles: tuple[RoleState, ...] = ()
    """Every role the policy asks for at this severity."""
    refusals: tuple[Refusal, ...] = ()
    """What refuses the whole report."""
    uncounted: tuple[Refusal, ...] = ()
    """Decisions that do not count, each with its reason."""
    facts_missing: tuple[str, ...] = ()
    """Facts the severity demands, which people still have to supply."""
    conditions: tuple[str, ...] = ()
    """Conditions under which it was approved."""
    expires_at: str = ""
    """When the first of the counted approvals ends; empty while a role is missing."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not signed, in sentences; empty when it is."""
        if self.state == "signed":
            return ()
        told = [str(each) for each in (*self.refusals, *self.uncounted)]
        told += [f"{each.role}: {each.reason}" for each in self.roles if each.reason]
        return tuple(told) + tuple(f"missing fact: {each}" for each in self.facts_missing)


class CheckedCase(Record):
    """A case whose evidence and custody were checked."""

    case_id: str
    status: str
    """Empty where the case cannot be read."""
    report_id: str = ""
    """The newest report about it; empty without one."""
    problems: tuple[str, ...] = ()
    """What is not as it was left."""
    unsigned: str = ""
    """Why a report is missing that is needed."""


class Verification(Record):
    """What ``verify`` found."""

    cases: tuple[CheckedCase, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()

    @property
    def state(self) -> SignOffState:
        """The worst of everything that was verified."""
        states = {each.state for each in self.sign_offs}
        states |= {"refused" for each in self.cases if each.problems}
        states |= {"missing" for each in self.cases if each.unsigned}
        return "refused" if "refused" in states else "missing" if "missing" in states else "signed"
