"""Walking through JSON that is larger than memory."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import SourceError
from unrepeat.cases.readers.cursor import JsonCursor
from unrepeat.cases.strict_json import Limits


class Trickle(io.BytesIO):
    """A file that gives a few bytes at a time, whatever is asked for."""

    def read(self, size=-1):
        return super().read(3)


def cursor(text, limits=None):
    return JsonCursor(Trickle(text.encode()), "run.json", limits or Limits())


def walk(at):
    """Take everything."""
    for _ in at.members() if at.peek() == "{" else at.items():
        at.take()
    at.finish()


def test_a_taken_value_comes_with_its_text():
    at = cursor('  {"a": [1, 2],\n "b": "é"} ')
    taken = [(key, *at.take()) for key in at.members()]
    at.finish()
    assert taken == [("a", [1, 2], "[1, 2]"), ("b", "é", '"é"')]


def test_lines_are_counted():
    at = cursor("[\n1,\n\n2]")
    lines = []
    for _ in at.items():
        at.peek()
        lines.append(at.line)
        at.take()
    assert lines == [2, 4]


@pytest.mark.parametrize("text", ["[1, 2", "[1 2]", "[1,]", "{1: 2}", '{"a" 1}', "[1] 2", "", "[nul]", '["a]'])
def test_broken_json_is_refused(text):
    with pytest.raises(SourceError, match=r"run\.json:1: expected"):
        walk(cursor(text))


def test_bytes_that_are_not_utf8_are_refused():
    at = JsonCursor(io.BytesIO(b'["\xff"]'), "run.json", Limits())
    with pytest.raises(SourceError, match="0xff"):
        at.peek()


def test_a_value_over_the_limit_is_refused():
    with pytest.raises(SourceError, match="at most 50 bytes"):
        walk(cursor(json.dumps(["x" * 100]), Limits(document_bytes=50)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(st.lists(json_values), st.sampled_from([None, 2]))
def test_the_items_of_an_array_come_one_by_one(items, indent):
    at = cursor(json.dumps(items, indent=indent, ensure_ascii=False))
    taken = [at.take() for _ in at.items()]
    at.finish()
    assert [value for value, _ in taken] == items
    assert [json.loads(text) for _, text in taken] == items
