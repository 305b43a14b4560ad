"""Predicates over recorded values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import ScorerError
from unrepeat.cases.operators import OPERATORS
from unrepeat.scorers.predicates import MISSING, compile_arguments, compile_predicate, json_equal, lookup

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
bounds = st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)


def accepts(predicate, value):
    return compile_predicate(predicate)(value)


@given(values)
def test_value_equals_itself(value):
    assert accepts({"eq": value}, value)


@given(values, values)
def test_equality_is_symmetric(left, right):
    assert json_equal(left, right) is json_equal(right, left)


@given(values, values | st.just(MISSING))
def test_ne_is_the_opposite_of_eq(operand, value):
    assert accepts({"ne": operand}, value) is not accepts({"eq": operand}, value)


@given(st.lists(values, max_size=4), values)
def test_in_is_any_of_equalities(operands, value):
    wanted = any(accepts({"eq": each}, value) for each in operands)
    assert accepts({"in": operands}, value) is wanted
    assert accepts({"not_in": operands}, value) is not wanted


@given(bounds, scalars | st.just(MISSING))
def test_double_negation_changes_nothing(bound, value):
    assert accepts({"not": {"not": {"gte": bound}}}, value) is accepts({"gte": bound}, value)


@given(bounds, bounds, scalars)
def test_operators_of_one_object_all_hold(low, high, value):
    both = accepts({"gt": low}, value) and accepts({"lt": high}, value)
    assert accepts({"gt": low, "lt": high}, value) is both
    assert accepts({"all_of": [{"gt": low}, {"lt": high}]}, value) is both


@given(st.integers() | st.floats(allow_nan=False), st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_orderings_partition_the_numbers(bound, value):
    assert [accepts({each: bound}, value) for each in ("lt", "eq", "gt")].count(True) == 1


@pytest.mark.parametrize(
    ("predicate", "value", "accepted"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        ("Ä", "A\u0308", False),
        (None, None, True),
        (None, MISSING, False),
        ([1, {"a": 2}], [1.0, {"a": 2.0}], True),
        ({"gt": 100}, "250.5", True),
        ({"gt": 100}, "a lot", False),
        ({"gt": 100}, True, False),
        ({"gte": "2026-01-01"}, "2026-03-01", True),
        ({"gt": 5}, MISSING, False),
        ({"lt": 10**400}, 1, True),
        ({"contains": "@evil"}, "x@evil.com", True),
        ({"contains": 2}, [1, 2.0], True),
        ({"contains": "a"}, None, False),
        ({"regex": "^ord_[0-9]+$"}, "ord_993", True),
        ({"regex": "^4"}, 42, True),
        ({"regex": "x"}, "\ud800x", True),
        ({"exists": False}, MISSING, True),
        ({"exists": True}, None, True),
        ({"eq": {"in": [1]}}, {"in": [1]}, True),
        ({"any_of": [1, {"gt": 5}]}, 7, True),
        ({"id": {"ne": "c1"}}, MISSING, True),
        ({"id": "c1", "city": "x"}, {"id": "c1", "city": "x", "more": 1}, True),
    ],
)
def test_predicate_accepts(predicate, value, accepted):
    assert accepts(predicate, value) is accepted


@pytest.mark.parametrize("predicate", [5, {"ne": 5}, {"gt": 5}, {"not": {"lt": 5}}, {"in": [1]}])
def test_not_a_number_is_refused(predicate):
    with pytest.raises(ScorerError, match="NaN"):
        accepts(predicate, math.nan)


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1), ("c.0.d", 2), ("x.y", 3), ("x.y.z", MISSING), ("c.9", MISSING), ("", MISSING), ("m.n.o", 4)],
)
def test_dotted_path_leads_to_a_value(path, found):
    value = {"a": {"b": 1}, "c": [{"d": 2}], "x.y": 3, "m.n": {"o": 4}}
    assert lookup(value, path) is found or lookup(value, path) == found


def test_exact_mode_takes_paths_for_their_first_name():
    matches = compile_arguments({"to.id": 1}, "exact")
    assert matches({"to": {"id": 1}})
    assert not matches({"to": {"id": 1}, "cc": 1})


def test_subset_mode_ignores_what_the_call_leaves_out():
    matches = compile_arguments({"to": 1, "cc": 2}, "subset")
    assert matches({"to": 1})
    assert not matches({"to": 2})


def test_every_operator_is_compiled():
    operands = {"in": [], "not_in": [], "any_of": [1], "all_of": [1], "not": 1, "exists": True}
    for name in OPERATORS:
        assert accepts({name: operands.get(name, "x")}, "x") in (True, False)
