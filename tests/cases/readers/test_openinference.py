"""OpenInference attributes: bare, on OTLP spans, and in exports of spans."""

import json
from typing import Any

import pytest

from unrepeat.cases.readers import read_traces
from unrepeat.cases.trace import Evaluation, Guardrail, ModelCall, Retrieval, Session, ToolCall, text_of

from .files import only, otlp, otlp_span, rebuilt, write, write_lines

KIND = "openinference.span.kind"
MESSAGES = {
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.content": "Refund 7",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "refund",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"order": 7}',
}
REFUND = {"type": "tool_call", "id": "c1", "name": "refund", "arguments": {"order": 7}}


def view_of(tmp_path, attributes, **fields):
    return only(write(tmp_path, otlp(otlp_span(attributes=attributes, **fields)))).spans[0]


def tool(tmp_path, **attributes):
    return view_of(tmp_path, {KIND: "TOOL"} | {key.replace("__", "."): value for key, value in attributes.items()})


def test_a_model_call_on_an_otlp_span(tmp_path):
    attributes = MESSAGES | {
        KIND: "LLM",
        "llm.provider": "openai",
        "llm.model_name": "gpt-x-0613",
        "llm.invocation_parameters": '{"model": "gpt-x", "temperature": 0.5, "seed": 3}',
        "llm.tools.0.tool.json_schema": '{"type": "function"}',
        "llm.token_count.prompt": 5,
        "llm.token_count.prompt_details.cache_read": 2,
        "llm.prompt_template.version": "4",
        "llm.prompt_template.template": "Be {mood}",
        "session.id": "s1",
        "user.id": "u1",
    }
    trace = only(write(tmp_path, otlp(otlp_span(attributes=attributes))))
    call = trace.spans[0].view
    assert (call.provider, call.request_model, call.response_model) == ("openai", "gpt-x", "gpt-x-0613")
    assert (call.params, call.seed, call.tool_definitions) == ({"temperature": 0.5}, 3, ({"type": "function"},))
    assert call.usage == {"prompt": 5, "prompt_details": {"cache_read": 2}}
    assert (call.prompt.version, len(call.prompt.sha256)) == ("4", 64)
    assert (text_of(trace.inputs(call)[0]), trace.outputs(call)[0].parts) == ("Refund 7", (REFUND,))
    assert trace.session == Session(conversation_id="s1", user_id="u1")
    assert set(attributes) == set(trace.spans[0].attributes)


def test_contents_are_parts(tmp_path):
    at = "llm.input_messages.0.message.contents"
    attributes = {
        KIND: "LLM",
        f"{at}.0.message_content.type": "text",
        f"{at}.0.message_content.text": "What is it?",
        f"{at}.1.message_content.type": "image",
        f"{at}.1.message_content.image.image.url": "data:x",
    }
    trace = only(write(tmp_path, otlp(otlp_span(attributes=attributes))))
    assert [part["type"] for part in trace.messages[0].parts] == ["text", "uri"]
    assert trace.messages[0].parts[1]["uri"] == "data:x"


def test_messages_from_the_tenth_on_keep_their_order(tmp_path):
    attributes = {f"llm.input_messages.{n}.message.content": str(n) for n in range(12)}
    trace = only(write(tmp_path, otlp(otlp_span(attributes={KIND: "LLM"} | attributes))))
    assert [text_of(message) for message in trace.messages] == [str(n) for n in range(12)]


def test_plain_values_stand_in_for_messages_and_say_so(tmp_path):
    given = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "model": "m"})
    attributes = {KIND: "LLM", "input.value": given, "output.value": "Hello"}
    trace = only(write(tmp_path, otlp(otlp_span(attributes=attributes))))
    assert [(each.role, text_of(each)) for each in trace.messages] == [("user", "Hi"), ("assistant", "Hello")]
    assert trace.spans[0].origins["input"].note == "input.value"


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ('{"order": 7}', {"order": 7}),
        ("{'order': 7}", {"order": 7}),
        ('{"args": [], "kwargs": {"order": 7}}', {"order": 7}),
        ('{"args": [7], "sanitize_inputs_outputs": false, "kwargs": {}}', {"order": 7}),
        ('{"args": [7, 8], "kwargs": {}}', {"args": [7, 8], "kwargs": {}}),
        ("7", "7"),
    ],
    ids=["json", "python", "keywords", "positional", "too many", "text"],
)
def test_arguments_of_a_tool_are_by_name_where_that_can_be_known(tmp_path, given, arguments):
    schema = '{"order": {"type": "integer"}}'
    span = tool(tmp_path, tool__name="refund", tool__parameters=schema, input__value=given, output__value="ok")
    assert (span.view.name, span.view.arguments, span.view.result) == ("refund", arguments, "ok")
    assert ("arguments" in span.origins) == ("[7]" in given)


