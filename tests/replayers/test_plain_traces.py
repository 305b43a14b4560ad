"""Traces of plain OpenTelemetry, without what only unrepeat's own attributes say, and unmodified code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.replayers.recordings import APP, MODEL, TOOLS, refund_trace, write_app

from unrepeat.cases.errors import ReplayError
from unrepeat.cases.trace import Document, ModelCall, Retrieval, Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.request import Conversation, prepare
from unrepeat.replayers.system import Checkout, PythonSystem

SYSTEM = PythonSystem(name="desk", entry="app:handle", boundaries={"model": ("model:complete",), "tool": ("tools:*",)})


def run(folder: Path, trace: Trace, arguments: Any, **files: str) -> Replay:
    checkout = Checkout(version=Version(label="v1"), folder=write_app(folder, **files))
    return replay_python(trace, SYSTEM, checkout, arguments=arguments)


def test_tools_and_parameters_the_recording_lacks_are_not_compared(tmp_path: Path) -> None:
    app = APP.replace('model="m1"', 'model="m1", tools=[{"name": "refund"}], temperature=0')
    model = MODEL.replace("(model, messages)", "(model, messages, tools, temperature)")
    replay = run(tmp_path, refund_trace(), {"text": "Refund order ord_1 please"}, app=app, model=model)
    assert (replay.limit, replay.events[0].not_compared) == (None, ("params.temperature", "tools"))


def test_parameter_the_recording_has_is_compared(tmp_path: Path) -> None:
    trace = with_parameters(refund_trace(), params={"temperature": 1.0})
    app = APP.replace('model="m1"', 'model="m1", temperature=0')
    model = MODEL.replace("(model, messages)", "(model, messages, temperature)")
    replay = run(tmp_path, trace, trace.input, app=app, model=model)
    assert replay.limit == 1


def with_parameters(trace: Trace, **view: Any) -> Trace:
    spans = tuple(
        msgspec.structs.replace(span, view=msgspec.structs.replace(span.view, **view))
        if isinstance(span.view, ModelCall)
        else span
        for span in trace.spans
    )
    return msgspec.structs.replace(trace, spans=spans)


def test_what_the_model_function_has_no_parameter_for_is_not_compared(tmp_path: Path) -> None:
    trace = with_parameters(refund_trace(), params={"temperature": 0.0}, tool_definitions=({"name": "refund"},))
    app = APP.replace('model="m1", ', "")
    replay = run(tmp_path, trace, trace.input, app=app, model=MODEL.replace("(model, messages)", "(messages)"))
    assert (replay.limit, replay.events[0].not_compared) == (None, ("params.temperature", "tools", "model"))


def test_what_a_model_function_with_any_parameters_was_not_given_is_a_difference(tmp_path: Path) -> None:
    trace = with_parameters(refund_trace(), params={"temperature": 0.0})
    model = MODEL.replace("(model, messages)", "(model, messages, **more)")
    assert run(tmp_path, trace, trace.input, model=model).limit == 1


@pytest.mark.parametrize("nested", [True, False])
def test_tool_schema_is_the_same_in_the_form_of_each_provider(nested: bool) -> None:
    schema = {"name": "refund", "description": "pays back", "parameters": {"type": "object"}}
    one = {"type": "function", "function": schema} if nested else {"type": "function", **schema}
    other = {"name": "refund", "description": "pays back", "input_schema": {"type": "object"}}
    heads = {prepare("model", {"messages": [], "tools": [each]}, Conversation()).head for each in (one, other)}
    assert len(heads) == 1


def test_tool_that_answers_text_gets_the_text_as_recorded(tmp_path: Path) -> None:
    trace = refund_trace()
    text = '{"paid":  10}'
    first = msgspec.structs.replace(
        trace.spans[1], view=_with(trace.spans[1].view, result={"paid": 10}, result_raw=text)
    )
    trace = msgspec.structs.replace(trace, spans=(trace.spans[0], first, *trace.spans[2:]))
    tools = TOOLS.replace("def get_order(order_id):", "def get_order(order_id) -> str:")
    app = APP.replace("result = run(name, args)", "result = run(name, args); return {'got': result}")
    assert run(tmp_path, trace, trace.input, app=app, tools=tools).trace.output == {"got": text}


def _with(view: Any, **fields: Any) -> ToolCall:
    return msgspec.structs.replace(view, **fields)


def test_retrieval_is_answered_in_the_fields_of_the_source() -> None:
    raw = [{"id": "d1", "text": "thirty days"}]
    span = Span(
        span_id="s1",
        attributes={"gen_ai.retrieval.documents": raw},
        view=Retrieval(query="returns", documents=(Document(id="d1", content="thirty days"),)),
    )
    playback = Playback(Trace(trace_id="t", source=Source(format="test"), spans=(span,)))
    assert playback.ask("retrieval", "search", {"query": "returns"})[1].value == raw


def test_recording_that_knows_nothing_of_a_request_answers_none() -> None:
    span = Span(span_id="s1", view=Retrieval(documents=(Document(id="d1"),)))
    playback = Playback(Trace(trace_id="t", source=Source(format="test"), spans=(span,)))
    playback.ask("retrieval", "search", {"query": "returns"})
    assert playback.limit == 1


def test_stated_answers_are_counted_apart_from_live_ones() -> None:
    from unrepeat.replayers.coverage import coverage

    playback = Playback(refund_trace(), Modes(static={"tool:get_order": "paid 10"}))
    playback.ask("tool", "get_order", {"order_id": "ord_1"})
    (row,) = coverage(playback.events, [])
    assert (row.static, row.live) == (1, 0)


def test_input_that_the_callable_does_not_take_is_said_with_what_to_state(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"State its arguments by name in case\.yaml"):
        run(tmp_path, refund_trace(), {"question": "Refund order ord_1 please"})
