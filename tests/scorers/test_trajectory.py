"""Assertions on the sequence of tool calls."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .traces import Recording, holds, violations

names = st.lists(st.sampled_from("abc"), max_size=5)


def run(*tools):
    recording = Recording()
    for tool in tools:
        recording.call(tool, {"n": 1})
    return recording


def in_order(want, got):
    rest = iter(got)
    return all(each in rest for each in want)


def naive(mode, want, got):
    """State each mode as directly as it can be said."""
    if mode == "strict":
        return got == want
    if mode == "in_order":
        return in_order(want, got)
    covered = any(list(order[: len(want)]) == want for order in itertools.permutations(got))
    covering = any(list(order[: len(got)]) == got for order in itertools.permutations(want))
    return {"unordered": covered and covering, "superset": covered, "subset": covering}[mode]


@given(st.sampled_from(["strict", "unordered", "subset", "superset", "in_order"]), names.filter(bool), names)
def test_modes_agree_with_a_naive_reference(mode, want, got):
    assert holds(run(*got), type="tool-order", tools=want, mode=mode) is naive(mode, want, got)


def test_first_difference_is_explained():
    (found,) = violations(run("lookup", "cancel"), type="tool-order", tools=["lookup", "refund"])
    assert found.reason.startswith("call 2: expected refund, got cancel(n=1)")
    assert found.span_ids == ("s2",)


def test_mere_change_of_order_is_said_to_be_one():
    (found,) = violations(run("b", "a"), type="tool-order", tools=["a", "b"])
    assert "their order is not" in found.reason


def test_calls_after_the_reference_are_named():
    (found,) = violations(run("a", "b", "c"), type="tool-order", tools=["a"])
    assert found.span_ids == ("s2", "s3")


def test_missing_end_is_named():
    (found,) = violations(run("a"), type="tool-order", tools=["a", "b"])
    assert "before b" in found.reason


def test_call_found_only_too_early_is_said_to_be():
    (found,) = violations(run("b", "a"), type="tool-order", tools=["a", "b"], mode="in_order")
    assert "only before it: b(n=1)" in found.reason


def test_loose_expectation_leaves_the_narrow_one_its_call():
    recording = Recording().call("a", {"n": 1}).call("a", {"n": 2})
    tools = ["a", {"tool": "a", "args": {"n": 1}}]
    assert holds(recording, type="tool-order", tools=tools, mode="unordered")


def test_trajectory_compares_arguments_exactly_by_default():
    reference = [{"tool": "refund", "args": {"id": 1}}]
    assert holds(Recording().call("refund", {"id": 1.0}), type="trajectory", reference=reference)
    assert not holds(Recording().call("refund", {"id": 1, "x": 2}), type="trajectory", reference=reference)


@pytest.mark.parametrize(("mode", "held"), [("superset", True), ("subset", False), ("ignore", True)])
def test_trajectory_takes_the_argument_modes(mode, held):
    reference = [{"tool": "refund", "args": {"id": 1}}]
    recording = Recording().call("refund", {"id": 1, "x": 2})
    assert holds(recording, type="trajectory", reference=reference, tool_args_match_mode=mode) is held


def test_nested_arguments_are_compared_whole_in_exact_mode():
    reference = [{"tool": "find", "args": {"filter": {"status": "open"}}}]
    wider = Recording().call("find", {"filter": {"status": "open", "all": True}})
    assert not holds(wider, type="trajectory", reference=reference)


def test_empty_reference_permits_no_call():
    assert holds(run(), type="trajectory", reference=[])
    assert not holds(run("a"), type="trajectory", reference=[])


def test_missing_and_extra_calls_are_listed():
    found = violations(run("a", "c"), type="trajectory", reference=["a", "b"], mode="unordered")
    assert [each.reason for each in found] == ["unexpected: c(n=1)", "missing: b"]


def test_long_runs_are_paired_without_recursion():
    assert holds(run(*["a"] * 400), type="tool-order", tools=["a"] * 400, mode="unordered")
