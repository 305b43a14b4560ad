"""Langfuse exports."""

import json

import pytest

from unrepeat.cases.trace import Evaluation, ModelCall, Retrieval, Session, ToolCall, text_of

from .files import only, rebuilt, write


def observation(kind, **fields):
    return {
        "id": f"{kind.lower()}-1",
        "traceId": "t1",
        "type": kind,
        "name": kind.lower(),
        "startTime": "2025-08-22T09:38:57.088Z",
        "endTime": "2025-08-22T09:38:58.835123Z",
        "parentObservationId": None,
        "level": "DEFAULT",
        "statusMessage": None,
        "input": None,
        "output": None,
        "metadata": "{}",
    } | fields


def export(*observations, **trace):
    return {"trace": {"id": "t1", "name": "run", "scores": []} | trace, "observations": list(observations)}


def read(tmp_path, *observations, **trace):
    return only(write(tmp_path, export(*observations, **trace), indent=2))


def test_a_generation_is_a_model_call(tmp_path):
    generation = observation(
        "GENERATION",
        model="gpt-4o",
        modelParameters={"temperature": 0, "seed": 3},
        usageDetails={"input": 5},
        promptName="desk",
        promptVersion=2,
        input=json.dumps(json.dumps([{"role": "user", "content": "Hi"}])),
        output=json.dumps({"role": "assistant", "content": "Hello"}),
    )
    trace = read(tmp_path, generation)
    call = trace.spans[0].view
    assert (call.request_model, call.params["temperature"], call.seed, call.usage) == ("gpt-4o", 0, 3, {"input": 5})
    assert (call.prompt.name, call.prompt.version) == ("desk", "2")
    assert [text_of(message) for message in trace.messages] == ["Hi", "Hello"]


def test_times_are_kept_to_the_digit(tmp_path):
    span = read(tmp_path, observation("SPAN")).spans[0]
    assert (span.start_ns, span.end_ns) == (1_755_855_537_088_000_000, 1_755_855_538_835_123_000)


def test_attributes_in_the_metadata_are_the_spans_own(tmp_path):
    metadata = {"attributes": {"a": 1}, "resourceAttributes": {"service.name": "desk"}, "scope": {"name": "lib"}}
    span = read(tmp_path, observation("SPAN", metadata=json.dumps(metadata), version="4", input="x")).spans[0]
    assert span.attributes == {
        "a": 1,
        "langfuse.type": "SPAN",
        "langfuse.level": "DEFAULT",
        "langfuse.version": "4",
        "langfuse.input": "x",
    }
    assert span.resource == {"service.name": "desk", "otel.scope.name": "lib"}


@pytest.mark.parametrize(
    "tool",
    [
        observation("TOOL", name="refund", input='{"order": 7}', output="ok"),
        observation("TOOL", name="refund", input='{"input": {"order": 7}}', output="ok"),
        observation(
            "SPAN",
            name="x",
            metadata='{"attributes": {"openinference.span.kind": "TOOL", "tool.name": "refund"}}',
            input='{"order": 7}',
            output="ok",
        ),
        observation(
            "SPAN",
            name="refund",
            input='{"order": 7}',
            output='{"content": "ok", "tool_call_id": "c1", "type": "tool"}',
        ),
    ],
    ids=["tool", "langsmith", "openinference", "langchain"],
)
def test_a_tool_is_recognised_by_type_kind_or_output(tmp_path, tool):
    call = next(view for _, view in read(tmp_path, tool).views(ToolCall))
    assert (call.name, call.arguments, call.result) == ("refund", {"order": 7}, "ok")


def test_a_retriever_has_its_documents(tmp_path):
    retriever = observation("RETRIEVER", input="refunds", output='[{"page_content": "Old", "metadata": {"id": 1}}]')
    _, found = next(read(tmp_path, retriever).views(Retrieval))
    assert (found.query, found.documents[0].content, found.documents[0].metadata) == ("refunds", "Old", {"id": 1})


def test_an_error_is_kept(tmp_path):
    span = read(tmp_path, observation("TOOL", level="ERROR", statusMessage="no stock")).spans[0]
    assert (span.status, span.error, span.view.error) == ("error", "no stock", "no stock")


def test_scores_are_evaluations(tmp_path):
    score = {"id": "e1", "name": "toxicity", "value": 0, "source": "EVAL", "comment": "fine", "observationId": "span-1"}
    span, evaluation = next(read(tmp_path, observation("SPAN"), scores=[score]).views(Evaluation))
    assert evaluation == Evaluation(name="toxicity", value=0, explanation="fine", annotator_kind="machine")
    assert (span.parent_id, span.attributes) == ("span-1", {"langfuse.source": "EVAL"})


def test_session_input_and_output_come_from_the_trace(tmp_path):
    trace = read(tmp_path, observation("SPAN"), sessionId="v1", userId="u1", input='"{\\"q\\": 1}"', output="Hello")
    assert trace.session == Session(conversation_id="v1", user_id="u1")
    assert (trace.input, trace.output, trace.origins) == ({"q": 1}, "Hello", {})


def test_the_bytes_of_the_export_come_back(tmp_path):
    path = tmp_path / "run.json"
    text = json.dumps(export(observation("GENERATION", costDetails={"total": 0.5})), indent=2)
    path.write_text(text.replace("0.5", "0.00005"))
    assert rebuilt(only(path)) == path.read_bytes()
    assert [type(span.view) for span in only(path).spans] == [ModelCall]


def test_schemas_of_tools_among_the_messages_are_definitions(tmp_path):
    schema = {"type": "function", "function": {"name": "refund", "parameters": {}}}
    answer = {"role": "tool", "tool_call_id": "c1", "content": {"type": "function", "function": {"said": 1}}}
    messages = [{"role": "user", "content": "Hi"}, answer, {"role": "tool", "content": schema}]
    trace = read(tmp_path, observation("GENERATION", input=json.dumps(messages), output="Hello"))
    call = trace.spans[0].view
    assert [message.role for message in trace.inputs(call)] == ["user", "tool"]
    assert call.tool_definitions == (schema,)


def test_the_system_prompt_of_a_span_above_holds_for_the_calls_below_it(tmp_path):
    agent = observation("SPAN", name="claude", input='{"prompt": "Hi", "system": "Be kind."}')
    call = observation("GENERATION", parentObservationId="span-1", input='{"role": "user", "content": "Hi"}')
    span, view = next(read(tmp_path, agent, call).views(ModelCall))
    assert view.system_instructions == ({"type": "text", "content": "Be kind."},)
    assert span.origins["system_instructions"].note == "input of the span claude"


def test_a_call_with_its_own_system_prompt_keeps_that(tmp_path):
    agent = observation("SPAN", input='{"system": "Be kind."}')
    own = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    call = observation("GENERATION", parentObservationId="span-1", input=own)
    _, view = next(read(tmp_path, agent, call).views(ModelCall))
    assert view.system_instructions == ()


def test_arguments_that_python_printed_are_read(tmp_path):
    _, call = next(read(tmp_path, observation("TOOL", input="{'order': 7}")).views(ToolCall))
    assert (call.arguments, call.arguments_raw) == ({"order": 7}, "{'order': 7}")
