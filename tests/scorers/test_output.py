"""Assertions on outputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.errors import ScorerError
from unrepeat.scorers.output import dice, trigrams

from .traces import Recording, holds, scorer, violations

ANSWER = "Our policy allows refunds within 30 days."


def answered(output):
    return Recording().answers(output)


@pytest.mark.parametrize(
    ("output", "assertion", "held"),
    [
        (ANSWER, {"value": "30 days"}, True),
        (ANSWER, {"value": "60 days"}, False),
        (ANSWER, {"value": "POLICY"}, False),
        (ANSWER, {"value": "POLICY", "ignore_case": True}, True),
        (ANSWER, {"value": ["30 days", "60 days"]}, False),
        (ANSWER, {"value": ["30 days", "60 days"], "mode": "any"}, True),
        ("Straße", {"value": "STRASSE", "ignore_case": True}, True),
        ("cafe\u0301", {"value": "caf\u00e9"}, True),
        ({"text": 'he said "no"'}, {"value": 'said "no"'}, True),
        ({"amount": 40}, {"value": '"amount":40'}, True),
        (["a", None], {"value": "null"}, True),
        ("", {"value": "x"}, False),
    ],
)
def test_contains(output, assertion, held):
    assert holds(answered(output), type="contains", **assertion) is held


def test_none_of_several_texts_may_be_contained():
    found = violations(answered(ANSWER), type="not-contains", value=["60 days", "30 days"])
    assert "30 days" in found[0].reason
    assert "60 days" not in found[0].reason


def test_not_all_of_several_texts_may_be_contained():
    assert holds(answered(ANSWER), type="not-contains", value=["60 days", "30 days"], mode="all")


@pytest.mark.parametrize(
    "output",
    [
        {"__bytes__": "d2VyZSByZWZ1bmRlZA=="},
        {"body": {"__bytes__": "d2VyZSByZWZ1bmRlZA=="}},
        ["were ", "refunded"],
        [{"delta": "were "}, {"delta": "refunded"}],
    ],
)
def test_text_in_bytes_or_in_pieces_is_found(output):
    assert not holds(answered(output), type="not-contains", value="were refunded")


@pytest.mark.parametrize(
    "output",
    [
        {"__type__": "Reply"},
        {"status": 200, "body": {"__type__": "Stream"}},
        {"__callable__": "app:later"},
        [{"__type__": "dict", "__repeated__": True}],
        {"__bytes__": "//79"},
        {"__type__": "Reply", "__partial__": True, "status": 200},
    ],
)
@pytest.mark.parametrize("kind", [{"type": "not-contains", "value": "x"}, {"type": "no-leak", "values": ["x-1"]}])
def test_output_that_cannot_be_read_whole_is_never_clean(output, kind):
    with pytest.raises(ScorerError, match="read whole"):
        violations(answered(output), **kind)


def test_object_whose_content_is_known_is_read():
    assert holds(answered({"__type__": "Reply", "text": "fine"}), type="not-contains", value="refunded")


@pytest.mark.parametrize(
    ("output", "value", "held"), [(ANSWER, r"\d+ days", True), (ANSWER, "^Days", False), ("\ud800 1", r"\d", True)]
)
def test_regex(output, value, held):
    assert holds(answered(output), type="regex", value=value) is held
    assert holds(answered(output), type="not-regex", value=value) is not held


def test_regex_without_regard_to_case():
    assert holds(answered(ANSWER), type="regex", value="POLICY", ignore_case=True)


@pytest.mark.parametrize(
    ("output", "value", "held"),
    [
        ("yes", "yes", True),
        ("yes ", "yes", False),
        ('{"a": 1.0}', {"a": 1}, True),
        ({"a": [1, None]}, {"a": [1.0, None]}, True),
        ({"a": True}, {"a": 1}, False),
        ("1", 1, True),
        ("nope", 1, False),
    ],
)
def test_equals(output, value, held):
    assert holds(answered(output), type="equals", value=value) is held
    assert holds(answered(output), type="not-equals", value=value) is not held


def test_output_observed_as_null_equals_null():
    assert holds(answered(None), type="equals", value=None)


def test_not_a_number_in_an_output_cannot_be_judged():
    with pytest.raises(ScorerError, match="NaN"):
        violations(answered({"p": float("nan")}), type="not-equals", value={"p": 1})


@pytest.mark.parametrize("word", ["contains", "regex", "equals", "similar"])
def test_output_that_is_not_recorded_breaks_what_is_required(word):
    (found,) = violations(Recording(), type=word, value="x y z")
    assert found.reason == "the output is not recorded"


@pytest.mark.parametrize("word", ["not-contains", "not-regex", "not-equals"])
def test_output_that_is_not_recorded_is_never_a_pass(word):
    with pytest.raises(ScorerError, match="cannot tell"):
        violations(Recording(), type=word, value="x")


def test_json_schema_names_the_place():
    schema = {"type": "object", "properties": {"amount": {"maximum": 100}}}
    assert holds(answered('{"amount": 40}'), type="json-schema", value=schema)
    (found,) = violations(answered({"amount": 400}), type="json-schema", value=schema)
    assert "$.amount" in found.reason


def test_text_that_is_not_json_breaks_a_schema():
    (found,) = violations(answered("Sorry!"), type="json-schema", value=True)
    assert found.reason == "the output is not JSON"


def test_schema_references_are_never_fetched():
    found = scorer(type="json-schema", value={"$ref": "http://localhost:1/schema.json"})
    with pytest.raises(Exception, match="Unresolvable"):
        found.find(answered({}).trace())


def test_schema_patterns_run_in_linear_time():
    found = scorer(type="json-schema", value={"pattern": "^(a+)+$"})
    assert found.find(answered('"' + "a" * 5000 + 'b"').trace())


@pytest.mark.parametrize(
    ("assertion", "held"),
    [
        ({"path": "$.items[*].id", "value": {"regex": "^i"}}, True),
        ({"path": "$.items[*].n", "value": {"lt": 2}}, False),
        ({"path": "$.items[-1].n", "value": 2}, True),
        ({"path": "$..n", "value": {"gte": 1}}, True),
        ({"path": "$['odd key']", "value": None}, True),
        ({"path": "$.none"}, False),
        ({"path": "$.none", "exists": False}, True),
        ({"path": "$.items", "exists": False}, False),
    ],
)
def test_json_path(assertion, held):
    output = {"items": [{"id": "i1", "n": 1}, {"id": "i2", "n": 2}], "odd key": None}
    assert holds(answered(output), type="json-path", **assertion) is held


def test_similar_wording_passes_the_threshold():
    assert holds(
        answered("our policy allows  REFUNDS within thirty days."), type="similar", value=ANSWER, threshold=0.7
    )
    assert not holds(answered("I cannot help with that."), type="similar", value=ANSWER)


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_bounded(left, right):
    share = dice(trigrams(left), trigrams(right))
    assert share == dice(trigrams(right), trigrams(left))
    assert 0 <= share <= 1


@given(st.text().filter(lambda text: text.split()))
def test_text_is_similar_to_itself(text):
    assert dice(trigrams(text), trigrams(text)) == 1


def test_every_span_of_the_name_is_judged():
    recording = Recording().says("draft one", name="draft").says("secret draft", name="draft").answers("done")
    (found,) = violations(recording, type="not-contains", value="secret", span="draft")
    assert found.span_ids == ("s2",)


def test_result_of_a_tool_span_is_an_output():
    recording = Recording().call("lookup", {}, result={"status": "open"})
    assert holds(recording, type="json-path", span="lookup", path="$.status", value="open")


def test_span_that_never_ran_cannot_pass_a_negative():
    with pytest.raises(ScorerError, match="output of draft"):
        violations(answered("x"), type="not-contains", value="y", span="draft")


def test_only_the_final_output_is_rested_on():
    assert scorer(type="contains", value="x").rests_on == "output"
    assert scorer(type="not-contains", value="x", span="draft").property == "safety"


def test_scorers_describe_themselves():
    assert scorer(type="not-contains", value="x").describe == 'the output does not contain "x"'
    assert ASSERTION_ADAPTER.validate_python({"type": "contains", "value": "x"}).type == "contains"
