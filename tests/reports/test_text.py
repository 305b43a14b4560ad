"""Nothing in a trace may act on a terminal or a CI log, or hide in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.reports.text import (
    arguments,
    block,
    cell_width,
    excerpt,
    guard_lines,
    inline,
    is_unseen,
    shorten,
    visible,
    without_commands,
)

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)
COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", "\\x1b]52;c;ZXZpbA==\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\x1b[2J", "\\x1b[2J"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("pay\u200bpal\ufeff", "pay\\u200bpal\\ufeff"),
        ("\u00adsoft", "\\xadsoft"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("v\ufe0f\U000e0101", "v\\ufe0f\\U000e0101"),
        ("\u3164\u115f\u2800", "\\u3164\\u115f\\u2800"),
        ("line\u2028sep\x85", "line\\u2028sep\\x85"),
        ("\ud800", "\\ud800"),
        ("nul\x00 bell\x07 back\b", "nul\\x00 bell\\x07 back\\x08"),
    ],
)
def test_what_acts_or_hides_is_shown_as_an_escape(hostile, shown):
    assert visible(hostile) == shown


@pytest.mark.parametrize("honest", ["plain", "naïve café", "日本語の文", "שלום", "10\u00a0000 €", "full\u3000width"])
def test_honest_text_stays_as_it_is(honest):
    assert visible(honest) == honest


@given(ANYTHING)
def test_nothing_unseen_is_left(text):
    assert not any(is_unseen(char) for char in visible(text))


@given(ANYTHING)
def test_escaping_twice_changes_nothing_more(text):
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "text", ["::error::x", "  ::set-output name=a::b", "a\n::warning::", "log ##[error]", "##vso[x]"]
)
def test_no_line_of_a_block_is_a_workflow_command(text):
    assert not COMMAND.search(block(text))


def test_words_that_wrapping_may_put_first_are_disarmed():
    assert without_commands("see ::error::x") == "see \\x3a:error::x"


def test_colons_inside_words_stay():
    assert without_commands("std::vector ::") == "std::vector \\x3a:"


@given(st.lists(st.sampled_from([":", "::", "#", "##[", "\n", " ", "\t", "\x1b[1m", "error", "\u202e"]), max_size=12))
def test_finished_output_has_no_command_at_the_start_of_a_line(pieces):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", guard_lines("".join(pieces)))
    assert not COMMAND.search(plain)


@given(ANYTHING, st.integers(1, 60))
def test_an_excerpt_is_one_line_within_its_limit(text, limit):
    shown = excerpt(text, limit)
    assert "\n" not in shown
    assert cell_width(shown) <= limit


def test_wide_characters_count_two_columns():
    assert shorten("日本語日本語", 7) == "日本語…"


def test_an_ascii_terminal_gets_dots():
    assert excerpt("a" * 40, 10, "...") == "aaaaaaa..."


def test_values_are_shown_compactly():
    assert excerpt({"order_id": "ord_1", "lines": [1, None, True], "a b": {}}, 80) == (
        '{order_id: "ord_1", lines: [1, null, true], "a b": {}}'
    )


def test_arguments_have_no_outer_braces():
    assert arguments({"order_id": "ord_1", "amount": 5}, 60) == 'order_id: "ord_1", amount: 5'


def test_a_quote_in_a_value_cannot_end_it():
    assert excerpt({"a": 'x", b: "y'}, 80) == '{a: "x\\", b: \\"y"}'


def test_deep_values_are_cut_not_walked():
    deep: list = []
    for _ in range(50_000):
        deep = [deep]
    assert excerpt(deep, 40).startswith("[[[[[[")


def test_only_the_start_of_a_huge_value_is_looked_at():
    class Counted(list):
        seen = 0

        def __iter__(self):
            for each in super().__iter__():
                Counted.seen += 1
                yield each

    excerpt(Counted(["x" * 10] * 100_000), 40)
    assert Counted.seen < 200


def test_white_space_becomes_one_space():
    assert inline("a\n\n  b\tc\r\n") == "a b c"


def test_guarding_a_long_run_of_blanks_and_colours_ends():
    text = (" " * 40 + "\x1b[1m\x1b[0m") * 200 + "x"
    assert guard_lines(text) == text
