"""The entries of ``assert`` in case.yaml."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unrepeat.cases.assertions import ASSERTION_ADAPTER, ASSERTION_TYPES
from unrepeat.cases.json_path import parse_path, select
from unrepeat.cases.operators import OPERATORS, check_predicate


def load(**fields):
    if "not_" in fields:
        fields["not"] = fields.pop("not_")
    return ASSERTION_ADAPTER.validate_python(fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "tool-called"}, "Field required"),
        ({"type": "tool-called", "tool": "x", "arg": {}}, "Extra inputs"),
        ({"type": "tool-called", "tool": ""}, "at least 1 character"),
        ({"type": "regex", "value": "(?=x)"}, "RE2"),
        ({"type": "regex", "value": "a("}, "RE2"),
        ({"type": "contains", "value": ""}, "at least 1"),
        ({"type": "contains", "value": []}, "at least 1"),
        ({"type": "json-schema", "value": {"type": "strin"}}, "strin"),
        ({"type": "json-path", "path": "a.b"}, "starts with"),
        ({"type": "json-path", "path": "$.a[?(@.b)]"}, "at 3"),
        ({"type": "json-path", "path": "$.a", "exists": False, "value": 1}, "got both"),
        ({"type": "tool-count", "tool": "x"}, "equals, min or max"),
        ({"type": "tool-count", "tool": "x", "min": 3, "max": 2}, "min <= max"),
        ({"type": "tool-count", "tool": "x", "equals": 1, "max": 2}, "got both"),
        ({"type": "tool-order", "tools": []}, "at least 1 item"),
        ({"type": "tool-order", "tools": ["a"], "mode": "any"}, "in_order"),
        ({"type": "writes"}, "got none"),
        ({"type": "writes", "allow": [{}]}, "empty pattern"),
        ({"type": "approval-required", "tool": "x", "stage": "proposed"}, "executed"),
        ({"type": "retrieved"}, "expected fields"),
        ({"type": "retrieved", "not_": {}}, "got none"),
        ({"type": "retrieved", "id": "x", "not_": {"id": "y"}}, "two assertions"),
        ({"type": "not-retrieved", "not_": {"id": "y"}}, "got both"),
        ({"type": "not-retrieved", "id": "x", "min": 2}, "min"),
        ({"type": "retrieved", "fresh_as_of": "yesterday"}, "isoformat"),
        ({"type": "no-leak"}, "got none"),
        ({"type": "no-leak", "patterns": ["e-mail"]}, "nearest: email"),
        ({"type": "similar", "value": "x", "threshold": float("nan")}, "finite"),
        ({"type": "similar", "value": "x", "threshold": 0}, "greater than 0"),
    ],
)
def test_wrong_assertion_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        load(**fields)


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ({"gtt": 5, "lt": 9}, "nearest: gt"),
        ({"contain": "x"}, "nearest: contains"),
        ({"$in": [1]}, "nearest: in"),
        ({">=": 1}, "nearest: gte"),
        ({"equals": 1}, "nearest: eq"),
        ({"in": "abc"}, "a list of values"),
        ({"regex": "("}, "RE2"),
        ({"exists": 1}, "true or false"),
        ({"any_of": []}, "a list of predicates"),
        ({"gt": None}, "a number or a text"),
        ({"gt": True}, "a number or a text"),
        ({"not": {"nott": 1, "eq": 2}}, "nearest: not"),
        ({}, "empty mapping"),
        (float("nan"), "NaN"),
        ({"eq": float("nan")}, "NaN"),
    ],
)
def test_wrong_predicate_is_refused(predicate, message):
    with pytest.raises(ValidationError, match=message):
        load(type="tool-called", tool="pay", args={"amount": predicate})


@pytest.mark.parametrize("name", ["note", "late", "id", "index", "content", "ends"])
def test_field_named_much_like_a_short_operator_is_a_field(name):
    check_predicate({name: 1}, "args")


def test_predicate_nested_without_end_is_refused():
    predicate: object = 1
    for _ in range(1000):
        predicate = {"not": predicate}
    with pytest.raises(ValueError, match="levels"):
        check_predicate(predicate, "args")


def refusal(predicate):
    try:
        check_predicate(predicate, "args")
    except ValueError as error:
        return str(error)
    return ""


@given(st.sampled_from(sorted(OPERATORS)), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers()))
def test_operand_is_accepted_or_refused_by_its_place(operator, operand):
    message = refusal({operator: operand})
    assert not message or message.startswith(f"args.{operator}: expected") or "RE2" in message


def test_unknown_type_lists_the_known_ones():
    with pytest.raises(ValidationError, match="'not-tool-called'"):
        load(type="not-tool-call", tool="x")


def test_not_forms_are_types_of_their_own():
    assert {each for each in ASSERTION_TYPES if each.startswith("not-")} == {
        "not-contains",
        "not-regex",
        "not-equals",
        "not-tool-called",
        "not-retrieved",
    }


def test_assertion_is_written_as_it_was_read():
    fields = {"type": "retrieved", "not": {"status": "superseded"}, "name": "old policy"}
    loaded = ASSERTION_ADAPTER.validate_python(fields)
    assert loaded.model_dump(by_alias=True, exclude_unset=True) == fields


def test_date_that_yaml_has_read_is_taken():
    loaded = load(type="retrieved", fresh_as_of=dt.date(2026, 1, 31))
    assert loaded.fresh_as_of == "2026-01-31"


def test_null_is_a_value_to_compare_with():
    loaded = load(type="json-path", path="$.a", value=None)
    assert "value" in loaded.model_fields_set


def test_assertions_cannot_be_changed():
    loaded = load(type="tool-called", tool="x")
    with pytest.raises(ValidationError, match="frozen"):
        loaded.tool = "y"


def test_schema_describes_every_field():
    schema = ASSERTION_ADAPTER.json_schema()
    for name, model in schema["$defs"].items():
        assert model.get("description"), name
        undescribed = [key for key, each in model["properties"].items() if key != "type" and "description" not in each]
        assert not undescribed, name
    json.dumps(schema)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a": [{"b": 1}, {"b": 2}], "c d": 3}]),
        ("$.a[*].b", [1, 2]),
        ("$.a[-1].b", [2]),
        ("$['c d']", [3]),
        ('$["a"][0]["b"]', [1]),
        ("$..b", [1, 2]),
        ("$.*[0].b", [1]),
        ("$.a.b", []),
        ("$.a[7]", []),
    ],
)
def test_path_selects(path, found):
    assert select(parse_path(path), {"a": [{"b": 1}, {"b": 2}], "c d": 3}) == found


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$..", "$...a", "$[", "$[a]", "$.[0]", "$.a b", "$['a"])
def test_path_outside_the_dialect_is_refused(path):
    with pytest.raises(ValueError, match="expected"):
        parse_path(path)
