"""Reading untrusted JSON: what cannot be kept exactly is refused, with its place."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import SourceError
from unrepeat.cases.strict_json import Limits, parse, read

ID_128_BIT = 340282366920938463463374607431768211455


def refusal(data, **options):
    with pytest.raises(SourceError) as caught:
        parse(data, where="run.json", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        (b"", "run.json:1", "got nothing"),
        (b"  \n ", "run.json:1", "got nothing"),
        (b'{"a": [1, 2', "run.json:1:12", "truncated"),
        (b'{"a": "unfini', "run.json:1:14", "truncated"),
        (b'{\n "a": 1,\n "b": }', "run.json:3:7", "expected JSON"),
        (b'{"a": 1} {"b": 2}', "run.json:1:10", "unexpected content"),
        (b'{"a": NaN}', "run.json:1:7", "NaN or Infinity"),
        (b'{"a": -Infinity}', "run.json:1:8", "NaN or Infinity"),
        (b'{"a": 1e400}', "run.json:1:7", "got 1e400"),
        (b'{"a": "\\ud83d"}', "run.json:1:8", "lone surrogate"),
        (b'{"a": "caf\xe9"}', "run.json:1:11", "0xe9, which is not UTF-8"),
        (b"\x00\x01\x02\x03", "run.json:1:1", "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "run.json:1:1", "binary"),
        (b"\xef\xbb\xbf{}", "run.json:1:1", "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "run.json:1:1", "UTF-16"),
        ('{"a": 1}'.encode("utf-16-le"), "run.json:1:1", "UTF-16"),
        (gzip.compress(b"{}", mtime=0), "run.json:1:1", "gzip"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_refuses_what_is_not_json_with_its_place(data, place, reason, strict):
    message = refusal(data, strict=strict)
    assert message.startswith(f"{place}: ")
    assert reason in message


def test_names_the_object_with_the_duplicate_key():
    message = refusal(b'{"a": [0, {"b/c": {"x": 1, "y": 2, "x": 3}}]}', strict=True)
    assert message.startswith("run.json#/a/1/b~1c: ")
    assert "'x' twice" in message


def test_names_a_duplicate_empty_key_at_the_top():
    assert "'' twice" in refusal(b'{"": 1, "": 2}', strict=True)


def test_counts_lines_from_where_the_data_stands_in_the_file():
    assert refusal(b'{"a": }', first_line=40).startswith("run.json:40:7: ")
    assert refusal(b'{"a": 1, "a": 1}', first_line=40, strict=True).startswith("run.json:40#: ")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("levels", [201, 5000])
def test_refuses_deep_nesting(opening, levels):
    message = refusal(opening * levels + b"1" + b"]" * levels)
    assert "run.json:1:" in message


def test_allows_nesting_up_to_the_limit():
    data = b"[" * 200 + b"]" * 200
    assert json.dumps(parse(data, where="run.json")) == data.decode()


def test_brackets_inside_text_are_no_nesting():
    assert parse(json.dumps(["[" * 1000]).encode(), where="run.json") == ["[" * 1000]


def test_refuses_more_bytes_than_allowed():
    assert "at most 3 bytes" in refusal(b'"abc"', limits=Limits(document_bytes=3))


def test_refuses_a_large_file_without_reading_it(tmp_path):
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(SourceError, match="at most"):
        read(path)


def test_a_missing_file_is_a_source_error(tmp_path):
    with pytest.raises(SourceError, match="readable file"):
        read(tmp_path / "absent.json")


def test_keeps_128_bit_integers_exactly():
    assert parse(f'{{"id": {ID_128_BIT}}}'.encode(), where="run.json", strict=True) == {"id": ID_128_BIT}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(json_values)
def test_strict_reading_gives_what_was_written(value):
    assert parse(json.dumps(value).encode(), where="run.json", strict=True) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(SourceError):  # anything else would be a crash
        parse(data, where="run.json", strict=True)
