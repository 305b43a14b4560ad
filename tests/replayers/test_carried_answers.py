"""An answer that differs from the recording reaches the next model request, whatever ids its call has."""

from typing import Any

import msgspec
import pytest
from tests.replayers.recordings import answers, asks, refund_trace, text

from unrepeat.cases.trace import Message, MessagePool, ModelCall, Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.trajectory import Overrides, ToolFailure, replay_trajectory

TOOLS_LIVE = Modes(live=frozenset({"tool"}))


def refuses(name: str) -> Any:
    return lambda tool, _: "Refused." if tool == name else None


def two_looks(ids: tuple[str, str]) -> Trace:
    """Return a conversation in which one tool is called twice and answers the same both times."""
    pool = MessagePool()
    spans: list[Span] = []
    history = [pool.add(text("user", "Look twice"))]
    for number, call_id in enumerate(ids):
        output = pool.add(asks(call_id, "look", {"at": number}))
        spans.append(Span(span_id=f"m{number}", view=ModelCall(input=tuple(history), output=(output,))))
        view = ToolCall(id=call_id, name="look", arguments={"at": number}, result="nothing")
        spans.append(Span(span_id=f"t{number}", parent_id=f"m{number}", view=view))
        history = [*history, output, pool.add(answers(call_id, "nothing"))]
    output = pool.add(text("assistant", "Nothing there."))
    spans.append(Span(span_id="m9", view=ModelCall(input=tuple(history), output=(output,))))
    return Trace(trace_id="t", source=Source(format="test"), spans=tuple(spans), messages=pool.messages())


def responses(trace: Trace, span_id: str) -> list[Any]:
    """Return the answers that a model call of a replay was given, in order."""
    call = next(span.view for span in trace.spans if span.span_id == span_id)
    assert isinstance(call, ModelCall)
    parts = [part for message in trace.inputs(call) for part in message.parts]
    return [part["response"] for part in parts if part["type"] == "tool_call_response"]


@pytest.mark.parametrize("ids", [("c1", "c2"), ("", ""), ("same", "same")], ids=["ids", "no ids", "one id twice"])
def test_refusal_loses_validity_at_the_next_model_call(ids):
    replay = replay_trajectory(two_looks(ids), overrides=Overrides(guard=refuses("look")), modes=TOOLS_LIVE)
    assert replay.limit == 2
    assert [event.kind for event in replay.events] == ["model", "model", "model"]


@pytest.mark.parametrize("ids", [("c1", "c2"), ("", ""), ("same", "same")], ids=["ids", "no ids", "one id twice"])
def test_only_the_changed_one_of_two_equal_answers_is_replaced(ids):
    live = lambda _, arguments: "something" if arguments["at"] == 1 else "nothing"  # noqa: E731 - reads best inline
    replay = replay_trajectory(two_looks(ids), overrides=Overrides(live_tool=live), modes=TOOLS_LIVE)
    assert replay.limit == 5
    assert responses(replay.trace, "r5") == ["nothing", "something"]


def test_answer_that_no_request_holds_still_loses_validity():
    trace = refund_trace()
    pasted = tuple(
        Message(role="user", parts=({"type": "text", "content": "The tool said something"},))
        if message.role == "tool"
        else message
        for message in trace.messages
    )
    replay = replay_trajectory(
        msgspec.structs.replace(trace, messages=pasted), overrides=Overrides(guard=refuses("get_order"))
    )
    assert replay.limit == 2


def test_live_answers_equal_to_the_recorded_ones_keep_every_request():
    recorded = {"get_order": "paid 10", "refund": "refunded 0"}
    overrides = Overrides(live_tool=lambda name, _: recorded[name])
    replay = replay_trajectory(refund_trace(), overrides=overrides, modes=TOOLS_LIVE)
    assert replay.limit is None
    assert [event.outcome for event in replay.events if event.kind == "tool"] == ["same", "same"]


def failing_trace(result: str) -> Trace:
    """Return a conversation whose tool failed; the source keeps some result beside the error."""
    trace = two_looks(("c1", "c2"))
    spans = tuple(
        msgspec.structs.replace(span, view=msgspec.structs.replace(span.view, result=result, error="ValueError: no"))
        if isinstance(span.view, ToolCall)
        else span
        for span in trace.spans
    )
    return msgspec.structs.replace(trace, spans=spans)


def raises(error: Exception) -> Any:
    def tool(name: str, arguments: Any) -> Any:
        raise error

    return tool


@pytest.mark.parametrize("result", ["", "<<>>"])
@pytest.mark.parametrize("error", [ValueError("no"), ToolFailure("ValueError: no")], ids=["raised", "in its own words"])
def test_live_failure_like_the_recorded_one_is_the_same(result, error):
    replay = replay_trajectory(failing_trace(result), overrides=Overrides(live_tool=raises(error)), modes=TOOLS_LIVE)
    assert {event.outcome for event in replay.events if event.kind == "tool"} == {"same"}
    assert replay.limit is None


def test_live_success_where_the_recording_failed_is_a_change():
    overrides = Overrides(live_tool=lambda name, arguments: "")
    replay = replay_trajectory(failing_trace(""), overrides=overrides, modes=TOOLS_LIVE)
    assert {event.outcome for event in replay.events if event.kind == "tool"} == {"changed"}
