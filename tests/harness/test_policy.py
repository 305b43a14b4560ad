"""The policy of the gate: its table, its digest, and what a change of it does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from tests.harness.gate_facts import policies

from unrepeat.cases.errors import ConfigError
from unrepeat.harness.config import parsed
from unrepeat.harness.policy import GatePolicy, policy_changes, policy_sha256

WAIVER = "[[gate.waivers]]\ncase = 'INC-1'\nreason = 'r'\nowner = 'o'\nexpires = 2030-01-01\n"


def policy(text):
    return parsed(text, Path("unrepeat.toml")).gate


def test_without_a_table_the_strict_defaults_hold():
    assert policy("") == GatePolicy()
    assert (GatePolicy().claim, GatePolicy().hold, GatePolicy().unstated_severity) == ("no_regression", [], "high")


def test_waiver_names_a_case_as_case_yaml_does():
    assert policy(WAIVER).waivers[0].case == "inc-1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gate]\nblock = ['high']", "Did you mean 'blocks'?"),
        ("[gate]\nblocks = []", "gate.blocks"),
        ("[gate]\nblocks = ['dire']", "gate.blocks.0"),
        ("[gate]\nclaim = 'green'", "gate.claim"),
        ("[gate]\nhold = ['still_failing']", "gate.hold.0"),
        ("[gate]\nscope = {high = 'all'}", "gate.scope.high"),
        ("[gate]\ntrials = 9", "gate.trials"),
        (WAIVER + WAIVER, "expected one waiver a case"),
        (WAIVER.replace("'r'", "'  '"), "gate.waivers.0.reason"),
        (WAIVER.replace("expires = 2030-01-01", ""), "gate.waivers.0.expires"),
        (WAIVER.replace("INC-1", "../inc-1"), "gate.waivers.0.case"),
    ],
)
def test_table_that_is_no_policy_is_refused_with_its_place(text, told):
    with pytest.raises(ConfigError) as refused:
        policy(text)
    assert told in str(refused.value)


@given(policies, policies)
def test_digest_is_that_of_what_the_policy_says(one, other):
    assert (policy_sha256(one) == policy_sha256(other)) == (one.model_dump() == other.model_dump())


@given(policies)
def test_policy_that_says_the_same_has_not_changed(one):
    assert policy_changes(one, GatePolicy.model_validate(one.model_dump())) == []


@given(policies, policies)
def test_change_is_loosened_one_way_and_named_the_other_way_too(one, other):
    there, back = policy_changes(one, other), policy_changes(other, one)
    assert [each.key for each in there] == [each.key for each in back]
    for forth, reverse in zip(there, back, strict=True):
        assert "loosened" in (forth.change, reverse.change)
