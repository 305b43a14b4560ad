"""JUnit of a gate: what CI systems count."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from unrepeat.reports.junit import to_junit

from .gates import CRASHED, FAILED, HELD, OPEN, PASSED, WEAKENED, gate


def suite(result):
    root = ET.fromstring(to_junit(result))
    assert root.tag == "testsuites"
    return root[0]


def child(test):
    return next(iter(test), None)


@pytest.mark.parametrize(
    ("case", "tag", "kind"),
    [
        (PASSED, None, None),
        (FAILED, "failure", "still-failing"),
        (HELD, "failure", "held"),
        (OPEN, "skipped", None),
        (CRASHED, "error", "unreadable"),
    ],
)
def test_effect_becomes_what_junit_has_for_it(case, tag, kind):
    found = child(suite(gate(case, exit_code=0 if tag is None else 1))[0])
    assert (found.tag, found.get("type")) == (tag, kind) if tag else found is None


def test_counts_are_those_of_the_cases():
    found = suite(gate(PASSED, FAILED, HELD, OPEN, CRASHED, problems=(WEAKENED,)))
    assert [found.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "3", "1", "1"]


def test_failure_names_step_owner_and_next_command():
    text = child(suite(gate(FAILED))[0]).text
    for words in ("step 5: tool update_address", "owner: @desk/platform", "next: unrepeat replay inc-back"):
        assert words in text


def test_no_trace_text_is_written():
    assert b"Secret words" not in to_junit(gate(PASSED, FAILED, HELD))


@pytest.mark.parametrize(("code", "kind"), [(1, "gate"), (10, "held")])
def test_gate_without_a_red_case_is_red_all_the_same(code, kind):
    assert child(suite(gate(exit_code=code))[-1]).get("type") == kind


@given(st.text(), st.text())
def test_any_text_makes_xml_that_parses(reason, name):
    case = replace(FAILED, reason=reason, case_id=name, owner=reason)
    assert child(suite(gate(case, problems=(replace(WEAKENED, where=name),)))[0]) is not None
