"""Answers from a recording: which are valid, and what happens where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.replayers.recordings import refund_trace

from unrepeat.cases.messages import to_openai
from unrepeat.cases.trace import Approval, Retrieval, Source, Span, ToolCall, Trace, UserTurn
from unrepeat.replayers.playback import Modes, Playback, Reply

LOOKUP, REFUND = {"order_id": "ord_1"}, {"order_id": "ord_1", "amount": 10}


def of(*views: Any) -> Trace:
    spans = tuple(Span(span_id=f"s{number}", view=view) for number, view in enumerate(views, start=1))
    return Trace(trace_id="t", source=Source(format="test"), spans=spans)


def model_request(trace: Trace, span: str, **changes: Any) -> dict[str, Any]:
    view: Any = trace.span(span).view
    return {"model": "m1", "messages": [to_openai(message) for message in trace.inputs(view)], **changes}


def test_recorded_request_gets_the_recorded_answer():
    playback = Playback(refund_trace())
    assert playback.ask("tool", "get_order", LOOKUP) == (1, Reply("answer", "paid 10"))


def test_recorded_error_is_raised():
    playback = Playback(of(ToolCall(name="a", arguments={}, error="KeyError: 'x'")))
    assert playback.ask("tool", "a", {})[1] == Reply("raise", error="KeyError: 'x'")


@pytest.mark.parametrize(("kind", "name"), [("tool", "get_order"), ("retrieval", "search")])
def test_changed_question_to_a_tool_or_index_stops_the_replay(kind, name):
    playback = Playback(of(ToolCall(name="get_order", arguments=LOOKUP), Retrieval(query="q")))
    assert playback.ask(kind, name, {"query": "other"})[1].action == "stop"
    assert (playback.limit, bool(playback.stopped)) == (1, True)


def test_changed_question_is_an_error_where_the_case_says_so():
    playback = Playback(refund_trace(), Modes(on_miss="error_result"))
    assert playback.ask("tool", "get_order", {"order_id": "ord_2"})[1].action == "raise"
    assert (playback.limit, playback.stopped) == (1, "")


def test_model_with_a_changed_request_says_the_same_again_but_not_validly():
    trace = refund_trace()
    playback = Playback(trace)
    request = model_request(trace, "mc1", messages=[{"role": "user", "content": "something else"}])
    _, reply = playback.ask("model", "complete", request)
    assert reply.value["tool_calls"][0]["function"]["name"] == "get_order"
    assert (playback.limit, playback.events[0].valid) == (1, False)


@pytest.mark.parametrize("field", ["model", "temperature", "tools", "system"])
def test_whatever_a_model_was_asked_with_counts(field):
    trace = refund_trace()
    playback = Playback(trace)
    changed = {"tools": [{"name": "x"}]}.get(field, "changed")
    playback.ask("model", "complete", model_request(trace, "mc1", **{field: changed}))
    assert playback.limit == 1 or playback.events[0].not_compared


def test_reviewer_with_a_changed_request_says_the_same_again_but_not_validly():
    playback = Playback(of(Approval(request={"amount": 1}, decision="approve")))
    _, reply = playback.ask("approval", "decide", {"amount": 2})
    assert (reply.value["decision"], playback.limit) == ("approve", 1)


def test_reviewer_who_was_never_asked_cannot_answer():
    playback = Playback(of(Approval(request={"amount": 1}, decision="approve")))
    playback.ask("approval", "decide", {"amount": 1})
    assert playback.ask("approval", "decide", {"amount": 1})[1].action == "stop"


def test_user_whose_question_was_not_recorded_answers_without_validity():
    playback = Playback(of(UserTurn()))
    playback.ask("user", "ask_user", {"question": "?"})
    assert playback.limit == 1


def test_everything_after_the_limit_is_beyond_the_recording():
    playback = Playback(refund_trace(), Modes(on_miss="error_result"))
    playback.ask("tool", "get_order", {"order_id": "ord_2"})
    playback.ask("tool", "refund", REFUND)
    assert [(event.match, event.valid) for event in playback.events] == [("none", False), ("exact", False)]


def test_read_after_a_write_that_was_left_out_is_stale():
    playback = Playback(
        of(
            ToolCall(name="refund", arguments={}, result="ok", effect="write"),
            ToolCall(name="balance", arguments={}, result=0, effect="read"),
        )
    )
    playback.ask("tool", "balance", {})
    assert playback.limit == 1
    assert "was recorded after the write refund" in playback.divergences[0].message


def test_live_answer_is_valid_and_compared():
    playback = Playback(refund_trace(), Modes(live=frozenset({"tool:get_order"})))
    seq, reply = playback.ask("tool", "get_order", LOOKUP)
    playback.answered(seq, "paid 11")
    assert (reply.action, playback.events[0].outcome, playback.limit) == ("call", "changed", None)


def test_live_answer_that_only_looks_different_is_handed_on_as_recorded():
    playback = Playback(of(ToolCall(name="a", arguments={}, result='{"x": 1}')), Modes(live=frozenset({"tool"})))
    seq, _ = playback.ask("tool", "a", {})
    assert playback.answered(seq, '{"x":1}') == Reply("answer", '{"x": 1}')


def test_static_answer_is_given_as_stated():
    playback = Playback(
        of(Approval(request={}, decision="approve")), Modes(static={"approval": {"decision": "reject"}})
    )
    assert playback.ask("approval", "decide", {"any": 1})[1] == Reply("answer", {"decision": "reject"})


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (Modes(), "recorded"),
        (Modes(live=frozenset({"tool"})), "live"),
        (Modes(live=frozenset({"tool:get_*"})), "live"),
        (Modes(live=frozenset({"tool:refund"})), "recorded"),
        (Modes(live=frozenset({"tool"}), recorded=frozenset({"tool:get_order"})), "recorded"),
        (Modes(static={"tool:get_order": 1}, live=frozenset({"tool"})), "static"),
        (Modes(live_from_step=3, allowed_live=frozenset({"tool"})), "recorded"),
        (Modes(live_from_step=2, allowed_live=frozenset({"tool"})), "live"),
        (Modes(live_from_step=2), "recorded"),
    ],
)
def test_mode_of_a_name_wins_over_that_of_its_kind(modes, expected):
    assert modes.of("tool", "get_order", 2) == expected


def test_calls_never_made_are_reported_at_the_end():
    playback = Playback(refund_trace())
    playback.ask("tool", "get_order", LOOKUP)
    playback.finish()
    assert [each.name for each in playback.divergences if each.grade == "missing_call"] == [
        "model", "model", "refund", "model",
    ]  # fmt: skip


def test_request_goes_on_with_the_conversation_when_only_an_answer_differs():
    trace = refund_trace()
    playback = Playback(trace)
    playback.ask("model", "complete", model_request(trace, "mc1"))
    request = model_request(trace, "mc2")
    request["messages"][-1]["content"] = "paid 99"
    playback.ask("model", "complete", request)
    assert playback.events[1].resumes == len(request["messages"])


@pytest.mark.parametrize("extra", [{"role": "user", "content": "Is this all right?"}, None])
def test_question_of_another_kind_does_not_go_on_with_the_conversation(extra):
    trace = refund_trace()
    playback = Playback(trace)
    playback.ask("model", "complete", model_request(trace, "mc1"))
    request = model_request(trace, "mc2")
    request["messages"] = [*request["messages"][:-1], extra] if extra else [{"role": "user", "content": "judge"}]
    playback.ask("model", "complete", request)
    assert playback.events[1].resumes == 0
