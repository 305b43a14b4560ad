"""trace.json: canonical, and refused when it is not what it must be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases import trace_file
from unrepeat.cases.errors import CaseError
from unrepeat.cases.trace import Source, Trace, TraceDocument

from .case_samples import document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def holding(value):
    return TraceDocument(traces=(Trace(trace_id="t", source=Source(format="x"), input=value),))


@given(JSON)
def test_what_is_written_is_read_back(value):
    assert trace_file.decode(trace_file.encode(holding(value)), "trace.json") == holding(value)


def test_written_form_is_readable_and_ends_in_a_newline():
    text = trace_file.encode(document())
    assert text.startswith(b'{\n "format": 1,\n "traces": [\n')
    assert text.endswith(b"}\n")


def test_recorded_order_of_keys_is_kept():
    text = trace_file.encode(holding({"b": 1, "a": 2}))
    assert list(json.loads(text)["traces"][0]["input"]) == ["b", "a"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1: 2}])
def test_what_json_would_change_is_refused_with_its_path(value):
    with pytest.raises(CaseError, match="at /traces/0/input/k"):
        trace_file.encode(holding({"k": value}))


def test_endless_nesting_is_refused_when_writing():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(CaseError, match="fewer nested levels"):
        trace_file.encode(holding(value))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "trace.json: expected JSON"),
        (b'{"format": 1, "traces": [', "trace.json: expected JSON"),
        (b'{"format": 1,\n "x": }', "trace.json:2:7: expected JSON"),
        (b"\x80\x00", "trace.json:1:1: expected JSON"),
        (b"[]", "trace.json at \\$: expected `object`"),
        (b"{}", "expected format to be a version"),
        (b'{"format": 2}', "expected format 1 or older, got 2. Update unrepeat"),
        (b'{"format": 0}', "expected format to be a version from 1 to 1, got 0"),
        (b'{"format": true}', "format: expected `int`, got `bool`"),
        (b'{"format": 1, "traces": [{"trace_id": 3}]}', r"trace.json at \$.traces\[0\].trace_id: expected `str`"),
        (b'{"format": 1, "traces": ' + b"[" * 100_000, "fewer nested levels|expected"),
    ],
)
def test_broken_file_is_a_case_error_with_its_place(data, message):
    with pytest.raises(CaseError, match=message):
        trace_file.decode(data, "trace.json")


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_as_a_case_error(data):
    with pytest.raises(CaseError):
        trace_file.decode(data, "trace.json")


def test_missing_file_is_a_case_error(tmp_path):
    with pytest.raises(CaseError, match="expected a readable file"):
        trace_file.load_trace(tmp_path / "trace.json")
