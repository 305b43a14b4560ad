"""What a gate prints for people: each case, what blocks, the headline; no text of a trace, no command."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from unrepeat.reports.terminal import make_console, render_gate
from unrepeat.scorers.gate_result import FailingStep, GatedCase, GateProblem, GateResult

SECRET = "the customer's secret"
FAILING = GatedCase(
    case_id="inc-1",
    title="A refund nobody asked for",
    effect="fail",
    rule="still-failing",
    reason="the failure is back at step 4 (tool refund)",
    verdict="still_failing",
    detail=SECRET,
    assertion="no refund",
    step=FailingStep(seq=4, kind="tool", name="refund"),
    owner="desk",
    next_command="unrepeat replay inc-1",
)
READY = GatedCase(
    case_id="inc-2",
    title="Ready",
    effect="reported",
    rule="promote",
    reason="came out fixed",
    verdict="fixed",
    scope="whole_run",
    next_command="unrepeat status inc-2 fixed",
)
HELD = GateProblem(effect="hold", rule="status-lowered", where="inc-3: status", reason="a person decides")


def result(*cases, code=1, problems=()):
    return GateResult(
        claim="no_regression", exit_code=code, reason="blocked: inc-1", cases=cases, problems=problems, candidate="v2"
    )


def printed(gated, *, width=100, encoding="utf-8", **options):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    render_gate(gated, make_console(file, width=width), **options)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def test_each_case_has_a_line_with_its_verdict_rule_and_owner():
    lines = [" ".join(line.split()) for line in printed(result(FAILING, READY)).splitlines()]
    assert "✗ inc-1 Still failing still-failing desk" in lines
    assert "· inc-2 Fixed · whole run promote" in lines


def test_what_blocks_is_shown_with_step_owner_and_next_command():
    out = printed(result(FAILING))
    for told in ("the failure is back", "no refund", "step: 4, tool refund", "ask: desk", "$ unrepeat replay inc-1"):
        assert told in out


def test_open_cases_that_are_ready_are_named_with_their_command():
    out = printed(result(READY, code=0))
    assert "1 open case came out fixed" in out
    assert "$ unrepeat status inc-2 fixed" in out


@pytest.mark.parametrize("details", [False, True])
def test_reasons_of_verdicts_are_shown_only_when_asked_for(details):
    assert (SECRET in printed(result(FAILING), details=details)) is details


def test_problem_is_shown_with_its_place():
    assert re.search(r"\? status-lowered +inc-3: status\n +a person decides", printed(result(problems=[HELD], code=10)))


@pytest.mark.parametrize(
    ("code", "meaning"), [(0, "pass"), (1, "fail"), (10, "a person must decide"), (130, "--resume")]
)
def test_exit_code_is_said_with_its_meaning(code, meaning):
    assert re.search(rf"exit code {code} \(.*{meaning}", printed(result(code=code)))


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_words_can_neither_act_nor_widen_the_page(width, encoding):
    hostile = "\x1b]52;c;AAAA\x07\u202e::error::x ##[error]x\n::warning::y " + "w" * 200
    step = FailingStep(seq=1, kind="tool", name=hostile)
    words: Any = dict.fromkeys(("case_id", "title", "reason", "detail", "assertion", "owner", "cause"), hostile)
    case = GatedCase(**words, effect="fail", rule="error", step=step, next_command="unrepeat show x")
    problem = GateProblem(effect="fail", rule="case-removed", where=hostile, reason=hostile)
    out = printed(result(case, problems=[problem]), width=width, encoding=encoding, details=True)
    assert "\x1b]" not in out
    assert "\u202e" not in out
    assert not re.search(r"^\s*::|##\[", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= width