def test_a_langchain_tool_message_gives_id_and_result(tmp_path):
    output = json.dumps({"output": {"content": "ok", "type": "tool", "tool_call_id": "c1", "status": "success"}})
    call = tool(tmp_path, tool__name="refund", output__value=output, output__mime_type="application/json").view
    assert (call.id, call.result, call.error) == ("c1", "ok", "")


def test_a_failed_tool_has_the_error_of_its_span(tmp_path):
    status = {"code": 2, "message": "no stock"}
    span = view_of(tmp_path, {KIND: "TOOL", "tool.name": "refund"}, status=status)
    assert isinstance(span.view, ToolCall)
    assert span.view.error == "no stock"


def test_a_retriever_has_its_documents_in_order(tmp_path):
    attributes: dict[str, Any] = {KIND: "RETRIEVER", "input.value": "refunds"}
    for n, text in enumerate(["Old", "New"]):
        at = f"retrieval.documents.{n}.document"
        attributes |= {f"{at}.content": text, f"{at}.id": f"d{n}", f"{at}.score": 0.5, f"{at}.metadata": '{"page": 4}'}
    found = view_of(tmp_path, attributes).view
    assert isinstance(found, Retrieval)
    assert (found.query, [(each.id, each.content) for each in found.documents]) == (
        "refunds",
        [("d0", "Old"), ("d1", "New")],
    )
    assert (found.documents[0].score, found.documents[0].metadata) == (0.5, {"page": 4})


def test_a_reranker_shows_what_it_put_out(tmp_path):
    attributes = {
        KIND: "RERANKER",
        "reranker.query": "refunds",
        "reranker.input_documents.0.document.id": "d0",
        "reranker.output_documents.0.document.id": "d1",
        "reranker.output_documents.0.document.score": "0.9",
    }
    span = view_of(tmp_path, attributes)
    assert (span.view.query, span.view.documents[0].id, span.view.documents[0].score) == ("refunds", "d1", 0.9)
    assert span.origins["view"].kind == "inferred"


def test_guardrails_and_evaluators_have_views(tmp_path):
    output = '{"verdict": "block", "action": "stop"}'
    guard = view_of(tmp_path, {KIND: "GUARDRAIL", "output.value": output}, name="pii").view
    assert guard == Guardrail(name="pii", verdict="block", action="stop", findings=(json.loads(output),))
    output = '{"score": 0.5, "label": "poor", "explanation": "vague"}'
    score = view_of(tmp_path, {KIND: "EVALUATOR", "output.value": output}, name="tone").view
    assert score == Evaluation(name="tone", value=0.5, label="poor", explanation="vague", annotator_kind="machine")


def test_genai_content_counts_where_a_span_speaks_both(tmp_path):
    both = {KIND: "TOOL", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund",
            "gen_ai.tool.call.arguments": '{"order": 7}', "input.value": "other"}  # fmt: skip
    assert view_of(tmp_path, both).view.arguments == {"order": 7}
    named = {
        KIND: "TOOL",
        "gen_ai.operation.name": "execute_tool",
        "tool.name": "refund",
        "input.value": '{"order": 7}',
    }
    assert view_of(tmp_path, named).view.arguments == {"order": 7}


def test_the_outermost_agent_says_what_went_in_and_came_out(tmp_path):
    agent = {KIND: "AGENT", "input.value": '{"q": "Hi"}', "output.value": "Bye"}
    spans = [otlp_span(attributes=agent), otlp_span(span="b", parentSpanId="a", attributes={KIND: "LLM"} | MESSAGES)]
    trace = only(write(tmp_path, otlp(*spans)))
    assert (trace.input, trace.output, trace.origins["input"].kind) == ({"q": "Hi"}, "Bye", "inferred")


