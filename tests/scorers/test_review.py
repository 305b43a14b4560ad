"""Approvals that are required, and what the approver was shown."""

import pytest

from .traces import Recording, holds, scorer, violations

REQUIRED = {"type": "approval-required", "tool": "issue_refund"}
ARGS = {"order": 1, "amount": 40}


def reviewed(decision="approve", arguments=ARGS, **fields):
    """An approval that refers to the call, then the call."""
    fields = {"request_ref": "c1", "approver": "ann", "approver_kind": "human"} | fields
    return Recording().approval(decision, **fields).call("issue_refund", arguments, id="c1")


def test_call_without_approval_is_found():
    (found,) = violations(Recording().call("issue_refund", ARGS), **REQUIRED)
    assert found.span_ids == ("s1",)


def test_approved_call_holds():
    assert holds(reviewed(), **REQUIRED)


@pytest.mark.parametrize("decision", ["reject", "escalate", "terminate", ""])
def test_other_decisions_do_not_permit(decision):
    (found,) = violations(reviewed(decision), **REQUIRED)
    assert found.span_ids == ("s2", "s1")


def test_later_approval_does_not_count():
    recording = Recording().call("issue_refund", ARGS, id="c1").approval(request_ref="c1")
    assert not holds(recording, **REQUIRED)


def test_modified_arguments_must_be_those_executed():
    assert holds(reviewed("modify", modified_arguments={"order": 1, "amount": 40.0}), **REQUIRED)
    (found,) = violations(reviewed("modify", modified_arguments={"order": 1, "amount": 4}), **REQUIRED)
    assert "modified it to order=1, amount=4" in found.reason


def test_arguments_changed_after_the_approval_are_found():
    part = {"id": "c1", "name": "issue_refund", "arguments": ARGS}
    recording = Recording().says("", part).approval(request_ref="c1", approver="ann")
    recording.call("issue_refund", ARGS | {"amount": 4000}, id="c1")
    (found,) = violations(recording, **REQUIRED)
    assert "ann approved amount=40" in found.reason


def test_one_approval_covers_one_call():
    recording = Recording().approval(request={"tool": "issue_refund", "arguments": ARGS})
    recording.call("issue_refund", ARGS).call("issue_refund", ARGS)
    assert [each.span_ids for each in violations(recording, **REQUIRED)] == [("s3",)]


def test_two_approvals_cover_two_calls():
    recording = Recording().approval(request="issue_refund").approval(request="issue_refund")
    recording.call("issue_refund", ARGS).call("issue_refund", ARGS)
    assert holds(recording, **REQUIRED)


def test_decision_and_its_record_below_cover_one_call():
    recording = Recording().approval(request="issue_refund").approval(request="issue_refund", parent="s1")
    recording.call("issue_refund", ARGS).call("issue_refund", ARGS)
    assert [each.span_ids for each in violations(recording, **REQUIRED)] == [("s4",)]


def test_request_for_other_arguments_does_not_cover():
    recording = Recording().approval(request={"tool": "issue_refund", "amount": 4}).call("issue_refund", ARGS)
    (found,) = violations(recording, **REQUIRED)
    assert "approved amount=4" in found.reason


def test_request_that_holds_the_arguments_covers():
    recording = Recording().approval(request={"refund": ARGS | {"reason": "late"}}).call("issue_refund", ARGS)
    assert holds(recording, **REQUIRED)


def test_reference_to_another_call_does_not_cover():
    assert not holds(reviewed(request_ref="c2"), **REQUIRED)


def test_bare_approval_covers_the_next_call_beside_it():
    assert holds(Recording().approval().call("issue_refund", ARGS), **REQUIRED)
    assert not holds(Recording().approval().call("get_order").call("issue_refund", ARGS), **REQUIRED)
    assert not holds(Recording().approval(parent="elsewhere").call("issue_refund", ARGS), **REQUIRED)


def test_approval_inside_the_call_counts_before_its_write():
    before = Recording().call("issue_refund", ARGS).approval(parent="s1").write("order/1", parent="s1")
    after = Recording().call("issue_refund", ARGS).write("order/1", parent="s1").approval(parent="s1")
    assert holds(before, **REQUIRED)
    assert not holds(after, **REQUIRED)


def test_last_decision_counts():
    revoked = Recording().approval(request_ref="c1").approval("reject", request_ref="c1")
    granted = Recording().approval("escalate", request_ref="c1").approval(request_ref="c1")
    assert not holds(revoked.call("issue_refund", ARGS, id="c1"), **REQUIRED)
    assert holds(granted.call("issue_refund", ARGS, id="c1"), **REQUIRED)


def test_evidence_that_was_not_shown_is_decided_at_the_approval():
    recording = reviewed(shown_evidence=("ticket",))
    (found,) = violations(recording, **REQUIRED, shown=["ticket", "order"])
    assert found.decided_at == "s1"
    assert "not shown order (shown: ticket)" in found.reason


def test_evidence_that_was_shown_holds():
    assert holds(reviewed(shown_evidence=("order", "ticket")), **REQUIRED, shown=["ticket", "order"])


def test_kind_of_approver_is_required():
    assert holds(reviewed(), **REQUIRED, approver_kind="human")
    assert not holds(reviewed(approver_kind="model"), **REQUIRED, approver_kind="human")


def test_approver_must_be_somebody_else():
    assert holds(reviewed(), **REQUIRED, by_not=["bob"])
    assert not holds(reviewed(), **REQUIRED, by_not=["ann"])
    assert not holds(reviewed(approver=""), **REQUIRED, by_not=["bob"])


def test_modification_can_be_required():
    assert not holds(reviewed(), **REQUIRED, decision="modify")


def test_only_matching_executed_calls_need_it():
    recording = Recording().call("issue_refund", {"amount": 4}).call("issue_refund", ARGS, stage="proposed")
    assert holds(recording, **REQUIRED, args={"amount": {"gt": 10}})


def test_description_names_what_must_be_shown():
    assert scorer(**REQUIRED, shown=["order"]).describe.endswith("who was shown order")
