"""LangSmith runs, as the SDK sends them and as they are exported."""

import json

import pytest

from unrepeat.cases.errors import SourceError
from unrepeat.cases.readers import list_traces, read_traces
from unrepeat.cases.trace import ModelCall, Prompt, Retrieval, Session, ToolCall, text_of

from .files import only, rebuilt, write, write_lines

ROOT, STEP, LEAF = ("00000000-0000-0000-0000-00000000000" + digit for digit in "123")
ORDER = f"20250101T000000000000Z{ROOT}"


def run(run_type, run_id=ROOT, order=ORDER, **fields):
    times = {"start_time": "2025-01-01T00:00:00.000001", "end_time": "2025-01-01T00:00:01"}
    return (
        {"id": run_id, "trace_id": ROOT, "run_type": run_type, "name": run_type, "dotted_order": order} | times | fields
    )


def below(run_type, run_id=STEP, second=1, **fields):
    return run(run_type, run_id, f"{ORDER}.20250101T00000{second}000000Z{run_id}", parent_run_id=ROOT, **fields)


def lc(kind, **kwargs):
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


def call_of(tmp_path, **fields):
    trace = only(write(tmp_path, [run("llm", **fields)]))
    return trace, trace.spans[0].view


def test_langchains_model_call_is_read_with_messages_tools_and_tokens(tmp_path):
    call = {"name": "refund", "args": {"order": 7}, "id": "c1", "type": "tool_call"}
    answer = lc("AIMessage", content="", tool_calls=[call], usage_metadata={"input_tokens": 5})
    answer["kwargs"]["response_metadata"] = {"model_name": "gpt-x-1", "finish_reason": "tool_calls"}
    trace, view = call_of(
        tmp_path,
        inputs={"messages": [[lc("SystemMessage", content="Be kind."), lc("HumanMessage", content="Refund 7")]]},
        outputs={"generations": [[{"text": "", "generation_info": None, "message": answer}]], "llm_output": None},
        extra={
            "invocation_params": {"model": "gpt-x", "temperature": 0, "seed": 3, "tools": [{"type": "function"}]},
            "metadata": {"ls_provider": "openai"},
        },
    )
    assert [message.role for message in trace.inputs(view)] == ["system", "user"]
    assert trace.outputs(view)[0].parts == (
        {"type": "tool_call", "id": "c1", "name": "refund", "arguments": {"order": 7}},
    )
    assert (view.provider, view.request_model, view.response_model) == ("openai", "gpt-x", "gpt-x-1")
    assert (view.params, view.seed, view.tool_definitions) == ({"temperature": 0}, 3, ({"type": "function"},))
    assert (view.finish_reasons, view.usage) == (("tool_calls",), {"input_tokens": 5})


def test_a_wrapped_anthropic_client_keeps_its_system_prompt_apart(tmp_path):
    content = [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}},
    ]
    trace, view = call_of(
        tmp_path,
        inputs={
            "model": "claude-x",
            "system": "Be kind.",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hi"}],
        },
        outputs={
            "id": "m1",
            "role": "assistant",
            "content": content,
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 1},
        },
    )
    assert view.system_instructions == ({"type": "text", "content": "Be kind."},)
    assert [part["type"] for part in trace.outputs(view)[0].parts] == ["text", "tool_call"]
    assert (view.params, view.finish_reasons, view.usage) == ({"max_tokens": 9}, ("tool_use",), {"input_tokens": 1})
    assert trace.spans[0].attributes["langsmith.outputs"]["id"] == "m1"


def test_calls_that_langchain_repeats_beside_anthropics_content_are_one(tmp_path):
    block = {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}}
    call = {"name": "find", "args": {"q": 1}, "id": "t1", "type": "tool_call"}
    answer = {"content": [block], "type": "ai", "tool_calls": [call]}
    trace, view = call_of(tmp_path, inputs={"messages": []}, outputs={"output": answer})
    assert [part["id"] for part in trace.outputs(view)[0].parts] == ["t1"]


SAID = {"role": "assistant", "content": "Yes"}
BLOCK = {"type": "output_text", "text": "Yes"}


