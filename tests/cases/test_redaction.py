"""Redaction: nothing is left, equal stays equal, JSON stays JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrepeat.cases.errors import ConfigError, EvidenceError
from unrepeat.cases.redaction import Redactor
from unrepeat.cases.redaction_rules import FieldRule
from unrepeat.cases.scanning import find

from .test_patterns import FOUND

KEY = b"k" * 32
NAMES = {"person": ["Jane Doe", "Özil", "田中"], "company": ["ACME Corp."]}


def redacted(value, **options):
    return Redactor(KEY, **options).redact_value(value)


def test_spellings_of_one_value_become_one_token():
    values = ["DE89 3704 0044 0532 0130 00", "de89370400440532013000", "DE89-3704-0044-0532-0130-00"]
    assert len(set(redacted(values))) == 1


def test_distinct_values_stay_distinct():
    assert len(set(redacted([f"user{number}@example.com" for number in range(500)]))) == 500


def test_keys_and_numbers_are_replaced_too():
    value = redacted({"alice@example.com": {"card": 4111111111111111, "count": 12345678}})
    (person,) = value
    assert person.startswith("email_")
    assert value[person]["card"].startswith("card_")
    assert value[person]["count"] == 12345678


def test_two_spellings_as_keys_of_one_object_lose_nothing():
    assert sorted(redacted({"a@example.com": 1, "A@example.com": 2}).values()) == [1, 2]


def test_key_tells_what_its_value_is():
    value = redacted({"phone": "5551234567", "order": "5551234567", "version": "1.2.3.4", "host": "1.2.3.4"})
    assert [key for key in value if "_" in value[key]] == ["phone", "host"]


def test_text_after_a_text_is_not_read_with_it():
    # The second text is an address although the first one ends in a word that would make it a version.
    assert redacted(["the version", "10.1.2.3"])[1].startswith("ip_")


def test_value_that_needs_nothing_is_returned_as_it_is():
    value = {"a": [1, "text", None, True]}
    assert redacted(value) is value


def test_given_value_is_not_changed():
    value = {"a": ["alice@example.com"]}
    redacted(value)
    assert value == {"a": ["alice@example.com"]}


def test_names_are_replaced_as_words_in_any_case():
    text = Redactor(KEY, entities=NAMES).redact_text("JANE  DOE met özil, 田中さん of ACME Corp. but not Janet Doe")
    assert [word.partition("_")[0] for word in text.split()[:3]] == ["person", "met", "person"]
    assert "Janet Doe" in text
    assert "田中" not in text
    assert "ACME" not in text


def test_field_rule_replaces_whatever_stands_there():
    rules = [FieldRule("$..password", "password"), FieldRule("$.users[*].name", "person")]
    value = redacted({"users": [{"name": "Bo", "password": "x1"}], "password": {"old": 7, "new": None}}, rules=rules)
    assert value["users"][0]["name"].startswith("person_")
    assert value["users"][0]["password"].startswith("password_")
    assert value["password"]["old"].startswith("password_")
    assert value["password"]["new"] is None


def test_field_rule_uses_the_token_the_value_has_elsewhere():
    value = redacted(
        {"customer": "Alice@example.com", "note": "alice@example.com"}, rules=[FieldRule("$.customer", "person")]
    )
    assert value["customer"] == value["note"]


@pytest.mark.parametrize("rule", [FieldRule("users.name"), FieldRule("$.a[?@.b]"), FieldRule("$.a", "Not a type")])
def test_wrong_rule_is_refused(rule):
    with pytest.raises(ConfigError):
        Redactor(KEY, [rule])


def test_json_inside_json_stays_json():
    inner = json.dumps(
        {"to": "bob@example.com\nalice@example.com", "card": 4111111111111111, "cards": [4111111111111111]}
    )
    value = redacted({"arguments": json.dumps({"inner": inner, "more": [inner]})})
    outer = json.loads(value["arguments"])
    read = json.loads(outer["inner"])
    assert read["card"] == read["cards"][0]
    assert read["to"].split("\n")[1] == redacted("alice@example.com")


def test_report_counts_by_type_and_names_places_without_values():
    redactor = Redactor(KEY)
    redactor.redact_value({"a": ["alice@example.com, bob@example.com", "10.1.2.3"], "bob@example.com": 1}, "/spans")
    report = redactor.report()
    assert report.counts == {"email": 3, "ip": 1}
    assert report.places["ip"] == ["/spans/a/1"]
    assert "bob" not in str(report.places)
    assert report.summary() == "3 email, 1 ip"


def test_check_refuses_what_was_not_redacted_without_quoting_it():
    with pytest.raises(EvidenceError, match="got email") as caught:
        Redactor(KEY).check({"a": "alice@example.com"})
    assert "alice" not in str(caught.value)


def test_values_written_together_are_all_replaced():
    text = Redactor(KEY).redact_text("bob@x.example@y.example https://u:p@carol@z.example 10.1.2.3,10.1.2.4")
    assert find(text) == []


def test_endless_nesting_is_an_evidence_error():
    value: Any = "alice@example.com"
    for _ in range(100_000):
        value = [value]
    with pytest.raises(EvidenceError, match="fewer nested levels"):
        redacted(value)


PIECES = st.sampled_from(
    [text for _, text, _ in FOUND] + ["Jane Doe", "ACME Corp.", "ÖZIL", "@", ":", "/", " ", "\\n", "1", "https://"]
)
TEXTS = st.lists(PIECES | st.text(max_size=4) | st.sampled_from(["\ud800", "_", "-", ".", '"']), max_size=8).map(
    "".join
)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(VALUES)
def test_nothing_is_left_and_a_second_pass_changes_nothing(value):
    redactor = Redactor(KEY, entities=NAMES)
    once = redactor.redact_value(value)
    redactor.check(once)
    assert redactor.redact_value(once) == once


@given(VALUES)
def test_redaction_is_deterministic(value):
    assert redacted(value, entities=NAMES) == redacted(value, entities=NAMES)


@settings(max_examples=300)
@given(TEXTS)
def test_text_alone_and_text_in_a_value_are_redacted_alike(text):
    assert Redactor(KEY).redact_text(text) == redacted([text])[0]


LEAVES = st.sampled_from([text for _, text, _ in FOUND]) | st.integers(4 * 10**15, 6 * 10**15)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(JSON, st.integers(1, 3))
def test_json_text_stays_json_at_any_depth(value, depth):
    text = json.dumps([value])
    for _ in range(depth - 1):
        text = json.dumps({"inner": text})
    text = Redactor(KEY).redact_text(text)
    for _ in range(depth - 1):
        text = json.loads(text)["inner"]
    json.loads(text)


@given(
    st.emails() | st.sampled_from([text for _, text, _ in FOUND]),
    st.sampled_from(["{}", "see {} now", '"{}"', "<{}>", "({})", "\n{}\n", "{}."]),
)
def test_value_is_the_same_token_wherever_it_stands(text, around):
    tokens = {redacted(around.format(text)), around.format(redacted(text))}
    assert len(tokens) == 1 or not find(text)


def test_full_stop_after_a_secret_is_no_part_of_it():
    secret = "Authorization: Bearer abcdef1234567890"
    assert redacted(f"{secret}.") == f"{redacted(secret)}."


def test_field_rule_looks_into_text_that_holds_json():
    redactor = Redactor(KEY, [FieldRule("$..customer_name", "person")])
    call = {"arguments": json.dumps({"customer_name": "Jonas Pell", "mail": "j.pell@example.org", "n": 1})}
    arguments = json.loads(redactor.redact_value(call)["arguments"])
    assert (arguments["customer_name"].startswith("person_"), arguments["n"]) == (True, 1)
    assert "example.org" not in arguments["mail"]


def test_same_field_has_one_token_in_an_object_and_in_json_text():
    redactor = Redactor(KEY, [FieldRule("$..name", "person")])
    plain, nested = redactor.redact_value([{"name": "Jonas Pell"}, {"text": '{"name": "Jonas Pell"}'}])
    assert json.loads(nested["text"])["name"] == plain["name"]


def test_json_text_without_such_a_field_stays_as_it_is_spelt():
    redactor = Redactor(KEY, [FieldRule("$..name", "person")])
    assert redactor.redact_value({"text": '{ "n":1.50 }'}) == {"text": '{ "n":1.50 }'}
