"""Plain lists of messages as spans."""

from unrepeat.cases.readers.transcript import Transcript
from unrepeat.cases.trace import ModelCall, Source, ToolCall, Trace, UserTurn

from .files import CALL, CHAT


def transcript(messages):
    collected = Transcript()
    collected.extend(messages)
    return Trace(trace_id="t", source=Source(format="test"), **collected.fields())


def views(trace, kind):
    return [view for _, view in trace.views(kind)]


def test_every_assistant_message_is_a_model_call_on_what_came_before():
    calls = views(transcript(CHAT), ModelCall)
    assert [(call.input, call.output) for call in calls] == [((0, 1), (2,)), ((0, 1, 2, 3), (4,))]


def test_a_tool_message_is_an_executed_call_below_the_model_call_that_proposed_it():
    trace = transcript(CHAT)
    span, call = next(trace.views(ToolCall))
    assert (call.name, call.id, call.arguments, call.stage) == ("refund", "c1", {"order": 7}, "executed")
    assert trace.span(span.parent_id).view.output == (2,)


def test_a_result_that_reads_as_json_is_parsed_and_kept_as_text():
    (call,) = views(transcript(CHAT), ToolCall)
    assert call.result == {"ok": True}
    assert call.result_raw == '{"ok": true}'


def test_a_user_message_after_the_first_model_call_is_a_turn():
    (turn,) = views(transcript(CHAT), UserTurn)
    assert turn.messages == (5,)


def test_input_and_output_are_marked_as_inferred():
    trace = transcript(CHAT)
    assert (trace.input, trace.output) == ("Refund order 7", "Done.")
    assert {name: origin.kind for name, origin in trace.origins.items()} == {"input": "inferred", "output": "inferred"}


def test_a_call_without_a_result_stays_proposed():
    trace = transcript(CHAT[:3])
    assert views(trace, ToolCall) == []
    assert trace.messages[2].parts[0]["name"] == "refund"


def test_repeated_calls_without_ids_are_answered_in_order():
    call = {"function": "refund", "args": {"order": 7}}
    asked = {"role": "assistant", "content": "", "tool_calls": [call]}
    done = {"role": "tool", "content": "ok", "tool_call": call}
    trace = transcript([asked, asked, done, done])
    assert [span.parent_id for span, _ in trace.views(ToolCall)] == ["s1", "s2"]


def test_two_results_of_one_id_go_to_two_proposals():
    asked = {"role": "assistant", "tool_calls": [CALL]}
    done = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    trace = transcript([asked, asked, done, done])
    assert [span.parent_id for span, _ in trace.views(ToolCall)] == ["s1", "s2"]


def test_fields_that_messages_do_not_have_stay_in_the_attributes():
    trace = transcript([{"role": "assistant", "content": "Hi", "refusal": None, "index": 3}])
    assert trace.spans[0].attributes == {"refusal": None, "index": 3}


def test_the_error_of_a_tool_is_its_spans_error():
    trace = transcript([*CHAT[:3], {"role": "tool", "tool_call_id": "c1", "content": "", "error": "ValueError: no"}])
    span, call = next(trace.views(ToolCall))
    assert (span.status, span.error, call.error) == ("error", "ValueError: no", "ValueError: no")
