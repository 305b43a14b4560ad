"""Readers on published traces: nothing crashes, nothing is lost, counts agree with the raw JSON."""

import json
import os
import tarfile
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from unrepeat.cases.errors import SourceError
from unrepeat.cases.messages import to_message
from unrepeat.cases.original import rebuild
from unrepeat.cases.readers import ReadOptions, SourceFile, SourceRecord, agentdojo, list_traces, read_traces
from unrepeat.cases.strict_json import parse
from unrepeat.cases.trace import Evaluation, ModelCall, ToolCall, Trace, UserTurn, text_of, tool_calls_of

CORPORA = Path(os.environ.get("UNREPEAT_CORPORA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="corpora not available"),
]


def files(pattern):
    found = sorted(CORPORA.glob(pattern)) if CORPORA.is_dir() else []
    return [pytest.param(path, id=path.name) for path in found]


def counts(trace):
    """Return what can be counted in the raw messages too."""
    return {
        "model calls": sum(1 for _ in trace.views(ModelCall)),
        "tool results": sum(1 for _ in trace.views(ToolCall)),
        "proposed calls": sum(
            len(tool_calls_of(message)) for _, call in trace.views(ModelCall) for message in trace.outputs(call)
        ),
    }


def raw_counts(messages):
    """Count the same in the source, knowing nothing of the readers."""
    return {
        "model calls": sum(1 for message in messages if message["role"] == "assistant"),
        "tool results": sum(1 for message in messages if message["role"] == "tool"),
        "proposed calls": sum(len(message.get("tool_calls") or ()) for message in messages),
    }


def rebuilt(trace):
    """Return the bytes that a trace was read from."""
    assert trace.original is not None
    return rebuild(trace.original)


def only(path):
    """Return the one trace of a file."""
    (trace,) = read_traces(path)
    return trace


def outputs(trace, span_id):
    """Return what the model call with this id answered."""
    return trace.outputs(trace.span(span_id).view)


def stored(trace):
    """Return a trace as it comes back from trace.json."""
    return msgspec.json.decode(msgspec.json.encode(trace), type=Trace)


def agentdojo_runs():
    """Yield name and bytes of all runs out of the archive."""
    with tarfile.open(CORPORA / "agentdojo" / "runs.tar.xz", "r|xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield Path(member.name), file.read()


def agentdojo_trace(path, data):
    value = parse(data, where=path.name, strict=True)
    source = SourceFile(path, len(data), "document", value, ReadOptions())
    source.__dict__["sha256"] = "0" * 64  # there is no file to take it of
    return value, agentdojo.build(source, SourceRecord(value, data, path.name))


@pytest.mark.slow
def test_all_agentdojo_runs_are_read_without_loss():
    names = set()
    for path, data in agentdojo_runs():
        run, trace = agentdojo_trace(path, data)
        names.add(trace.trace_id)
        assert rebuilt(trace) == data, path
        assert trace.original.layout["kind"] == "json", path
        assert counts(trace) == raw_counts(run["messages"]), path
        assert trace.labels.keys() | {"messages"} == run.keys(), path
        errors = Counter(message["error"] for message in run["messages"] if message.get("error"))
        assert Counter(call.error for _, call in trace.views(ToolCall) if call.error) == errors, path
    assert len(names) == 13_576


@pytest.mark.parametrize("path", files("agentdojo/slice/**/*.json")[::8])
def test_agentdojo_calls_are_what_the_file_says(path):
    (trace,) = read_traces(path)
    raw = [message for message in json.loads(path.read_bytes())["messages"] if message["role"] == "tool"]
    calls = [call for _, call in trace.views(ToolCall)]
    assert [(call.name, call.arguments) for call in calls] == [
        (message["tool_call"]["function"], message["tool_call"]["args"]) for message in raw
    ]
    assert [call.result_raw or call.result for call in calls] == [message["content"] for message in raw]


@pytest.mark.parametrize("path", files("tau_bench/agentrx/data/tau_retail/*.json"))
def test_tau_bench_records_are_read_without_loss(path):
    data, records = path.read_bytes(), json.loads(path.read_bytes())
    traces = list(read_traces(path))
    assert len(traces) == len(records)
    position = 0
    for trace, record in zip(traces, records, strict=True):
        position = data.index(rebuilt(stored(trace)), position)
        assert json.loads(rebuilt(trace)) == record
        assert counts(trace) == raw_counts(record["traj"])
        assert trace.labels.keys() | {"traj"} == record.keys()
        assert sum(1 for _ in trace.views(UserTurn)) == sum(
            1 for message in record["traj"][2:] if message["role"] == "user"
        )


def test_tau_bench_results_are_tied_to_the_call_that_asked():
    path = CORPORA / "tau_bench" / "agentrx" / "data" / "tau_retail" / "tau_dataset_full.json"
    for trace in read_traces(path):
        for span, call in trace.views(ToolCall):
            proposals = [
                part
                for message in outputs(trace, span.parent_id)
                for part in tool_calls_of(message)
                if part["id"] == call.id
            ]
            assert (call.name, call.arguments) in [(part["name"], part["arguments"]) for part in proposals]


def test_all_whoandwhen_runs_are_read_without_loss():
    paths = sorted((CORPORA / "whoandwhen").glob("**/*.json"))
    assert len(paths) == 126
    for path in paths:
        (trace,) = read_traces(path)
        run = json.loads(path.read_bytes())
        assert rebuilt(stored(trace)) == path.read_bytes()
        assert len(trace.spans) == len(run["history"])
        assert trace.input == run["question"]
        said = {text_of(message) for message in trace.messages}
        assert said == {entry["content"] for entry in run["history"]}


@pytest.mark.parametrize("path", files("trace_formats/langfuse/*.json"))
def test_langfuse_exports_are_read_without_loss(path):
    (trace,) = read_traces(path)
    raw = json.loads(path.read_bytes())
    assert rebuilt(stored(trace)) == path.read_bytes()
    assert stored(trace) == trace
    kinds = Counter(observation["type"] for observation in raw["observations"])
    assert sum(1 for _ in trace.views(ModelCall)) >= kinds["GENERATION"]
    assert sum(1 for _ in trace.views(ToolCall)) >= kinds["TOOL"]
    assert sum(1 for _ in trace.views(Evaluation)) == len(raw["trace"]["scores"])


@pytest.mark.parametrize("path", files("trace_formats/langfuse/*.json"))
def test_every_langfuse_field_is_somewhere_in_the_span(path):
    (trace,) = read_traces(path)
    for observation in json.loads(path.read_bytes())["observations"]:
        span = trace.span(observation["id"])
        placed = {"id", "traceId", "parentObservationId", "name", "startTime", "endTime", "metadata"}
        placed |= {"input", "output"} if span.view is not None else set()
        told = {key for key, value in observation.items() if value not in (None, "", {}, [])} - placed
        assert {f"langfuse.{key}" for key in told} <= set(span.attributes)
        metadata = json.loads(observation["metadata"])
        assert set(metadata.get("attributes", {})) <= set(span.attributes)
        assert set(metadata.get("resourceAttributes", {})) <= set(span.resource)


LANGSMITH = {
    # model asked for, model that answered, parameters, start of the answer, tokens, length in ns; read off the files
    "js_wrap_openai_default": ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", {}, "Howdy! How", (9, 9), 1_115_000_000),
    "js_wrap_openai_reasoning": ("o1-mini", "o1-mini-2024-09-12", {}, "Certainly! Below", (43, 1901), 10_439_000_000),
    "js_wrap_openai_stream_no usage": (
        *("gpt-4o-mini", "gpt-4o-mini-2024-07-18", {"stream": True}, "Howdy! How", None, 493_000_000),
    ),
    "py_wrap_openai_": (
        *("gpt-4o-mini", "gpt-4o-mini-2024-07-18", {"stream": False}, "Howdy! How", (9, 9), 1_118_333_000),
    ),
    "py_wrap_openai_stream": (
        *("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        *({"stream": True, "stream_options": {"include_usage": True}}, "Howdy! How", (9, 9), 1_328_441_000),
    ),
    "py_wrap_openai_stream_no_usage": (
        *("gpt-4o-mini", "gpt-4o-mini-2024-07-18", {"stream": True}, "Howdy! How", None, 927_004_000),
    ),
}


@pytest.mark.parametrize("name", sorted(LANGSMITH))
def test_langsmith_bodies_are_what_the_file_says(name):
    path = CORPORA / "trace_formats" / "langsmith" / f"langsmith_{name}.json"
    trace = only(path)
    asked, answered, params, start, tokens, length_ns = LANGSMITH[name]
    (span,), raw = trace.spans, json.loads(path.read_bytes())
    call = span.view
    counted = (call.usage["input_tokens"], call.usage["output_tokens"]) if call.usage else None
    assert (call.request_model, call.response_model, call.params, counted) == (asked, answered, params, tokens)
    assert (call.provider, call.finish_reasons, span.end_ns - span.start_ns) == ("openai", ("stop",), length_ns)
    assert trace.input == raw["post"][0]["inputs"]["messages"][0]["content"]
    assert trace.output.startswith(start)
    assert len(span.events) == len(raw["patch"][0].get("events", []))
    assert rebuilt(stored(trace)) == path.read_bytes()


def test_openinference_bare_spans_are_what_the_file_says():
    for name in ("tool_calls", "input_output_only"):
        path = CORPORA / "trace_formats" / "openinference" / f"openinference_client_span_{name}.json"
        trace = only(path)
        call, raw = trace.spans[0].view, json.loads(path.read_bytes())
        assert [message.role for message in trace.inputs(call)] == ["user", "assistant", "tool"]
        assert tool_calls_of(trace.inputs(call)[1]) == [
            {"type": "tool_call", "id": "1234", "name": "get_weather", "arguments": {"location": "Paris"}}
        ]
        assert trace.inputs(call)[2].parts[0]["response"] == "rainy, 57°F"
        assert trace.output == "The weather in Paris is currently rainy with a temperature of 57°F."
        assert (call.request_model, call.response_model, call.usage["total"]) == ("gpt-4", "gpt-4-0613", 149)
        assert call.params == {"temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 200}
        assert (trace.spans[0].attributes, rebuilt(stored(trace))) == (raw, path.read_bytes())


def test_openinference_nested_export_is_what_the_file_says():
    path = CORPORA / "trace_formats" / "openinference" / "0035f455b3ff2295167a844f04d85d34.json"
    trace = only(path)
    raw, above = {}, [(span, None) for span in json.loads(path.read_bytes())["spans"]]
    while above:
        span, parent = above.pop()
        raw[span["span_id"]] = (span, parent)
        above += [(child, span["span_id"]) for child in span["child_spans"]]
    assert {span.span_id for span in trace.spans} == set(raw)
    for span in trace.spans:
        source, parent = raw[span.span_id]
        assert source["span_attributes"].items() <= span.attributes.items()
        assert (span.name, span.parent_id or None) == (source["span_name"], parent)
    calls = [call for _, call in trace.views(ModelCall)]
    assert [len(call.input) for call in calls] == [1, 1, 4, 6]
    assert [call.usage["total"] for call in calls] == [1772, 2307, 7160, 1983]
    assert {(call.request_model, call.params["max_completion_tokens"]) for call in calls} == {("o3-mini", 8192)}
    assert [(call.name, call.arguments) for _, call in trace.views(ToolCall)] == [("final_answer", {"answer": "33149"})]
    assert trace.output == "FINAL ANSWER: 33149"
    assert trace.input["task"].startswith("You have one question to answer.")
    assert rebuilt(stored(trace)) == path.read_bytes()


def otlp_spans(path):
    for line in path.read_text().splitlines() if path.name == "test-traces.json" else [path.read_text()]:
        for resource_spans in json.loads(line)["resourceSpans"]:
            for scope_spans in resource_spans["scopeSpans"]:
                for span in scope_spans["spans"]:
                    yield resource_spans, span


OTLP = ("trace", "test-traces", "claude_code", "cursor", "raw_otlp_advanced", "provenance")


@pytest.mark.parametrize("name", OTLP)
@pytest.mark.parametrize("keep_original", [True, False])
def test_every_otlp_attribute_is_kept(name, keep_original):
    path = CORPORA / "trace_formats" / "otlp_json" / f"{name}.json"
    traces = {trace.trace_id: trace for trace in read_traces(path, keep_original=keep_original)}
    for resource_spans, raw in otlp_spans(path):
        span = traces[raw["traceId"]].span(raw["spanId"])
        assert set(span.attributes) == {pair["key"] for pair in raw["attributes"]}
        assert {pair["key"] for pair in resource_spans["resource"]["attributes"]} <= set(span.resource)
        assert (str(span.start_ns), str(span.end_ns)) == (raw["startTimeUnixNano"], raw["endTimeUnixNano"])


@pytest.mark.parametrize("name", OTLP)
def test_otlp_files_come_back_byte_by_byte(name):
    path = CORPORA / "trace_formats" / "otlp_json" / f"{name}.json"
    assert b"".join(rebuilt(stored(trace)) for trace in read_traces(path)) == path.read_bytes()


@pytest.mark.parametrize("name", ["logs", "events"])
def test_otlp_without_spans_is_refused_by_name(name):
    path = CORPORA / "trace_formats" / "otlp_json" / f"{name}.json"
    with pytest.raises(SourceError, match=f"{name}.json: .*resourceLogs"):
        list(read_traces(path))


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("otel_genai_client_span_tool_calls", ModelCall),
        ("otel_genai_tool_execution_span", ToolCall),
        ("gemini-B.llm_call", ModelCall),
        ("codex-B.session_task_turn", type(None)),
    ],
)
def test_bare_genai_attributes_are_read_without_loss(name, view):
    path = CORPORA / "trace_formats" / "otel_genai" / f"{name}.json"
    (trace,) = read_traces(path)
    raw = json.loads(path.read_bytes())
    assert rebuilt(stored(trace)) == path.read_bytes()
    assert isinstance(trace.spans[0].view, view)
    assert set(raw.get("attributes", raw)) <= set(trace.spans[0].attributes)


@pytest.mark.parametrize("name", ["github_issue.traj.json", "swe-agent__test-repo-i1.traj", "with_annotations.jsonl"])
def test_other_agents_logs_are_read_without_loss(name):
    path = CORPORA / "trace_formats" / "other_agent_logs" / name
    for trace in read_traces(path):
        assert rebuilt(stored(trace)) in path.read_bytes()


def test_every_file_is_listed_or_refused_by_name():
    listed, refused = 0, {}
    for path in sorted(CORPORA.glob("**/*")):
        if not path.is_file() or path.suffix == ".xz":
            continue
        try:
            listed += len(list(list_traces(path)))
        except SourceError as error:
            refused[path] = str(error)
    assert listed > 400
    assert [path for path, message in refused.items() if path.name not in message] == []


def test_messages_read_the_same_twice():
    path = CORPORA / "tau_bench" / "agentrx" / "data" / "tau_retail" / "tau_dataset_full.json"
    for trace in read_traces(path):
        for message in trace.messages:
            again = to_message({"role": message.role, "parts": list(message.parts), "name": message.name})
            assert [each.parts for each in again] == [message.parts]