@pytest.mark.parametrize(
    "outputs",
    [
        {"generations": [[{"text": "Yes", "generation_info": {"finish_reason": "stop"}}]]},
        {"output": "Yes"},
        {"output": SAID, "usage_metadata": {}},
        {"choices": [{"message": SAID, "finish_reason": {"delta": {}, "finish_reason": "stop"}}]},
        {"object": "response", "output": [{"type": "message", "role": "assistant", "content": [BLOCK]}]},
    ],
    ids=["completion", "text", "message", "javascript stream", "responses"],
)
def test_an_answer_is_read_in_every_shape(tmp_path, outputs):
    trace, view = call_of(tmp_path, inputs={"prompts": ["Is it?"]}, outputs=outputs)
    assert [text_of(message) for message in trace.inputs(view)] == ["Is it?"]
    assert [text_of(message) for message in trace.outputs(view)] == ["Yes"]
    assert view.finish_reasons in ((), ("stop",))


def test_an_answer_that_is_no_message_is_kept_as_json(tmp_path):
    trace, view = call_of(tmp_path, inputs={"messages": []}, outputs={"score": 3})
    assert trace.outputs(view)[0].parts == ({"type": "json", "content": {"score": 3}},)


@pytest.mark.parametrize(
    ("inputs", "raw"),
    [
        ({"order": 7}, ""),
        ({"input": "{'order': 7}"}, "{'order': 7}"),
        ({"input": '{"order": 7}'}, '{"order": 7}'),
        ({"input": {"order": 7}}, ""),
    ],
)
def test_arguments_of_a_tool_are_read_from_objects_json_and_python(tmp_path, inputs, raw):
    tool = run("tool", name="refund", inputs=inputs, outputs={"output": "ok"})
    _, view = next(only(write(tmp_path, [tool])).views(ToolCall))
    assert (view.name, view.arguments, view.arguments_raw, view.result) == ("refund", {"order": 7}, raw, "ok")


def test_a_tool_message_gives_id_result_and_failure(tmp_path):
    message = {"type": "tool", "content": "no stock", "tool_call_id": "c1", "status": "error", "artifact": [1]}
    span, view = next(only(write(tmp_path, [run("tool", outputs={"output": message})])).views(ToolCall))
    assert (view.id, view.result, view.error) == ("c1", "no stock", "no stock")
    assert span.attributes["langsmith.outputs"]["output"]["artifact"] == [1]


def test_the_traceback_stays_beside_what_was_raised(tmp_path):
    error = "ValueError('limit')Traceback (most recent call last):\n  File ..."
    span, view = next(only(write(tmp_path, [run("tool", error=error)])).views(ToolCall))
    assert (span.status, span.error, view.error) == ("error", "ValueError('limit')", "ValueError('limit')")
    assert span.attributes["langsmith.error"] == error


def test_a_retriever_has_its_documents(tmp_path):
    document = {"page_content": "Old", "metadata": {"source": "a.md"}, "type": "Document"}
    retriever = run(
        "retriever", inputs={"query": "refunds"}, outputs={"documents": [document, lc("Document", page_content="New")]}
    )
    _, found = next(only(write(tmp_path, [retriever])).views(Retrieval))
    assert (found.query, [each.content for each in found.documents]) == ("refunds", ["Old", "New"])
    assert found.documents[0].metadata["source"] == "a.md"


def test_the_project_is_not_the_conversation(tmp_path):
    metadata = {"thread_id": "th1", "session_id": "s1", "user_id": "u1"}
    root = run("chain", session_id="project-1", extra={"metadata": metadata})
    assert only(write(tmp_path, [root])).session == Session(conversation_id="th1", user_id="u1")
    assert only(write(tmp_path, [run("chain", session_id="project-1")], name="b.json")).session is None


def test_parents_and_order_come_from_the_dotted_order(tmp_path):
    leaf = below("tool", LEAF, second=2)
    del leaf["parent_run_id"], leaf["trace_id"], leaf["id"]
    trace = only(write(tmp_path, {"runs": [leaf, below("llm"), run("chain")], "cursors": {}}))
    assert [(span.span_id, span.parent_id) for span in trace.spans] == [(ROOT, ""), (STEP, ROOT), (LEAF, ROOT)]


def test_nested_child_runs_are_read(tmp_path):
    child = {"id": STEP, "name": "find", "run_type": "tool", "inputs": {"q": 1}}
    trace = only(write(tmp_path, {"id": ROOT, "name": "desk", "run_type": "chain", "child_runs": [child]}))
    assert [(span.span_id, span.parent_id) for span in trace.spans] == [(ROOT, ""), (STEP, ROOT)]


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("2025-01-01T00:00:00.000001", 1_735_689_600_000_001_000),
        ("2025-01-01T01:00:00.000001+01:00", 1_735_689_600_000_001_000),
        (1_735_689_600_123, 1_735_689_600_123_000_000),
    ],
    ids=["exported, without zone", "with zone", "javascript"],
)
def test_times_are_kept_to_the_digit(tmp_path, value, ns):
    assert only(write(tmp_path, [run("chain", start_time=value)])).spans[0].start_ns == ns


