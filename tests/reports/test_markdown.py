"""Markdown of a gate, read by a real Markdown parser: nothing people wrote becomes markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from unrepeat.reports.markdown import MARKER, MOST_ROWS, to_markdown

from .gates import CRASHED, FAILED, HELD, OPEN, PASSED, WEAKENED, gate

MARKUP = {"link_open", "image", "fence", "code_block", "strong_open", "em_open"}
ALLOWED = {"<code>", "</code>", "<sub>", "</sub>", "<!-- -->"}


def tokens(text):
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ") and "incident" not in line]


def test_comment_starts_with_its_marker():
    assert to_markdown(gate(PASSED, exit_code=0)).splitlines()[0] == MARKER


@pytest.mark.parametrize(("code", "words"), [(0, "passed"), (1, "blocked"), (10, "held"), (130, "did not finish")])
def test_headline_says_what_the_exit_code_means(code, words):
    assert words in to_markdown(gate(PASSED, exit_code=code)).splitlines()[1]


def test_failed_case_comes_first_with_step_cause_and_owner():
    first = rows(to_markdown(gate(PASSED, OPEN, HELD, FAILED)))[0]
    assert "step 5, tool update" in first
    assert "@desk/platform" in first
    assert "retrieval (hypothesis)" in first


def test_passed_cases_are_counted_beside_those_that_did_not():
    text = to_markdown(gate(PASSED, FAILED, OPEN, CRASHED))
    assert "4 cases: 2 failed, 1 reported only, 1 passed." in text
    assert len(rows(text)) == 3


def test_no_trace_text_is_written():
    assert "Secret" not in to_markdown(gate(PASSED, FAILED, HELD, OPEN, problems=(WEAKENED,)))


def test_name_of_an_owner_is_text_and_mentions_nobody():
    text = to_markdown(gate(HELD))
    assert "<b>" not in text
    assert "@ada" not in re.sub(r"&#64;", "@", text)


def test_long_table_says_what_it_leaves_out():
    cases = [replace(FAILED, case_id=f"inc-{number}") for number in range(MOST_ROWS + 5)]
    text = to_markdown(gate(*cases))
    assert len(rows(text)) == MOST_ROWS
    assert f"The table shows {MOST_ROWS} of {MOST_ROWS + 5}." in text


@given(st.text(), st.text(alphabet="[]()<>!*_`|#@:/\\&;-=~.\n x"))
def test_no_text_becomes_markup(words, punctuation):
    for text in (words, punctuation):
        case = replace(FAILED, reason=text, case_id=text, owner=text, cause=text, next_command=text)
        found = list(tokens(to_markdown(gate(case, problems=(replace(WEAKENED, where=text, reason=text),)))))
        assert not {token.type for token in found} & {
            "link_open",
            "image",
            "fence",
            "code_block",
            "strong_open",
            "em_open",
        }
        assert {token.content for token in found if token.type == "html_inline"} <= ALLOWED
        assert sum(token.type == "tr_open" for token in found) == 2
