"""The same jobs for Python."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import pytest

import unrepeat.harness
from unrepeat.harness import ImportRequest, import_trace, prove, replay, report

from .command_line import ENVIRONMENT, SHIPPED, desk

FIRST = ["unrepeat.harness", "unrepeat.harness.api", "unrepeat.harness.commands.prove", "unrepeat.harness.importing"]
NAMES = ["prove", "replay", "import_trace", "report"]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """The shipped desk as current folder."""
    monkeypatch.chdir(desk(tmp_path / "desk"))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("first", FIRST)
def test_names_are_there_in_any_order(first):
    code = f"import {first}\n"
    for order in itertools.permutations(NAMES, 2):
        code += (
            f"from unrepeat.harness import {', '.join(order)}\nassert callable({order[0]}) and callable({order[1]})\n"
        )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_sorted_and_there():
    assert unrepeat.harness.__all__ == sorted(unrepeat.harness.__all__)
    assert all(callable(getattr(unrepeat.harness, name)) for name in unrepeat.harness.__all__)


def test_import_prove_replay_report_from_python():
    made = import_trace(ImportRequest(file=SHIPPED / "traces/wrong-account.json", id="i1"), choose=lambda offered: [0])
    assert replay(made.case.case.id, version="v2").traces[0].candidate
    verdict = prove("inc-wrong-account", candidate="v2")
    assert verdict.verdict == "fixed"
    assert not os.path.exists(".unrepeat")


def test_progress_is_told_of_each_stage():
    told: list[str] = []
    prove("inc-wrong-account", baseline="v1", candidate="v2", progress=told.append)
    assert [line.partition(": ")[2].split(",")[0] for line in told] == [
        "replaying the baseline v1", "replaying the candidate v2", "replaying the candidate once more"
    ]  # fmt: skip


def test_report_is_refused_before_there_is_a_result():
    with pytest.raises(unrepeat.cases.errors.CaseError, match="expected a result to report"):
        report("inc-wrong-account")