def phoenix(span="b", parent="a", **attributes):
    return {
        "id": "U3Bhbjox",
        "name": "step",
        "context": {"trace_id": "t1", "span_id": span},
        "span_kind": "LLM",
        "parent_id": parent,
        "start_time": "2025-01-01T00:00:00.000001+00:00",
        "end_time": "2025-01-01T00:00:01+00:00",
        "status_code": "ERROR",
        "status_message": "rate limit",
        "attributes": attributes,
        "events": [
            {"name": "exception", "timestamp": "2025-01-01T00:00:01+00:00", "attributes": {"exception.type": "E"}}
        ],
    }


def test_a_page_of_phoenix_spans(tmp_path):
    path = write(tmp_path, {"data": [phoenix(**MESSAGES, **{KIND: "LLM"})], "next_cursor": None}, indent=2)
    trace = only(path)
    (span,) = trace.spans
    assert (trace.trace_id, span.span_id, span.parent_id, span.status, span.error) == (
        "t1",
        "b",
        "a",
        "error",
        "rate limit",
    )
    assert (span.end_ns - span.start_ns, span.events[0]["attributes"]) == (999_999_000, {"exception.type": "E"})
    assert trace.outputs(span.view)[0].parts == (REFUND,)
    assert span.attributes["span.id"] == "U3Bhbjox"
    assert rebuilt(trace) == path.read_bytes()


def test_nested_attributes_of_a_table_are_read(tmp_path):
    call = {"tool_call.id": "c1", "tool_call.function.name": "refund", "tool_call.function.arguments": '{"order": 7}'}
    row = {
        "name": "step",
        "span_kind": "LLM",
        "context.trace_id": "t1",
        "context.span_id": "b",
        "parent_id": None,
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "Refund 7"}],
        "attributes.llm.output_messages": [{"message.role": "assistant", "message.tool_calls": [call]}],
    }
    trace = only(write_lines(tmp_path, [row, row | {"context.span_id": "c"}]))
    assert [type(span.view) for span in trace.spans] == [ModelCall, ModelCall]
    assert trace.outputs(trace.spans[0].view)[0].parts == (REFUND,)


def test_nested_child_spans_are_read(tmp_path):
    child = {"span_id": "b", "span_name": "find", "timestamp": "2025-01-01T00:00:01Z", "duration": "PT1M1.5S",
             "status_code": "Ok", "span_attributes": {KIND: "TOOL", "tool.name": "find"}}  # fmt: skip
    root = child | {"span_id": "a", "span_name": "main", "timestamp": "2025-01-01T00:00:00Z", "child_spans": [child],
                    "span_attributes": {}, "logs": [{"body": 1}], "scope_name": "lib"}  # fmt: skip
    path = write(tmp_path, {"trace_id": "t1", "spans": [root]})
    trace = only(path)
    assert [(span.name, span.parent_id) for span in trace.spans] == [("main", ""), ("find", "a")]
    assert trace.spans[1].end_ns - trace.spans[1].start_ns == 61_500_000_000
    assert trace.spans[0].attributes["span.logs"] == [{"body": 1}]
    assert trace.spans[0].resource == {"otel.scope.name": "lib"}
    assert rebuilt(trace) == path.read_bytes()


def test_spans_of_the_opentelemetry_sdk_are_gathered_by_trace(tmp_path):
    def span(trace, name, **attributes):
        return {
            "name": name,
            "context": {"trace_id": f"0x{trace}", "span_id": f"0x{name}"},
            "parent_id": None,
            "status": {"status_code": "UNSET"},
            "attributes": attributes,
            "resource": {"attributes": {"service.name": "desk"}},
        }

    path = write_lines(tmp_path, [span("t1", "a", **{KIND: "CHAIN"}), span("t2", "b"), span("t1", "c")])
    traces = list(read_traces(path))
    assert [(trace.trace_id, [each.name for each in trace.spans]) for trace in traces] == [
        ("t2", ["b"]),
        ("t1", ["a", "c"]),
    ]
    assert traces[0].spans[0].resource == {"service.name": "desk"}


def test_bare_attributes_are_one_span(tmp_path):
    path = write(tmp_path, {KIND: "LLM", "llm.model_name": "m"} | MESSAGES)
    trace = only(path)
    assert (trace.spans[0].name, trace.source.format) == ("LLM m", "otel-genai")
    assert (trace.outputs(trace.spans[0].view)[0].parts, rebuilt(trace)) == ((REFUND,), path.read_bytes())
