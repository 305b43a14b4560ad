"""The judgement of a gate over many cases, as reports render it. ``harness.gate`` states the rules."""

from __future__ import annotations

import re
from typing import Literal

from ..cases.trace import Record
from .score import Scope
from .verdict import Rate, VerdictWord

Claim = Literal["no_regression", "fixed", "recovered"]
"""What passing is to mean (1-product, three claims, three rules)."""
Effect = Literal["pass", "hold", "fail", "reported"]
"""What a case does to the gate. ``hold``: a person must decide; ``reported``: it is shown and has no say."""
GATE_FORMAT = 1
_LOGGABLE = re.compile(r"[A-Za-z_][\w.:/\-]{0,63}", re.ASCII)


def loggable(name: str) -> str:
    """Return a name of a boundary function, or ``?`` where it is none that people who write code give.

    A tool that is run by name has the name a model gave it, which may be anybody's text.
    """
    return name if _LOGGABLE.fullmatch(name) else "?"


class FailingStep(Record):
    """Where the candidate shows the failure, in words that carry no trace text."""

    seq: int
    """Step number in the replay, from 1."""
    kind: str
    """Boundary: model, retrieval, tool, approval, user."""
    name: str
    """Name of the tool or function at that boundary."""


class GatedCase(Record):
    """One case and what it does to the gate."""

    case_id: str
    title: str
    effect: Effect
    rule: str
    """Name of the rule that decided, such as ``still-failing`` or ``never-ran``; stable, for machines."""
    reason: str
    """Why, in one sentence made by this project: no trace text, so that it may stand in logs and comments."""
    kind: str = "incident"
    severity: str = ""
    """As the case states it; empty where it does not."""
    status: str = "open"
    verdict: VerdictWord | None = None
    """None: the case did not get as far as a verdict."""
    scope: Scope | None = None
    detail: str = ""
    """The verdict's own reason; may hold trace text, so only for people who may read the trace."""
    assertion: str = ""
    """Label or type of the assertion that failed or is undecided."""
    step: FailingStep | None = None
    """Where the candidate shows the failure; None where it does not, or no step stands for it."""
    cause: str = ""
    """Component the case names as its cause, with its status: ``retrieval (hypothesis)``."""
    owner: str = ""
    """Whom to ask: the case's engineering owner, else business, else risk."""
    candidate: str = ""
    """Label of the version that was judged."""
    rate: Rate | None = None
    """What live trials say about the failure rate."""
    next_command: str = ""
    """What to type next to see or settle it."""
    result: str = ""
    """Path of its result.json, relative to the project; empty where there is none."""
    duration_s: float = 0.0


class GateProblem(Record):
    """Something that is not about one judged case: a case that was removed, a policy that was loosened."""

    effect: Effect
    rule: str
    where: str
    """File, case id or table it is about."""
    reason: str


class GateResult(Record):
    """What a gate said, and all it rests on."""

    claim: Claim
    exit_code: int
    """0 pass, 1 fail, 10 held (harness.exit_codes)."""
    reason: str
    """The headline, in one sentence without trace text."""
    cases: tuple[GatedCase, ...] = ()
    """Every case that was asked for, in order of id; none is left out."""
    problems: tuple[GateProblem, ...] = ()
    base: str = ""
    """The revision whose policy, case ids and assertions hold; empty when none was given."""
    policy_sha256: str = ""
    """SHA-256 of the policy in canonical JSON."""
    candidate: str = ""
    candidate_sha256: str = ""
    created_at: str = ""
    """RFC 3339, UTC."""
    duration_s: float = 0.0
    tool_version: str = ""
    run_id: str = ""
    format: int = GATE_FORMAT
