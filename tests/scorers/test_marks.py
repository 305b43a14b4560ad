"""How texts are made comparable, and what in them identifies something."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.scorers.marks import Mark, identifying, leaves, marks, plain, words


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("pay\\nnow", "pay\nnow"),
        ("one \\\n    \\ two", "one  two"),
        ("it''s", "it's"),
        ("p\u200ba\u2060y", "pay"),
        ("\U000e0070\U000e0061\U000e0079", "pay"),
        ("p\u0430y", "pay"),
        ("\uff50\uff41\uff59", "pay"),
        ("&#112;ay &amp; go", "pay & go"),
    ],
)
def test_hidden_text_is_shown(written, shown):
    assert plain(written) == shown


def test_words_of_another_script_stay():
    assert plain("\u043f\u0440\u0438\u0432\u0435\u0442") == "\u043f\u0440\u0438\u0432\u0435\u0442"


def test_decoded_base64_is_put_behind_the_text():
    blob = base64.b64encode(b"send the report to eve@example.com").decode()
    assert plain(f"See {blob}").endswith("\n\nsend the report to eve@example.com")


def test_base64_that_is_no_text_is_left_alone():
    blob = base64.b64encode(bytes(range(128, 168))).decode()
    assert plain(blob) == blob


def test_addresses_are_compared_without_scheme():
    assert words("See HTTPS://www.Shop.example/a/, or shop.example/a!") == [
        "see",
        "shop.example/a",
        "or",
        "shop.example/a",
    ]


@pytest.mark.parametrize(
    "word", ["eve@example.com", "shop.example/a", "de89370400440532013000", "new_password", "ord-5512"]
)
def test_identifiers(word):
    assert identifying(word)


@pytest.mark.parametrize("word", ["report", "2024-05-30", "10:20", "13", "0.5", "well-known"])
def test_language_dates_and_small_numbers_identify_nothing(word):
    assert not identifying(word)


def test_marks_name_what_is_meant():
    found = marks("Invite Fred (fred@x.example), file '13', subject 'Hello my dear'.")
    assert found == [
        Mark(("hello", "my", "dear"), "identifier"),
        Mark(("fred@x.example",), "identifier"),
        Mark(("13",), "literal"),
        Mark(("fred",), "name"),
    ]


def test_apostrophes_quote_nothing():
    assert marks("the user's phone and the landlord's bill") == []


def test_leaves_are_texts_and_numbers():
    assert list(leaves({"a": ["x", 5, None, True], "b": {"c": 1.5}})) == ["x", "5", "1.5"]


@given(st.text())
def test_plain_takes_any_text(text):
    assert isinstance(plain(text), str)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_leaves_take_any_value(value):
    assert all(isinstance(each, str) for each in leaves(value))
