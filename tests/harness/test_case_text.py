"""The text of a new case.yaml: whatever is in it, it reads back as the same values."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases import strict_yaml
from unrepeat.harness.case_text import case_text, flow
from unrepeat.reports.text import is_unseen
from unrepeat.scorers.proposals import Proposal
from unrepeat.scorers.score import Violation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)
TRICKY = st.sampled_from(
    ["1e400", "0o17", "0x1F", "1_000", "12:30:45", "2026-01-01", "yes", "NO", "~", "null", "<<", "=", ".inf", "- a",
     "? a", ": a", "a: b", "a #b", "&x", "*x", "!!str a", "%TAG", "@a", "`a", "|", ">", "...", "---", "\ufeff", "\x85"]
)  # fmt: skip


def read(text):
    """Return a YAML text as a case is read."""
    return strict_yaml.parse(text.encode(), "case.yaml")


def proposal(assertion, why):
    """Return a proposal of an assertion."""
    return Proposal(assertion, why, Violation(reason="red"))


@given(TEXTS | TRICKY)
def test_text_is_one_line_that_reads_back(text):
    line = flow(text)
    assert "\n" not in line
    assert read(f"value: {line}\n") == {"value": text}


@given(st.dictionaries(TEXTS | TRICKY, VALUES | TRICKY, min_size=1, max_size=4))
def test_value_is_one_line_that_reads_back(value):
    line = flow(value)
    assert not any(map(is_unseen, line))
    assert read(f"- {line}\n") == [value]


@given(st.lists(st.tuples(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), TEXTS), max_size=3), st.data())
def test_what_is_not_accepted_stays_in_comments(offered, data):
    proposals = [proposal(*each) for each in offered]
    accepted = data.draw(st.sets(st.sampled_from(range(len(offered)))) if offered else st.just(set()))
    text = case_text("i1", "A title", proposals, sorted(accepted), system=None)
    assert read(text) == {
        "format": 1, "id": "i1", "title": "A title", "kind": "incident", "status": "open",
        "assert": [offered[index][0] for index in sorted(accepted)],
    }  # fmt: skip


def test_proposal_is_accepted_by_taking_its_mark_away():
    text = case_text("i1", "t", [proposal({"type": "contains", "value": "x"}, "why")], [], system="desk")
    edited = text.replace("assert: []", "assert:").replace("  # - {", "  - {")
    assert yaml.safe_load(edited)["assert"] == [{"type": "contains", "value": "x"}]


def test_system_is_named_where_there_is_one():
    assert read(case_text("i1", "t", [], [], system="1e5"))["system"] == "1e5"


def test_text_people_can_read_is_not_escaped():
    assert flow("Возврат 100 €") == "Возврат 100 €"
