"""Canonical JSON: one value, one sequence of bytes, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import SourceError
from unrepeat.reports.canonical_json import DuplicateKeyError, NotCanonicalError, canonical, read_canonical

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)  # fmt: skip


@given(values)
def test_what_was_written_is_read_back(value):
    assert read_canonical(canonical(value), "f") == value


@given(values)
def test_writing_again_changes_nothing(value):
    data = canonical(value)
    assert canonical(read_canonical(data, "f")) == data


def test_keys_are_sorted_and_nothing_is_spaced():
    assert canonical({"b": 1, "a": [1.0, "é"]}) == '{"a":[1,"é"],"b":1}'.encode()


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**30, 1_700_000_000_000_000_000])
def test_integers_that_a_double_cannot_hold_are_texts(number):
    assert canonical([number]) == f'["{number}"]'.encode()
    assert canonical([2**53 - 1]) == b"[9007199254740991]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="exactly"):
        canonical([value])


@pytest.mark.parametrize("data", [b'{"a":1,"a":2}', b'[{"b":{"a":1,"a":1}}]'])
def test_a_key_that_stands_twice_is_refused(data):
    with pytest.raises(DuplicateKeyError):
        read_canonical(data, "f")


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b"[1.0]", b"[1 ]", b"[9007199254740993]", b'["\\u0041"]', b"1\n"])
def test_another_form_of_the_same_value_is_refused(data):
    with pytest.raises(NotCanonicalError):
        read_canonical(data, "f")


@pytest.mark.parametrize("data", [b"", b"{", b"[NaN]", b"\xff"])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(SourceError):
        read_canonical(data, "f")
