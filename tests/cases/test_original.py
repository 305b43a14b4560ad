"""The bytes of a source come back from what is stored."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.original import join, preserve, preserve_changed, preserve_text, rebuild
from unrepeat.cases.trace import Original

SAMPLE = {"id": 7, "text": 'é “quoted” \u2028 "x"\n', "list": [], "map": {}, "nested": {"a": [1, 2.5, None, True]}}


def stored(original):
    """Return an original as it comes back from trace.json."""
    return msgspec.json.decode(msgspec.json.encode(original), type=Original)


def kept(text):
    return stored(preserve(text, json.loads(text)))


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_every_common_layout_is_kept_as_a_value(indent, ascii_only, end):
    text = (json.dumps(SAMPLE, indent=indent, ensure_ascii=ascii_only) + end).encode()
    original = kept(text)
    assert original.layout["kind"] == "json"
    assert rebuild(original) == text


def test_compact_json_is_kept_as_a_value():
    text = json.dumps(SAMPLE, separators=(",", ":")).encode()
    assert kept(text).layout["kind"] == "json"
    assert rebuild(kept(text)) == text


def test_windows_line_ends_are_kept():
    text = json.dumps(SAMPLE, indent=2).replace("\n", "\r\n").encode()
    assert kept(text).layout["kind"] == "json"
    assert rebuild(kept(text)) == text


def test_an_item_cut_out_of_an_indented_array_is_kept():
    text = json.dumps([SAMPLE], indent=2).encode()[1:-1].strip()
    assert kept(text).layout["base"] == "  "
    assert rebuild(kept(text)) == text


@pytest.mark.parametrize("number", ["0.00005", "1.50", "1E5", "1e16", "10000000000000000.0", "-0.0", "5e-7"])
def test_spellings_of_numbers_that_python_does_not_use_are_kept(number):
    text = f'{{"a": 1.5, "cost": {number}, "b": [0.1, {number}]}}'.encode()
    assert kept(text).layout["kind"] == "json"
    assert rebuild(kept(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        b'{ "a" : 1 }',
        b'{"a": [1, 2],\n "b": 3}',
        b'{"slash": "a\\/b"}',
        b'{"upper": "\\u00E9", "raw": "\xc3\xa9"}',
        b'{"minus": -0}',
    ],
)
def test_json_laid_out_by_hand_is_kept_as_text(text):
    original = kept(text)
    assert original.layout == {"kind": "text"}
    assert rebuild(original) == text


def test_bytes_that_are_not_text_are_kept():
    assert rebuild(stored(preserve_text(b"\xff\x00\xfe"))) == b"\xff\x00\xfe"


def test_several_lines_are_kept_as_one():
    lines = [b'{"a": 1}\n', b'{"a":2}\r\n', b"{ }\n"]
    original = stored(join((number, kept(line)) for number, line in enumerate(lines, 1)))
    assert rebuild(original) == b"".join(lines)


def test_a_changed_value_keeps_the_layout_and_nothing_of_the_text():
    original = stored(preserve_changed(b'{\n    "name": "Ann"\n}\n', {"name": "PERSON_1"}))
    assert rebuild(original) == b'{\n    "name": "PERSON_1"\n}\n'


def test_a_changed_value_of_odd_text_holds_nothing_of_the_text():
    original = preserve_changed(b'{ "name" : "Ann", "cost": 0.00005 }', {"name": "PERSON_1", "cost": 0.00005})
    assert "Ann" not in str(original)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(json_values, st.sampled_from([None, 0, 1, 2, 3, "\t"]), st.booleans(), st.sampled_from(["", "\n", " \r\n"]))
def test_whatever_python_writes_comes_back(value, indent, ascii_only, end):
    text = (json.dumps(value, indent=indent, ensure_ascii=ascii_only) + end).encode()
    assert rebuild(stored(preserve(text, json.loads(text)))) == text


@given(json_values, st.text(" \n\t", max_size=4))
def test_whatever_a_person_writes_comes_back(value, space):
    text = json.dumps(value, separators=(f"{space},", f":{space}")).encode()
    assert rebuild(stored(preserve(text, json.loads(text)))) == text