def test_what_was_posted_and_patched_is_one_run(tmp_path):
    post = run("chain", inputs={"q": "Hi"}, outputs={}, extra={"metadata": {"user_id": "u1"}, "runtime": {"sdk": "py"}})
    del post["end_time"]
    patch = {"trace_id": ROOT, "dotted_order": ORDER, "end_time": "2025-01-01T00:00:09", "outputs": {"output": "Hello"},
             "inputs": None, "extra": {"metadata": {"thread_id": "t1"}}}  # fmt: skip
    path = write_lines(tmp_path, [{"post": [post], "patch": []}, {"patch": [patch]}])
    trace = only(path)
    (span,) = trace.spans
    assert (span.name, trace.input, trace.output) == ("chain", {"q": "Hi"}, "Hello")
    assert span.end_ns == 1_735_689_609_000_000_000
    assert trace.session == Session(conversation_id="t1", user_id="u1")
    assert span.resource == {"langsmith.runtime.sdk": "py"}
    assert rebuilt(trace) == path.read_bytes()


def test_the_prompt_of_the_hub_is_found_on_the_call_or_beside_it(tmp_path):
    hub = {"metadata": {"lc_hub_owner": "desk", "lc_hub_repo": "refunds", "lc_hub_commit_hash": "abc"}}
    runs = [run("chain"), below("prompt", STEP, extra=hub), below("llm", LEAF, second=2, inputs={"messages": []})]
    span, call = next(only(write(tmp_path, runs)).views(ModelCall))
    assert (call.prompt, span.origins["prompt"].kind) == (Prompt(name="desk/refunds", version="abc"), "inferred")
    span, call = next(only(write(tmp_path, [run("llm", extra=hub)], name="b.json")).views(ModelCall))
    assert (call.prompt.version, "prompt" in span.origins) == ("abc", False)


def test_the_system_prompt_of_an_agent_holds_for_the_calls_below_it(tmp_path):
    runs = [run("chain", name="claude", inputs={"prompt": "Hi", "system": "Be kind."}), below("llm")]
    span, call = next(only(write(tmp_path, runs)).views(ModelCall))
    assert call.system_instructions == ({"type": "text", "content": "Be kind."},)
    assert span.origins["system_instructions"].note == "input of the span claude"


def test_scattered_lines_are_gathered_by_trace(tmp_path):
    other = "00000000-0000-0000-0000-000000000009"
    second = {"id": other, "trace_id": other, "run_type": "chain", "name": "other"}
    path = write_lines(tmp_path, [below("tool"), second, run("chain")])
    assert [(each.trace_id, each.spans) for each in list_traces(path)] == [(other, 1), (ROOT, 2)]
    lines = path.read_bytes().splitlines(keepends=True)
    first, last = read_traces(path)
    assert (rebuilt(first), rebuilt(last)) == (lines[1], lines[0] + lines[2])
    assert [each.trace_id for each in read_traces(path, trace_ids=[ROOT])] == [ROOT]


def test_of_several_traces_in_a_document_each_keeps_its_own_runs(tmp_path):
    other = "00000000-0000-0000-0000-000000000009"
    second = {"id": other, "trace_id": other, "run_type": "chain", "name": "other"}
    path = write(tmp_path, {"runs": [run("chain"), second, below("tool")], "cursors": {"next": None}})
    traces = {trace.trace_id: json.loads(rebuilt(trace)) for trace in read_traces(path)}
    assert [each["name"] for each in traces[ROOT]["runs"]] == ["chain", "tool"]
    assert traces[other] == {"runs": [second], "cursors": {"next": None}}


def test_a_line_that_is_no_run_is_named(tmp_path):
    path = write_lines(tmp_path, [run("chain"), {"a": 1}])
    with pytest.raises(SourceError, match=r"run\.jsonl:2: expected runs with `run_type`.*got a"):
        list(read_traces(path))
    assert len(list(read_traces(path, skip_broken=True))) == 1


def test_everything_else_survives(tmp_path):
    span = only(write(tmp_path, [run("chain", feedback_stats={"ok": {"n": 1}}, reference_example_id="e1")])).spans[0]
    assert span.attributes["langsmith.feedback_stats"] == {"ok": {"n": 1}}
    assert span.attributes["langsmith.reference_example_id"] == "e1"
