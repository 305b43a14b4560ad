"""Verdicts: the judgement over a case, as reports render it. ``harness.prove`` computes them."""

from __future__ import annotations

from typing import Any, Literal

from ..cases.trace import Record, Trace
from ..replayers.replay import Replay, Version
from ..replayers.usage import Estimate, Usage
from .score import Scope, Score, ScorerFailure

VerdictWord = Literal["fixed", "still_failing", "cannot_reproduce", "cannot_judge", "error"]
RESULT_FORMAT = 1


class JudgedReplay(Record):
    """A replay with its scores."""

    replay: Replay
    scores: tuple[Score | ScorerFailure, ...] = ()
    deterministic: bool | None = None
    """Whether a second, hidden replay gave the same digest; None when it was not tried."""
    repeats: str = ""
    """Why a trial is not independent of an earlier one (same seed, an answer from a cache); empty when it is."""


class Rate(Record):
    """A failure rate as independent trials show it."""

    failures: int
    """Trials that did not pass every assertion."""
    trials: int
    """Trials in which the model answered, each independent of the others."""
    at_most: float
    """One-sided upper bound of the rate (Clopper-Pearson)."""
    at_least: float = 0.0
    """One-sided lower bound of the rate (Clopper-Pearson)."""
    confidence: float = 0.95
    """Probability that each bound holds."""


class TraceVerdict(Record):
    """The verdict over one trace of a case."""

    recording: Trace
    recorded_scores: tuple[Score | ScorerFailure, ...]
    """The assertions on the recording itself; at least one must be red."""
    verdict: VerdictWord
    reason: str
    scope: Scope | None = None
    baseline: JudgedReplay | None = None
    """None: the recording stands in for the baseline."""
    candidate: JudgedReplay | None = None
    """The replay the verdict rests on: of several trials the first that did not pass, else the last."""
    trials: tuple[JudgedReplay, ...] = ()
    """Every trial, where a model was live."""
    baseline_trials: tuple[JudgedReplay, ...] = ()
    """Every trial of the baseline, where a live model had to show the failure."""
    rate: Rate | None = None
    """What the trials say about the failure rate."""


class Settlement(Record):
    """What would settle a ``cannot_judge``."""

    command: str
    """The command to type."""
    why: str
    """What the recording lacks, in words."""
    calls: int | None = None
    """Model calls it takes."""
    estimate: Estimate | None = None
    """Calls, tokens, cost and time it takes, as far as they can be told."""


class CaseVerdict(Record):
    """The judgement over one case: the worst of its traces."""

    case_id: str
    title: str
    verdict: VerdictWord
    reason: str
    scope: Scope | None = None
    kind: str = "incident"
    severity: str = ""
    status: str = "open"
    baseline: Version | None = None
    """The version that failed; None: the recording stands in for it."""
    candidate: Version | None = None
    """The version that is meant to be fixed."""
    traces: tuple[TraceVerdict, ...] = ()
    """The verdict over each trace of the case, in order."""
    assertions: tuple[str, ...] = ()
    """Each assertion in words, in the order of case.yaml."""
    proves: tuple[str, ...] = ()
    """What the verdict shows, in sentences."""
    not_proven: tuple[str, ...] = ()
    """What it does not show, in sentences."""
    settlement: Settlement | None = None
    """What would settle a ``cannot_judge``; None where no command would."""
    next_command: str = ""
    """The command most people want next."""
    model: str = ""
    """The live model, by its Inspect name; empty when recorded answers were used."""
    estimate: Estimate | None = None
    """What the live trials were expected to take, before they began."""
    usage: Usage | None = None
    """What they took."""
    preset: str = "code-change"
    digests: dict[str, str] = {}
    """SHA-256 of case.yaml, trace.json, evidence manifest, head of the custody log."""
    completeness: tuple[dict[str, Any], ...] = ()
    """The 14 evidence items: name, state, where found."""
    created_at: str = ""
    """RFC 3339, UTC."""
    tool_version: str = ""
    run_id: str = ""
    format: int = RESULT_FORMAT
