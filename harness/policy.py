"""The policy of the gate: the ``[gate]`` table of unrepeat.toml, its digest, and what a change of it loosens."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..cases.vocabulary import Severity
from ..replayers.isolation.levels import LEVELS, Level, is_at_least
from ..scorers.gate_result import Claim
from ..scorers.score import Scope

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From least to most severe."""
LEAST_TRIALS = 10
"""Fewest live trials that may stand for no regression: none of 10 failing bounds the rate at 26% (5-verdicts)."""

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Change = Literal["loosened", "tightened", "changed"]


def _case_id(text: str) -> str:
    from ..cases.case import normal_id  # the models of case.yaml are slow to import, and few policies waive anything

    return normal_id(text)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Waiver(_Table):
    """One case of low or medium severity that may fail for a while."""

    case: Annotated[str, AfterValidator(_case_id)]
    """Id of the case."""
    reason: Sentence
    """Why it may fail."""
    owner: Sentence
    """Who answers for it."""
    expires: dt.date
    """Last day on which it counts, in UTC; afterwards the gate fails until it is removed."""


class GatePolicy(_Table):
    """What turns verdicts into an exit code."""

    claim: Claim = "no_regression"
    """What passing means where the command line does not say: no_regression, fixed or recovered."""
    blocks: Annotated[list[Severity], Field(min_length=1)] = list(SEVERITIES)
    """Severities that block; cases of the others are run and reported."""
    unstated_severity: Severity = "high"
    """The severity of a case that states none."""
    hold: list[Literal["cannot_judge"]] = []
    """Verdicts that hold the gate for a person (exit code 10) instead of failing it."""
    scope: dict[Severity, Scope] = {}
    """Scope that `fixed` needs, by severity: whole_run, or recorded_action, with which any scope will do."""
    isolation: Level = "guard"
    """Isolation that a pass needs at least."""
    external: bool = False
    """Whether a deployment, whose isolation nobody here knows, may pass."""
    model: str | None = None
    """Live model for cases that no recording can judge, as PROVIDER/NAME; `--model` names another."""
    trials: Annotated[int, Field(ge=LEAST_TRIALS, le=10_000)] = LEAST_TRIALS
    """Live trials without a failure that stand for no regression."""
    waivers: list[Waiver] = []
    """Cases of low or medium severity that may fail for a while."""

    @model_validator(mode="after")
    def _one_waiver_a_case(self) -> GatePolicy:
        cases = [waiver.case for waiver in self.waivers]
        twice = next((case for case in cases if cases.count(case) > 1), None)
        if twice is not None:
            raise ValueError(f"expected one waiver a case, got several for {twice!r}")
        return self

    def takes_isolation(self, reached: str) -> bool:
        """Whether a pass may rest on replays of this isolation; a word that is no level does not do."""
        if reached == "external":
            return self.external
        return is_at_least(reached, self.isolation)

    def severity_of(self, stated: str) -> str:
        """Return the severity a case counts with."""
        return stated or self.unstated_severity


def policy_sha256(policy: GatePolicy) -> str:
    """Return the SHA-256 of a policy in canonical JSON: keys sorted, no white space, every key present."""
    return hashlib.sha256(canonical(policy.model_dump(mode="json"))).hexdigest()


def canonical(value: Any) -> bytes:
    """Return JSON values as the same bytes whenever they are equal."""
    return msgspec.json.encode(value, order="deterministic")


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One key of the policy that a change under review would set otherwise."""

    key: str
    change: Change


def policy_changes(base: GatePolicy, now: GatePolicy) -> list[PolicyChange]:
    """Return what differs between the policy of the base and that of the change, in the order of the keys."""
    return list(_changes(base, now))


def _changes(base: GatePolicy, now: GatePolicy) -> Iterator[PolicyChange]:
    claims: tuple[str, ...] = get_args(Claim)
    ranks: tuple[tuple[str, int, int], ...] = (
        ("claim", claims.index(base.claim), claims.index(now.claim)),
        (
            "unstated_severity",
            SEVERITIES.index(base.unstated_severity),
            SEVERITIES.index(now.unstated_severity),
        ),
        ("trials", base.trials, now.trials),
        ("isolation", -LEVELS.index(base.isolation), -LEVELS.index(now.isolation)),
        ("external", -base.external, -now.external),
    )
    for key, before, after in ranks:
        if before != after:
            yield PolicyChange(key, "tightened" if after > before else "loosened")
    strict_before, strict_after = (
        {severity for severity, scope in policy.scope.items() if scope == "whole_run"} for policy in (base, now)
    )
    sets: tuple[tuple[str, set[str], set[str]], ...] = (
        ("blocks", set(base.blocks), set(now.blocks)),
        ("hold", set(now.hold), set(base.hold)),
        ("scope", {*strict_before}, {*strict_after}),
        ("waivers", _excused(now), _excused(base)),
    )
    for key, before_set, after_set in sets:
        if before_set != after_set:
            yield PolicyChange(key, "tightened" if before_set < after_set else "loosened")
    if base.model != now.model:
        yield PolicyChange("model", "changed")


def _excused(policy: GatePolicy) -> set[str]:
    return {canonical(waiver.model_dump(mode="json")).decode() for waiver in policy.waivers}
