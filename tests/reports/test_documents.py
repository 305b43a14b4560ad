"""The JSON of a run is deterministic, complete, versioned, and strict when it is read."""

from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import ConfigError
from unrepeat.reports.documents import from_json, load_result, result_schema, to_json

from .samples import every_verdict, fixed, hostile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def with_environment(value):
    verdict = fixed()
    judged = verdict.traces[0].candidate
    assert judged is not None
    replay = msgspec.structs.replace(judged.replay, environment={"value": value})
    candidate = msgspec.structs.replace(judged, replay=replay)
    trace = msgspec.structs.replace(verdict.traces[0], candidate=candidate)
    return msgspec.structs.replace(verdict, traces=(trace,))


def environment_of(verdict):
    return verdict.traces[0].candidate.replay.environment["value"]


@pytest.mark.parametrize("verdict", [*every_verdict(), hostile()], ids=lambda each: each.case_id + each.verdict)
def test_a_verdict_is_read_back_as_it_was_written(tmp_path, verdict):
    path = tmp_path / "result.json"
    path.write_bytes(to_json(verdict))
    assert load_result(path) == verdict


def test_the_same_verdict_is_always_the_same_bytes():
    assert to_json(fixed()) == to_json(from_json(to_json(fixed())))


def test_the_file_ends_in_a_newline_and_states_its_version_first():
    data = to_json(fixed())
    assert data.endswith(b"}\n")
    assert next(iter(json.loads(data))) == "format"


@given(JSON)
def test_any_recorded_value_survives(value):
    assert environment_of(from_json(to_json(with_environment(value)))) == value


@pytest.mark.parametrize(("value", "kept"), [(float("nan"), "nan"), ("a\ud800", "a\\ud800"), (2**200, 2**200)])
def test_what_json_cannot_hold_is_written_as_text(value, kept):
    assert environment_of(from_json(to_json(with_environment(value)))) == kept


def test_what_is_nested_too_deep_is_cut_and_stays_readable():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    assert environment_of(from_json(to_json(with_environment(deep)))) != deep[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "result"),
        (b"{", "result"),
        (b"[]", "expected a result of format 1"),
        (b'{"format": 2}', "a newer unrepeat"),
        (b'{"format": true}', "expected a result of format 1"),
        (b'{"format": 1}', "case_id"),
        (b'{"format": 1, "format": 1}', "twice|duplicate"),
        (b"\xff\xfe", "result"),
        (b'{"format": 1, "case_id": "a", "title": "b", "verdict": "passed", "reason": ""}', "passed"),
    ],
)
def test_what_is_no_result_is_refused(data, message):
    with pytest.raises(ConfigError, match=message):
        from_json(data)


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.json"):
        load_result(tmp_path / "nothing.json")


def test_results_fit_their_schema():
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for verdict in every_verdict():
        jsonschema.validate(json.loads(to_json(verdict)), schema)


def test_the_schema_refuses_a_result_without_its_version():
    content = json.loads(to_json(fixed()))
    del content["format"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, result_schema())
