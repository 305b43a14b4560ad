"""YAML says what it says, or is refused with file and line."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases import strict_yaml
from unrepeat.cases.errors import CaseError
from unrepeat.cases.strict_yaml import Limits, parse, places

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 9)
)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True, scope="module")
def loader(request):
    """Builds of PyYAML without libyaml must read the same."""
    usual, strict_yaml.LOADER = strict_yaml.LOADER, getattr(yaml, request.param)
    yield
    strict_yaml.LOADER = usual


def read_or_refused(data):
    try:
        return parse(data, "case.yaml")
    except CaseError:
        return "refused"


def refused(text, limits=None):
    with pytest.raises(CaseError) as caught:
        parse(text, "case.yaml", limits=limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize(
    "word",
    ["007", "0o17", "0x1f", "1_000", "yes", "no", "on", "off", "2026-01-31", "12:30", "1.2.3", "1e", "-a", "=", "y"],
)
def test_words_that_other_readers_convert_stay_text(word):
    assert parse(f"id: {word}\n".encode(), "case.yaml") == {"id": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
    ],
)
def test_plain_constants_are_values(text, value):
    assert parse(f"a: {text}\n".encode(), "case.yaml") == {"a": value}


@pytest.mark.parametrize("text", ["'12'", '"true"', "|\n  12", "'~'"])
def test_quoted_scalars_are_text(text):
    assert isinstance(parse(f"a: {text}\n".encode(), "case.yaml")["a"], str)


def test_keys_are_text_whatever_they_look_like():
    assert parse(b"1: a\nyes: b\nnull: c\n1.0: d\n", "case.yaml") == {"1": "a", "yes": "b", "null": "c", "1.0": "d"}


def test_alias_bomb_is_refused_at_its_first_anchor():
    assert refused(BOMB) == "case.yaml:1:4: expected no anchors, got &a. Write the value out"


def test_duplicate_key_is_named_with_its_line():
    assert refused(b"assert: [x]\nid: a\nassert: []\n") == "case.yaml:3:1: expected each key once, got 'assert' again"


@pytest.mark.parametrize(
    "text", [b"a: !!python/object/apply:os.system [id]", b"a: !x 1", b"!!set {a, b}", b"a: !!str 1"]
)
def test_tags_are_refused(text):
    assert "expected no tags" in refused(text)


@pytest.mark.parametrize("number", ["1e400", "-1e999", ".inf", "-.INF", ".nan", ".NaN"])
def test_numbers_that_are_not_finite_are_refused(number):
    assert "case.yaml:2:4: expected a finite number" in refused(f"id: a\nb: {number}\n".encode())


def test_integer_beyond_64_bits_is_refused():
    assert "expected a 64-bit integer" in refused(b"a: 18446744073709551616")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{a: " * 5_000, b"- " * 5_000 + b"x"])
def test_deep_nesting_is_refused(text):
    assert "expected at most 64 levels" in refused(text)


def test_large_text_is_refused_unread():
    assert refused(b"a: " + b"x" * 1024 * 1024) == "case.yaml:1:1: expected at most 1,048,576 bytes, got 1,048,579"


def test_limits_are_configurable():
    assert "at most 10 bytes" in refused(b"a: 123456789", Limits(max_bytes=10))
    assert "at most 2 levels" in refused(b"a: [[1]]", Limits(max_depth=2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "1:1: expected keys and values, got an empty file"),
        (b"a: 1\n---\nb: 2\n", "2:1: expected one document"),
        (b"<<: {a: 1}\n", "1:1: expected no merge keys"),
        (b"? [a]\n: 1\n", "1:3: expected a key that is text"),
        (b"a: 1\nb: \xff\n", "2:4: expected UTF-8, got byte 0xff"),
        ("a: 1".encode("utf-16"), "1:1: expected UTF-8, got UTF-16"),
        (b"a: 1\nb: x\x1b[2Jy\n", "2:5: expected text, got the control character 0x1b"),
        (b"a: b: c\n", "1:5: expected YAML"),
    ],
)
def test_broken_text_is_refused_with_its_place(text, message):
    assert refused(text).startswith(f"case.yaml:{message}")


def test_lone_surrogate_is_refused():
    assert "case.yaml:1:" in refused(b'a: "\\ud800"')


def test_byte_order_mark_is_accepted():
    assert parse(b"\xef\xbb\xbfa: 1\n", "case.yaml") == {"a": 1}


def test_places_name_the_line_of_every_key_and_item():
    found = places(b"id: a\nassert:\n  - type: x\n    value: y\n  - z\n", "case.yaml")
    assert found[("assert",)] == (2, 1)
    assert found[("assert", 0, "value")] == (4, 5)
    assert found[("assert", 1)] == (5, 5)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_json_is_read_as_json_or_refused(value):
    # Characters that YAML does not print, and pairs of escaped surrogates, are beyond it.
    assert read_or_refused(json.dumps(value).encode()) in (value, "refused")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_case_error(data):
    read_or_refused(data)
