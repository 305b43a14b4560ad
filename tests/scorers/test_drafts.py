"""Assertions that are red before the barrier."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import Guardrail
from unrepeat.scorers.drafts import CorrectedDrafts, stopped_drafts
from unrepeat.scorers.proposals import propose

from .traces import Recording, violations

PAY = {"id": "c1", "name": "pay", "arguments": {"to": "x1", "amount": 900, "idempotency_key": "k1"}}


def offered(recording, correction=None):
    found = propose([recording.trace()], (CorrectedDrafts(correction), stopped_drafts))
    return [each.assertion for each in found]


def rejected() -> Recording:
    return Recording().says("", PAY).approval("reject", request_ref="c1", approver="ann")


def test_rejected_call_is_forbidden_as_it_was_proposed_without_keys_of_the_system():
    expected = {"type": "not-tool-called", "tool": "pay", "args": {"to": "x1", "amount": 900}, "stage": "proposed"}
    assert offered(rejected())[0] == expected


def test_executed_calls_of_a_near_miss_are_green_where_its_proposal_is_red():
    assertion = offered(rejected())[0]
    assert violations(rejected(), **assertion)
    assert not violations(rejected(), **{**assertion, "stage": "executed"})


def test_what_the_approver_changed_comes_first():
    recording = Recording().says("", PAY).approval("modify", request_ref="c1", modified_arguments={"amount": 90})
    recording.call("pay", {"to": "x1", "amount": 90}, id="c1")
    assert offered(recording)[:2] == [
        {"type": "tool-args", "tool": "pay", "args": {"amount": 90}, "stage": "proposed"},
        {"type": "not-tool-called", "tool": "pay", "args": {"amount": 900}, "stage": "proposed"},
    ]


@pytest.mark.parametrize(
    "correction", [{"amount": 90}, {"to": "x1", "amount": 90}, {"tool": "pay", "arguments": {"amount": 90}}], ids=str
)
def test_correction_is_compared_with_the_draft_it_is_about(correction):
    assert offered(rejected(), correction)[0] == {
        "type": "tool-args", "tool": "pay", "args": {"amount": 90}, "stage": "proposed",
    }  # fmt: skip


def test_argument_that_the_draft_left_out_is_asked_for():
    assert offered(rejected(), {"to": "x1", "note": "b"})[0]["args"] == {"note": "b"}


@pytest.mark.parametrize("correction", [{"amount": 900}, {"colour": "red"}, {}, [], 7, None, ""], ids=str)
def test_correction_that_changes_nothing_adds_nothing(correction):
    assert offered(rejected(), correction) == offered(rejected())


def test_mapping_as_an_argument_is_compared_as_it_is():
    recording = Recording().call("pay", {"order": {"id": 1}})
    assert offered(recording, {"order": {"gt": 2}})[0]["args"] == {"order": {"eq": {"gt": 2}}}


def test_changed_field_of_a_structured_answer_is_asserted_at_its_path():
    recording = Recording().answers({"total": {"net pay": 5, "it's": 1}, "ok": True})
    assert offered(recording, {"total": {"net pay": 6, "it's": 1}, "ok": True}) == [
        {"type": "json-path", "path": "$.total['net pay']", "value": 6}
    ]


def test_sentence_that_the_correction_leaves_out_is_forbidden():
    recording = Recording().answers("Thank you for writing. It arrives on Tuesday for sure. Best, the desk.")
    assert offered(recording, "Thank you for writing. We cannot say when it comes. Best, the desk.") == [
        {"type": "not-contains", "value": ["It arrives on Tuesday for sure."], "mode": "any"},
        {"type": "contains", "value": ["We cannot say when it comes."]},
    ]


def test_draft_in_an_argument_is_corrected_there():
    recording = Recording().call("send_reply", {"text": "Thank you. It arrives on Tuesday for sure."})
    assert offered(recording, "Thank you. We cannot say.")[0] == {
        "type": "not-tool-called", "tool": "send_reply", "stage": "executed",
        "args": {"text": {"contains": "It arrives on Tuesday for sure."}},
    }  # fmt: skip


def test_text_that_is_like_no_draft_corrects_nothing():
    assert offered(Recording().answers("It arrives on Tuesday."), "zzz qqq www") == []


def test_text_that_a_guardrail_held_back_is_forbidden():
    recording = Recording().says("Call 555!", name="chat m").span(Guardrail(target="output", action="block"))
    assert offered(recording) == [{"type": "not-equals", "span": "chat m", "value": "Call 555!"}]


def test_correction_that_holds_operators_or_odd_names_never_makes_an_invalid_assertion():
    odd = {"a.b": 1, "": 2, "amount": {"regex": "("}, "to": ["x", {"gt": 1}]}
    for assertion in offered(rejected(), odd):
        assert violations(rejected(), **assertion)
