"""The recovery report: what approvers decide on, as reports render it. ``harness.recovering`` assembles it.

The document is written as canonical JSON and signed by its digest, so every field is always written.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from .validations import Validation

RECOVERY_FORMAT: Final = 1
Origin = Literal["replayed", "observed", "inferred", "stated", "absent"]
"""replayed: a run of this project shows it; observed: in the recording; inferred: computed from it; stated: by people
in case.yaml; absent: nobody knows."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts: unknown fields are refused, because nobody would see them on the page."""


class Known(Section, frozen=True):
    """A fact, or the lack of one, with where it comes from."""

    text: str
    origin: Origin
    case_id: str = ""


class MissingFact(Section, frozen=True):
    """A fact that the severity demands and nobody has supplied."""

    case_id: str
    """Empty where it is about the whole report."""
    key: str
    """Where it goes: a key of case.yaml, or an option."""
    reason: str


class Subject(Section, frozen=True):
    """Something that is named by its digest."""

    label: str
    sha256: str
    """Empty for a recording that stands in for the baseline."""


class AssertionResult(Section, frozen=True):
    """One assertion on the recording and on the candidate."""

    words: str
    type: str
    kind: str
    """Which of the five validations it belongs to; empty where to none."""
    recorded: str
    """pass, fail, undecided, crashed or absent."""
    candidate: str
    scope: str = ""


class TraceResult(Section, frozen=True):
    """One trace of a case and what its replay showed."""

    trace_id: str
    verdict: str
    scope: str
    outcome: str
    isolation: str
    deterministic: bool | None
    trials: int
    """Runs of the candidate the verdict rests on."""
    failures: int
    at_most: float | None
    """Upper bound of the failure rate; None where no live model was tried."""
    confidence: float | None
    limit: int | None
    """Step of the first answer that was no longer valid."""
    coverage: tuple[dict[str, Any], ...]
    """How the calls of each boundary were answered."""


class RecoveredCase(Section, frozen=True):
    """One case and everything approvers need to know of it."""

    case_id: str
    title: str
    kind: str
    severity: str
    """Empty where nobody stated it."""
    suggested_severity: str
    """What the severity factors suggest; empty without factors."""
    verdict: str
    scope: str
    reason: str
    run_id: str
    run_at: str
    baseline: Subject
    candidate: Subject
    assertions: tuple[AssertionResult, ...]
    traces: tuple[TraceResult, ...]
    proves: tuple[str, ...]
    not_proven: tuple[str, ...]
    completeness: tuple[dict[str, Any], ...]
    """The 14 evidence items."""
    complete_share: float
    unredacted: bool
    """Whether the evidence is kept byte by byte, without redaction."""
    digests: dict[str, str]
    """SHA-256 of ``statement`` (case.yaml whatever its status), ``trace``, ``evidence``, and ``custody`` (head of the
    log before this report)."""
    stated: dict[str, Any]
    """The fields of case.yaml that approvers read, as they stand there."""


class EarlierDecision(Section, frozen=True):
    """A rejection or revocation of an earlier report about the same cases and environment."""

    report_id: str
    decision: str
    principal: str
    role: str
    at: str
    reason: str
    same_system: bool
    """Whether it was about the same bytes of the system: then it stands until that person supersedes it."""
    envelope: str


class RecoveryReport(Section, frozen=True):
    """What is asked, what is known, and the digests of everything it rests on."""

    format: Literal[1]
    report_id: str
    epoch: int
    """Number of this report among those about the same cases and environment; only the newest can be approved."""
    environment: str
    created_at: str
    """RFC 3339, UTC."""
    made_by: str
    tool_version: str
    asked: str
    """The decision, in one sentence."""
    severity: str
    """The worst of the cases; ``critical`` where a case has none."""
    required_roles: tuple[str, ...]
    four_eyes: bool
    authors: tuple[str, ...]
    """Who made the fix, and may therefore not approve it."""
    validations: tuple[Validation, ...]
    confirmed: tuple[Known, ...]
    uncertain: tuple[Known, ...]
    missing: tuple[MissingFact, ...]
    earlier: tuple[EarlierDecision, ...]
    cases: tuple[RecoveredCase, ...]
    system: Subject
    tested_in: dict[str, Any]
    """Interpreter, platform and such, as the replays recorded them."""
    digests: dict[str, str]
    """SHA-256 of ``case-set``, ``gate-policy`` and ``system-under-test``."""
