"""What stopped a near miss."""

from __future__ import annotations

import pytest

from unrepeat.cases.trace import Guardrail, Message, ModelCall, Permission
from unrepeat.scorers.barriers import barrier_of_refusal, first_stop, stops

from .traces import Recording

PAY = {"id": "c1", "name": "pay", "arguments": {"to": "x1", "amount": 900}}


def proposed() -> Recording:
    return Recording().says("", PAY)


def seen(recording):
    return [(stop.barrier, stop.call.name if stop.call else "", stop.stage) for stop in stops(recording.trace())]


@pytest.mark.parametrize("decision", ["reject", "modify", "escalate", "terminate"])
def test_approver_who_does_not_approve_stopped_the_call_that_is_referred_to(decision):
    found = proposed().approval(decision, request_ref="c1", approver="ann", approver_kind="human")
    assert seen(found) == [("human-review", "pay", "proposed")]


def test_plain_approval_stops_nothing():
    assert seen(proposed().approval("approve", request_ref="c1").call("pay", PAY["arguments"], id="c1")) == []


def test_machine_that_rejects_is_the_barrier_approval():
    assert seen(proposed().approval("reject", request_ref="c1", approver_kind="machine"))[0][0] == "approval"


def test_draft_put_down_before_is_found_by_the_arguments_of_the_request():
    recording = proposed().call("draft", {"to": "x1", "amount": 901}).call("look_up", {"to": "x1"})
    recording.approval("reject", request={"tool": "issue", "arguments": {"to": "x1", "amount": 901}})
    assert seen(recording) == [("human-review", "draft", "executed")]


def test_approval_without_any_reference_is_about_the_last_open_proposal():
    assert seen(proposed().approval("reject")) == [("human-review", "pay", "proposed")]


def test_changed_arguments_are_the_correction():
    recording = proposed().approval("modify", request_ref="c1", modified_arguments={"amount": 90})
    stop = first_stop([recording.trace()])
    assert stop is not None
    assert stop.correction == {"amount": 90}


def test_denied_permission_stopped_the_call_of_its_capability():
    found = proposed().span(Permission(capability="pay", policy="desk", decision="deny"))
    assert seen(found) == [("permission", "pay", "proposed")]


@pytest.mark.parametrize(
    ("name", "verdict", "action", "barrier"),
    [
        ("call-guard", "fail", "block", "guardrail"),
        ("call-guard", "blocked", "", "guardrail"),
        ("amount-validator", "fail", "block", "validation"),
        ("call-guard", "fail", "log", None),
        ("call-guard", "pass", "allow", None),
    ],
)
def test_guardrail_is_a_barrier_only_where_it_blocked(name, verdict, action, barrier):
    guard = Guardrail(name=name, target="pay on tic_1", verdict=verdict, action=action)
    assert seen(proposed().span(guard)) == ([(barrier, "pay", "proposed")] if barrier else [])


def test_guardrail_on_the_answer_held_back_the_last_text():
    recording = Recording().says("Call 555!", name="chat m").span(Guardrail(target="output", action="block"))
    [stop] = stops(recording.trace())
    assert (stop.call, stop.text_span) == (None, "s1")


@pytest.mark.parametrize(
    ("text", "barrier"),
    [
        ("amount exceeds the order", "validation"),
        ("ValidationError: lines is required", "validation"),
        ("403 Forbidden", "permission"),
        ("the reviewer did not approve", "human-review"),
        ("connection timed out", "unknown"),
        ("503 unavailable: limit exceeded", "unknown"),
        ("boom", "unknown"),
        ("", "unknown"),
    ],
)
def test_refusal_speaks_of_a_rule_not_of_an_outage(text, barrier):
    assert barrier_of_refusal(text) == barrier


def test_tool_that_refused_its_call_is_a_barrier():
    assert seen(Recording().call("pay", {"amount": 9}, error="amount must be positive")) == [
        ("validation", "pay", "executed")
    ]
    assert seen(Recording().call("pay", {"amount": 9}, result={"error": "invalid amount"})) == [
        ("validation", "pay", "executed")
    ]


def test_result_that_only_mentions_a_rule_is_no_refusal():
    assert seen(Recording().call("search", {}, result="Refunds must be approved, invalid ones are denied")) == []


def test_proposal_that_was_answered_with_a_refusal_never_ran():
    recording = proposed()
    told = Message(role="tool", parts=({"type": "tool_call_response", "id": "c1", "response": {"error": "refused"}},))
    recording.span(ModelCall(input=(recording._pool.add(told),)))
    assert seen(recording) == [("validation", "pay", "proposed")]


def test_empty_recording_was_not_stopped():
    assert first_stop([Recording().trace()]) is None
