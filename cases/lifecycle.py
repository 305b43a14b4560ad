"""The life of a case: open, fixed, recovered, retired.

A case moves forward one step at a time. Any case can be retired, and any but an open one reopened; both need
an owner and a reason. A draft asserts nothing, so it can only be retired.
"""

from __future__ import annotations

from .case import Case
from .errors import CaseError
from .vocabulary import Status

FORWARD: dict[Status, Status] = {"open": "fixed", "fixed": "recovered", "recovered": "retired"}


def check_transition(case: Case, status: Status, *, where: str, owner: str = "", reason: str = "") -> None:
    """Refuse a change of status that the lifecycle does not have.

    Args:
        case: The case as it is.
        status: The status asked for.
        where: What to call the file in errors.
        owner: Who answers for reopening or retiring.
        reason: Why.

    Raises:
        CaseError: Says what is missing or which step comes next.
    """
    if status == case.status:
        raise CaseError(f"expected another status, got {status}, which it has already", where=where)
    if status in ("open", "retired"):
        missing = [name for name, given in (("owner", owner), ("reason", reason)) if not given.strip()]
        if missing:
            verb = "reopen" if status == "open" else "retire"
            raise CaseError(
                f"expected an owner and a reason to {verb} a case, got no {' and no '.join(missing)}", where=where
            )
        return
    following = FORWARD.get(case.status, "open")
    if status != following:
        raise CaseError(f"expected {following} after {case.status}, got {status}", where=where)
    if case.is_draft:
        raise CaseError(
            f"expected a case that asserts something, got a draft as {status}", where=where, hint="Fill in `assert`"
        )
