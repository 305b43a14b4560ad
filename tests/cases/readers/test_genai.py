"""Typed views of spans from GenAI and ``unrepeat.*`` attributes."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.readers.assembly import SpanDraft, assemble
from unrepeat.cases.readers.unrepeat_attributes import FIELDS, VIEWS
from unrepeat.cases.trace import (
    Approval,
    Evaluation,
    Guardrail,
    ModelCall,
    Permission,
    Source,
    ToolCall,
    Trace,
    UserTurn,
    Write,
    text_of,
)

ASKED = {"role": "user", "parts": [{"type": "text", "content": "Refund order 7"}]}
CALL = {"type": "tool_call", "id": "c1", "name": "refund", "arguments": {"order": 7}}
PROPOSED = {"role": "assistant", "parts": [CALL], "finish_reason": "tool_call"}
DONE = {"role": "assistant", "parts": [{"type": "text", "content": "Done."}]}


def trace_of(*spans, **fields):
    """Return a trace of spans given as attributes."""
    drafts = [
        SpanDraft(f"s{number}", "", "step", number, number + 1, "", "", {}, attributes)
        for number, attributes in enumerate(spans, 1)
    ]
    return assemble("t", drafts, Source(format="test"), **fields)


def view_of(attributes):
    return trace_of(attributes).spans[0].view


def chat(asked, answered, **attributes):
    messages = {"gen_ai.input.messages": asked, "gen_ai.output.messages": answered}
    return {"gen_ai.operation.name": "chat", **messages, **attributes}


def test_a_model_call_has_its_models_parameters_and_usage():
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.seed": 5,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.system_instructions": '[{"type":"text","content":"Be kind."}]',
        "gen_ai.tool.definitions": '[{"type":"function","name":"refund"}]',
        "unrepeat.prompt.name": "desk",
        "unrepeat.prompt.version": 3,
    }
    call = view_of(chat([ASKED], [DONE], **attributes))
    assert (call.provider, call.request_model, call.response_model) == ("openai", "gpt-4o", "gpt-4o-2024-08-06")
    assert (call.params, call.seed, call.usage) == ({"temperature": 0.2}, 5, {"input_tokens": 9})
    assert (call.finish_reasons, call.tool_definitions) == (("stop",), ({"type": "function", "name": "refund"},))
    assert call.system_instructions == ({"type": "text", "content": "Be kind."},)
    assert (call.prompt.name, call.prompt.version) == ("desk", "3")


@pytest.mark.parametrize("write", [lambda value: value, json.dumps], ids=["structured", "text"])
def test_messages_are_read_structured_and_as_text(write):
    trace = trace_of(chat(write([ASKED]), write([PROPOSED])))
    call = trace.spans[0].view
    assert text_of(trace.inputs(call)[0]) == "Refund order 7"
    assert trace.outputs(call)[0].parts == (CALL,)
    assert trace.outputs(call)[0].finish_reason == "tool_call"


def test_openai_shaped_messages_are_read():
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
    asked = json.dumps([{"role": "user", "content": "Refund order 7"}])
    trace = trace_of(chat(asked, json.dumps([{"role": "assistant", "content": None, "tool_calls": [call]}])))
    assert [part for message in trace.messages for part in message.parts] == [ASKED["parts"][0], CALL]


def test_a_growing_conversation_is_stored_once():
    tool = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "ok"}]}
    said = [ASKED, {**PROPOSED, "finish_reason": ""}]
    trace = trace_of(
        chat(json.dumps(said[:1]), json.dumps([DONE])),
        chat(json.dumps([*said, tool]), json.dumps([DONE])),
        chat(json.dumps([*said, tool]), json.dumps([DONE])),
        chat(json.dumps([tool, *said]), json.dumps([DONE])),
    )
    assert [call.input for _, call in trace.views(ModelCall)] == [(0,), (0, 2, 3), (0, 2, 3), (3, 0, 2)]
    assert len(trace.messages) == 4


def test_a_conversation_that_was_cut_off_is_read_as_text():
    whole = json.dumps([ASKED, DONE])
    trace = trace_of(chat(whole, whole), chat(whole[:-1], whole))
    assert text_of(trace.messages[trace.spans[1].view.input[0]]) == whole[:-1]


def test_a_model_recorded_as_a_function_is_read_from_arguments_and_result():
    arguments = {"model": "m1", "messages": [{"role": "user", "content": "Hi"}]}
    attributes = {
        "unrepeat.boundary": "model",
        "unrepeat.arguments": json.dumps(arguments),
        "unrepeat.result": json.dumps({"role": "assistant", "content": "Hello"}),
    }
    trace = trace_of(attributes)
    assert [text_of(message) for message in trace.messages] == ["Hi", "Hello"]
    assert {origin.kind for origin in trace.spans[0].origins.values()} == {"inferred"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"unrepeat.arguments": '{"order": 7}', "unrepeat.result": '"ok"'},
        {"unrepeat.arguments": {"order": 7}, "unrepeat.result": "ok"},
        {"gen_ai.tool.call.arguments": '{"order": 7}', "gen_ai.tool.call.result": "ok"},
    ],
)
def test_a_tool_call_has_arguments_and_result(attributes):
    call = view_of({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund", **attributes})
    assert (call.name, call.arguments, call.result, call.effect) == ("refund", {"order": 7}, "ok", "unknown")


def test_effect_and_stage_are_what_is_stated():
    attributes = {"unrepeat.boundary": "tool", "unrepeat.tool.effect": "write", "unrepeat.tool.stage": "proposed"}
    call = view_of(attributes)
    assert (call.effect, call.stage) == ("write", "proposed")


def test_the_name_of_a_tool_is_inferred_from_the_span_where_nothing_states_it():
    span = trace_of({"gen_ai.operation.name": "execute_tool"}).spans[0]
    assert (span.view.name, span.origins["name"].kind) == ("step", "inferred")


def test_documents_keep_every_field():
    document = {"id": "d1", "score": 0.5, "content": "Old", "status": "superseded", "lang": "de", "metadata": {"a": 1}}
    attributes = {
        "unrepeat.boundary": "retrieval",
        "unrepeat.documents": json.dumps([document]),
        "gen_ai.retrieval.query.text": "refunds",
        "unrepeat.retrieval.index_version": 4,
        "gen_ai.data_source.id": "policies",
    }
    found = view_of(attributes)
    assert (found.query, found.index_version, found.data_source) == ("refunds", "4", "policies")
    (kept,) = found.documents
    assert (kept.id, kept.score, kept.status, kept.metadata) == ("d1", 0.5, "superseded", {"a": 1, "lang": "de"})


def test_documents_of_a_replaced_function_are_inferred_from_its_result():
    attributes = {"unrepeat.boundary": "retrieval", "unrepeat.arguments": '{"query": "q"}', "unrepeat.result": '["x"]'}
    span = trace_of(attributes).spans[0]
    assert (span.view.query, span.view.documents[0].content) == ("q", "x")
    assert span.origins["documents"].kind == "inferred"


@pytest.mark.parametrize("section", sorted(FIELDS))
def test_every_field_of_the_table_is_read(section):
    samples = {"text": "x", "json": '{"a": 1}', "list": '["a"]', "texts": '["a"]', "flag": True}
    expected = {"text": "x", "json": {"a": 1}, "list": ("a",), "texts": ("a",), "flag": True}
    kinds = FIELDS[section]
    view = view_of({f"unrepeat.{section}.{name}": samples[kind] for name, kind in kinds.items()})
    assert isinstance(view, VIEWS[section])
    assert {name: getattr(view, name) for name in kinds} == {name: expected[kind] for name, kind in kinds.items()}


def test_the_table_covers_the_views():
    assert {name: set(view.__struct_fields__) for name, view in VIEWS.items()} == {
        name: set(kinds) for name, kinds in FIELDS.items()
    }
    assert set(VIEWS.values()) == {Approval, Guardrail, Permission, Write}


def test_a_permission_on_the_span_of_a_tool_becomes_a_span_below_it():
    attributes = {"unrepeat.boundary": "tool", "unrepeat.permission.decision": "allow"}
    tool, permission = trace_of(attributes).spans
    assert isinstance(tool.view, ToolCall)
    assert (permission.parent_id, permission.view) == (tool.span_id, Permission(decision="allow"))


def test_an_evaluation_event_becomes_a_span():
    attributes = {"gen_ai.evaluation.name": "grounded", "gen_ai.evaluation.score.value": 0.1}
    event = {"name": "gen_ai.evaluation.result", "attributes": attributes}
    draft = SpanDraft("s1", "", "step", 1, 2, "", "", {}, {"gen_ai.operation.name": "chat"}, (event,))
    evaluation = assemble("t", [draft], Source(format="test")).spans[1]
    assert evaluation.view == Evaluation(name="grounded", value=0.1)


def test_messages_in_the_details_event_are_read():
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": chat([ASKED], [DONE])}
    draft = SpanDraft("s1", "", "step", 1, 2, "", "", {}, {"gen_ai.operation.name": "chat"}, (event,))
    trace = assemble("t", [draft], Source(format="test"))
    assert (trace.input, trace.output) == ("Refund order 7", "Done.")


def test_an_agent_span_that_repeats_messages_is_no_model_call():
    assert view_of(chat([ASKED], [DONE]) | {"gen_ai.operation.name": "invoke_agent"}) is None


def test_what_the_user_said_is_a_turn():
    trace = trace_of({"unrepeat.boundary": "user", "unrepeat.result": '"Yes please"'})
    assert isinstance(trace.spans[0].view, UserTurn)
    assert text_of(trace.messages[0]) == "Yes please"


def test_stated_input_and_output_are_observed():
    trace = trace_of({"unrepeat.input": '{"question": "?"}', "unrepeat.output": '"Done."'}, chat([ASKED], [DONE]))
    assert (trace.input, trace.output, trace.origins) == ({"question": "?"}, "Done.", {})


def test_input_and_output_are_else_inferred():
    trace = trace_of(chat([ASKED], [PROPOSED]), chat([ASKED], [DONE]))
    assert (trace.input, trace.output) == ("Refund order 7", "Done.")
    assert {origin.kind for origin in trace.origins.values()} == {"inferred"}


def test_input_and_output_that_are_nowhere_are_absent():
    assert {origin.kind for origin in trace_of({"a": 1}).origins.values()} == {"absent"}


def test_session_and_incident_come_from_any_span():
    trace = trace_of(
        {"a": 1}, {"gen_ai.conversation.id": "v1", "unrepeat.user.id": "u1", "unrepeat.incident.id": "INC-1"}
    )
    assert (trace.session.conversation_id, trace.session.user_id) == ("v1", "u1")
    assert trace.labels == {"incident_id": "INC-1"}


KEYS = sorted(
    {f"unrepeat.{section}.{name}" for section, kinds in FIELDS.items() for name in kinds}
    | {f"unrepeat.{name}" for name in ("boundary", "arguments", "result", "input", "output", "documents")}
    | {f"unrepeat.tool.{name}" for name in ("effect", "stage", "attempt")}
    | {f"gen_ai.{name}" for name in ("operation.name", "tool.name", "tool.call.arguments", "tool.definitions")}
    | {f"gen_ai.{name}" for name in ("input.messages", "output.messages", "system_instructions", "request.seed")}
    | {f"gen_ai.{name}" for name in ("retrieval.documents", "response.finish_reasons", "evaluation.name")}
)
WORDS = ["model", "tool", "retrieval", "approval", "user", "chat", "execute_tool", "[", "{}", '[{"role":3}]', '"x"']
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "parts", "id"]), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), anything, max_size=8), min_size=1, max_size=3))
def test_any_attributes_give_a_trace_that_can_be_stored(spans):
    trace = trace_of(*spans)
    assert msgspec.json.decode(msgspec.json.encode(trace), type=Trace) == trace
    assert [span.attributes for span in trace.spans if "/" not in span.span_id] == spans


def test_span_that_only_sums_up_tokens_is_no_model_call():
    span = trace_of({"agent_name": "qa", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3}).spans[0]
    assert span.view is None
