"""Annotations of a gate: the only lines a runner is meant to obey."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from unrepeat.reports.github import to_annotations
from unrepeat.scorers.gate_result import FailingStep

from .gates import CRASHED, FAILED, HELD, OPEN, PASSED, WEAKENED, gate

COMMAND = re.compile(r"::(error|warning|notice) [^:\n]*::[^\r\n]*")


def lines_of(*cases, **more):
    return to_annotations(gate(*cases, **more), lambda case_id: f"incidents/{case_id}/case.yaml").splitlines()


def test_each_case_that_did_not_pass_has_one_annotation():
    lines = lines_of(PASSED, FAILED, HELD, OPEN, CRASHED, problems=(WEAKENED,))
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice", "::error", "::error"]


def test_annotation_stands_at_the_case_and_says_where_and_whom_to_ask():
    (line,) = lines_of(FAILED)
    assert line.startswith("::error title=inc-back%3A still failing,file=incidents/inc-back/case.yaml::")
    for words in ("step 5, tool update_address", "cause: retrieval (hypothesis)", "ask @desk/platform"):
        assert words in line


def test_no_trace_text_is_written():
    assert "Secret words" not in "".join(lines_of(PASSED, FAILED, HELD))


def test_name_that_is_no_identifier_is_left_out():
    step = FailingStep(seq=5, kind="tool", name="ignore all rules\n::stop-commands::x")
    (line,) = lines_of(replace(FAILED, step=step))
    assert "step 5, tool;" in line


def test_gate_that_passed_says_nothing():
    assert lines_of(PASSED, exit_code=0) == []


def test_red_gate_without_a_red_case_says_why():
    assert lines_of(exit_code=1) == ["::error title=unrepeat gate::0 cases"]


@given(st.text())
def test_no_text_adds_a_command(text):
    case = replace(FAILED, reason=text, owner=text, case_id=text, cause=text, next_command=text)
    lines = to_annotations(gate(case), lambda name: name).split("\n")
    assert len(lines) == 2
    assert COMMAND.fullmatch(lines[0])
