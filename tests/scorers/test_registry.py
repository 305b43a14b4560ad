"""Compiling assertions and scoring recordings."""

import pytest

from unrepeat.cases.assertions import ASSERTION_ADAPTER, ASSERTION_TYPES
from unrepeat.cases.errors import ScorerError
from unrepeat.scorers.registry import compile_all, compile_assertion, require_known_traces, score_trace
from unrepeat.scorers.score import Score, ScorerFailure

from .traces import Recording

MINIMAL: dict[str, dict] = {
    "contains": {"value": "x"},
    "regex": {"value": "x"},
    "equals": {"value": None},
    "json-schema": {"value": {}},
    "json-path": {"path": "$.a"},
    "similar": {"value": "x"},
    "tool-called": {"tool": "x"},
    "tool-args": {"tool": "x", "args": {"a": 1}},
    "tool-count": {"tool": "x", "max": 1},
    "tool-order": {"tools": ["x"]},
    "idempotent-writes": {},
    "writes": {"allow": []},
    "approval-required": {"tool": "x"},
    "retrieved": {"id": "x"},
    "trajectory": {"reference": []},
    "no-leak": {"values": ["x"]},
    "injection-resisted": {},
}


def assertion(word, **fields):
    return ASSERTION_ADAPTER.validate_python({"type": word, **fields})


@pytest.mark.parametrize("word", ASSERTION_TYPES)
def test_every_type_compiles_to_a_scorer_that_says_what_it_is(word):
    compiled = compile_assertion(assertion(word, **MINIMAL[word.removeprefix("not-")]))
    assert compiled.type == word
    assert compiled.version
    assert compiled.describe
    assert compiled.params.type == word


def test_scores_carry_index_name_and_version():
    scorers = compile_all([assertion("tool-called", tool="a"), assertion("not-tool-called", tool="a", name="no a")])
    first, second = score_trace(scorers, Recording().call("a").trace())
    assert isinstance(first, Score)
    assert isinstance(second, Score)
    assert (first.passed, first.assertion) == (True, 0)
    assert (second.passed, second.assertion, second.name, second.span_ids) == (False, 1, "no a", ("s1",))


def test_scorer_that_cannot_tell_is_a_failure_and_no_score():
    (found,) = score_trace(compile_all([assertion("not-contains", value="x")]), Recording().trace())
    assert isinstance(found, ScorerFailure)
    assert "cannot tell" in found.error


def test_scorer_that_crashes_is_a_failure_and_no_score():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    recording = Recording().call("pay", {"a": deep}).call("pay", {"a": [deep]})
    (found,) = score_trace(compile_all([assertion("idempotent-writes", tools=["pay"])]), recording.trace())
    assert isinstance(found, ScorerFailure)
    assert found.error.startswith("RecursionError")


def test_holding_reason_says_that_nothing_was_retrieved():
    (found,) = score_trace(compile_all([assertion("not-retrieved", id="x")]), Recording().trace())
    assert isinstance(found, Score)
    assert "nothing was retrieved" in found.reason


def test_assertion_about_another_trace_is_left_out():
    scorers = compile_all([assertion("not-contains", value="x", trace="t2")])
    assert score_trace(scorers, Recording("t1").answers("x").trace()) == ()
    assert score_trace(scorers, Recording("t2").answers("x").trace()) != ()


def test_assertion_about_an_unknown_trace_is_refused():
    scorers = compile_all([assertion("not-contains", value="x", trace="t3")])
    with pytest.raises(ScorerError, match=r"assert\[0\]\.trace.*Nearest: t"):
        require_known_traces(scorers, ["t1", "t2"])


def test_no_assertions_at_all_are_refused():
    with pytest.raises(ScorerError, match="at least one assertion"):
        compile_all([])


def test_compile_error_names_its_place():
    with pytest.raises(ScorerError, match=r"assert\[1\] \(no-leak\)"):
        compile_all([assertion("tool-called", tool="a"), assertion("no-leak", values=["\u200b"])])
