"""The recorded conversation driven again, with what is changed about it."""

from __future__ import annotations

import msgspec
import pytest
from tests.replayers.apps import headline
from tests.replayers.recordings import answers, refund_trace

from unrepeat.cases.trace import Retrieval, Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.trajectory import Overrides, replay_trajectory

LIVE = Modes(live=frozenset({"tool"}))


def refuse_refunds(name, arguments):
    return "refused" if name == "refund" else None


def tools_of(replay):
    return [event.name for event in replay.events if event.kind == "tool"]


def test_recording_reproduces_itself():
    replay = replay_trajectory(refund_trace())
    assert (replay.outcome, replay.limit, replay.divergences) == ("completed", None, ())


def test_equal_replays_have_equal_digests():
    assert replay_trajectory(refund_trace()).digest == replay_trajectory(refund_trace()).digest


def test_other_answers_have_another_digest():
    guarded = replay_trajectory(refund_trace(), overrides=Overrides(guard=refuse_refunds))
    assert guarded.digest != replay_trajectory(refund_trace()).digest


def test_refused_call_never_reaches_its_tool():
    assert tools_of(replay_trajectory(refund_trace(), overrides=Overrides(guard=refuse_refunds))) == ["get_order"]


def test_refusal_reaches_the_next_model_request():
    replay = replay_trajectory(refund_trace(), overrides=Overrides(guard=refuse_refunds))
    assert (replay.limit, headline(replay).differences[0].replayed) == (4, "refused")


def test_refusal_that_no_request_holds_still_changes_the_next_one():
    trace = refund_trace()
    forgetful = tuple(msgspec.structs.replace(m, parts=()) if m.role == "tool" else m for m in trace.messages)
    replay = replay_trajectory(
        msgspec.structs.replace(trace, messages=forgetful), overrides=Overrides(guard=refuse_refunds)
    )
    assert replay.limit == 4


def test_calls_made_inside_of_a_refused_call_are_not_made():
    spans = (
        Span(span_id="a", view=ToolCall(name="refund", arguments={})),
        Span(span_id="b", parent_id="a", view=Retrieval(query="q")),
        Span(span_id="c", view=ToolCall(name="other", arguments={})),
    )
    trace = Trace(trace_id="t", source=Source(format="test"), spans=spans)
    replay = replay_trajectory(trace, overrides=Overrides(guard=refuse_refunds))
    assert [event.name for event in replay.events] == ["other"]


@pytest.mark.parametrize(
    "overrides", [Overrides(prompt="Be careful."), Overrides(model="m2"), Overrides(params={"temperature": 1})]
)
def test_changed_prompt_model_or_parameters_lose_validity_at_once(overrides):
    assert replay_trajectory(refund_trace(), overrides=overrides).limit == 1


def test_live_tool_that_answers_as_recorded_keeps_validity():
    recorded = {"get_order": "paid 10", "refund": "refunded 0"}
    replay = replay_trajectory(
        refund_trace(), modes=LIVE, overrides=Overrides(live_tool=lambda name, arguments: recorded[name])
    )
    assert (replay.limit, [event.outcome for event in replay.events if event.kind == "tool"]) == (
        None,
        ["same", "same"],
    )


def test_live_tool_that_answers_differently_changes_the_next_request():
    replay = replay_trajectory(refund_trace(), modes=LIVE, overrides=Overrides(live_tool=lambda *_: "other"))
    assert (replay.limit, headline(replay).grade) == (3, "changed_request")


def test_failure_of_a_live_tool_is_its_answer():
    def broken(name, arguments):
        raise ValueError("no such order")

    replay = replay_trajectory(refund_trace(), modes=LIVE, overrides=Overrides(live_tool=broken))
    assert replay.events[1].error == "ValueError: no such order"


def test_live_tool_that_changes_what_it_was_given_changes_no_request():
    replay = replay_trajectory(
        refund_trace(), modes=LIVE, overrides=Overrides(live_tool=lambda name, arguments: arguments.clear())
    )
    assert replay.events[1].request == {"order_id": "ord_1"}


def test_live_tool_without_one_at_hand_is_an_error():
    assert "no live tool" in replay_trajectory(refund_trace(), modes=LIVE).events[1].error


def test_recorded_answers_are_served_byte_for_byte():
    replay = replay_trajectory(refund_trace())
    assert answers("c1", replay.events[1].answer) == refund_trace().messages[3]
