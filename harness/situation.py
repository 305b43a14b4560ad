"""What the rules of sign-off look at (``harness.sign_off`` states them): values, gathered by others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..cases.decisions import DecisionEntry, ReportEntry
from ..reports.attestation import Predicate, Statement
from ..scorers.recovery import RecoveryReport
from ..scorers.sign_off_result import Refusal


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What ssh-keygen and the file of keys say about one signature."""

    fingerprint: str
    namespace: str
    authentic: bool
    """The signature is over these bytes, made with the key it names."""
    listed: bool
    """The key is listed for the principal, whatever its dates."""
    valid_then: bool
    """ssh-keygen accepts it for the principal at the time it says it was made."""
    valid_now: bool
    """ssh-keygen accepts it for the principal now."""
    revoked: bool
    """It is on the revocation list, or that list cannot be used."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One envelope, as it was found."""

    where: str
    """Name of its file."""
    envelope: str
    """SHA-256 of its bytes."""
    statement: Statement | None = None
    key: KeyCheck | None = None
    unusable: Refusal | None = None
    """Why there is no statement."""

    @property
    def said(self) -> Predicate:
        """What was decided; only of a decision that could be read."""
        assert self.statement is not None
        return self.statement.predicate


@dataclass(frozen=True, slots=True)
class CaseState:
    """A case as it is now."""

    case_id: str
    found: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of ``statement``, ``trace`` and ``evidence``; empty when there is no such case."""
    heads: frozenset[str] = frozenset()
    """Every head its custody log has had."""
    problems: tuple[str, ...] = ()
    """What is not as it was left, each with its file."""
    severity: str | None = None
    facts_missing: tuple[str, ...] = ()
    newest: ReportEntry | None = None
    """The newest report about it in the environment, as its custody log says."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the rules look at."""

    report: RecoveryReport
    report_sha256: str
    page_sha256: str
    """SHA-256 of the page beside the report; empty where there is none."""
    policy_sha256: str
    environment: str
    """The environment asked for."""
    cases: tuple[CaseState, ...]
    decisions: tuple[Decision, ...] = ()
    logged: tuple[DecisionEntry, ...] = ()
    """Decisions about these cases in this environment, from their custody logs."""


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What a run shows about one case, to be compared with a report."""

    case_id: str
    verdict: str
    scope: str
    system: str
    """SHA-256 of the candidate."""
    digests: Mapping[str, str]
    """SHA-256 of ``statement``, ``trace`` and ``evidence``, of the case that ran."""
