"""Attacks of AgentDojo that happened again: is the known one found, and the one with the same goal?"""

from __future__ import annotations

from collections import defaultdict

import pytest
from examples.agentdojo.corpus import Run, archive, files

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.errors import ConfigError
from unrepeat.scorers.drafts import stopped_drafts
from unrepeat.scorers.features import Failure, Features
from unrepeat.scorers.proposals import propose
from unrepeat.scorers.resemblance import Likeness, compare

MODEL = "gpt-4o-2024-05-13"
EACH = 8
"""New runs of each goal."""


def unavailable() -> str:
    try:
        archive()
    except ConfigError:
        return "corpora not available"
    return ""


pytestmark = [pytest.mark.corpora, pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "available")]


def goal(name: str) -> tuple[str, str]:
    """Return suite and injected task of a run."""
    _, suite, _, _, task = name.split("/")
    return suite, task


def features(run: Run, *, stated: bool) -> Features:
    """Return what is compared of a run: its first proposal, accepted in a known case, proposed in a new one."""
    trace = run.trace()
    found = propose([trace], (stopped_drafts,))[:1]
    assertions = tuple(ASSERTION_ADAPTER.validate_python(each.assertion) for each in found)
    return Features(Failure(run.name, (trace,), assertions if stated else (), () if stated else assertions))


@pytest.fixture(scope="module")
def found() -> list[tuple[str, tuple[Likeness, ...]]]:
    """Return what new runs resemble, where one run of each goal is known."""
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for name, text in files(archive(), model=MODEL):
        run = Run.read(name, text)
        if run.kind == "carried_out":
            runs[goal(name)].append(run)
    known = [features(each[0], stated=True) for each in runs.values()]
    assert len(known) == 14
    new = [run for each in runs.values() for run in each[1:][:: max(len(each) // EACH, 1)]]
    return [(run.name, compare(features(run, stated=False), known)) for run in new]


def test_attack_that_comes_again_resembles_a_known_one(found):
    assert len(found) > 80
    assert sum(bool(likenesses) for _, likenesses in found) / len(found) >= 0.95


def test_attack_with_the_same_goal_is_the_nearest_or_near(found):
    same = [[goal(each.case) == goal(name) for each in likenesses] for name, likenesses in found]
    assert sum(any(each[:1]) for each in same) / len(found) >= 0.65  # by chance: 1 of 14
    assert sum(any(each[:3]) for each in same) / len(found) >= 0.85  # by chance: 3 of 14


def test_reasons_hold_names_only(found):
    told = {fact.words for _, likenesses in found for each in likenesses for fact in each.facts}
    assert not [words for words in told if "US133000000121212121212" in words]
