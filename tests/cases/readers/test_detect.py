"""Recognising formats by content, and what is refused."""

import contextlib
import gzip
import json

import pytest

from unrepeat.cases.errors import SourceError
from unrepeat.cases.readers import READERS, list_traces, read_traces
from unrepeat.cases.strict_json import Limits

from .files import CHAT, only, otlp, otlp_span, write, write_lines

SAMPLES = {
    "otlp-json": otlp(otlp_span()),
    "langfuse": {"trace": {"id": "t"}, "observations": []},
    "langsmith": {"id": "r", "trace_id": "r", "run_type": "chain"},
    "openinference": {"trace_id": "t", "span_id": "s", "attributes": {"openinference.span.kind": "LLM"}},
    "agentdojo": {"suite_name": "s", "user_task_id": "u", "messages": CHAT},
    "tau-bench": [{"task_id": 1, "traj": CHAT}],
    "whoandwhen": {"question_ID": "q", "history": [{"role": "user", "name": "A", "content": "x"}]},
    "otel-genai": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
    "chat": {"messages": CHAT},
}


def test_every_reader_has_a_sample():
    assert set(SAMPLES) == {reader.name for reader in READERS}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_format_is_recognised_by_its_content(tmp_path, name):
    assert only(write(tmp_path, SAMPLES[name], name="anything.bin")).source.format == name


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"tau-bench"}))
def test_a_format_is_recognised_on_lines(tmp_path, name):
    path = write_lines(tmp_path, [SAMPLES[name]] * 2)
    assert {trace.source.format for trace in read_traces(path)} == {name}


@pytest.mark.parametrize("value", [{"a": 1}, [], {}, [1, 2], 7, "text", [[]], {"resourceLogs": []}])
def test_an_unknown_format_is_refused_with_what_was_looked_for(tmp_path, value):
    with pytest.raises(SourceError) as caught:
        list(read_traces(write(tmp_path, value)))
    assert "run.json: expected a trace in a known format" in str(caught.value)
    assert all(reader.name in str(caught.value) for reader in READERS)


def test_a_format_can_be_forced(tmp_path):
    path = write(tmp_path, SAMPLES["agentdojo"])
    assert only(path, format="chat").source.format == "chat"


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("value", [{"a": 1}, [1], 7, None, {"trace": 1, "observations": 2}, [{"traj": 1}]])
def test_a_forced_format_that_does_not_fit_is_refused(tmp_path, name, value):
    path = write(tmp_path, value)
    with contextlib.suppress(SourceError):  # anything else would be a crash
        traces = list(read_traces(path, format=name))
        assert traces == [] or name in ("otel-genai", "chat")


def test_an_unknown_format_name_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(SourceError, match="out of agentdojo, chat"):
        list(read_traces(write(tmp_path, CHAT), format="nope"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "got nothing"),
        (b'{"messages": [{"role"', "truncated"),
        (json.dumps(CHAT).encode("utf-16"), "UTF-16"),
        (gzip.compress(json.dumps(CHAT).encode(), mtime=0), "gzip"),
        (bytes(range(256)), "binary|UTF-8"),
        (b'{"messages": ' + b"[" * 4000 + b"]" * 4000 + b"}", "200 levels"),
        (b'{"messages": [], "messages": []}', "'messages' twice"),
        (b'{"messages": [{"role": "user", "content": NaN}]}', "NaN"),
    ],
    ids=["empty", "truncated", "utf-16", "gzip", "binary", "deep", "duplicate", "nan"],
)
@pytest.mark.parametrize("name", ["run.json", "run.jsonl"])
def test_what_is_no_json_is_refused_with_its_place(tmp_path, data, reason, name):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError, match=rf"{name}[:#].*({reason})"):
        list(read_traces(path))


def test_a_file_over_the_limit_is_refused(tmp_path):
    path = write(tmp_path, {"messages": CHAT})
    with pytest.raises(SourceError, match="at most 100 bytes"):
        list(read_traces(path, limits=Limits(document_bytes=100)))


def test_a_line_over_the_limit_is_refused_with_its_number(tmp_path):
    path = write_lines(tmp_path, [{"messages": CHAT[:1]}, {"messages": CHAT * 10}])
    with pytest.raises(SourceError, match=r"run\.jsonl:2: expected at most 500 bytes"):
        list(read_traces(path, limits=Limits(document_bytes=500)))


@pytest.mark.parametrize("name", ["absent.json", ""])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(SourceError, match="expected a file"):
        list(read_traces(tmp_path / name))


def test_every_trace_says_where_it_was_read(tmp_path):
    path = write(tmp_path, {"messages": CHAT})
    source = only(path).source
    assert (source.file, len(source.sha256)) == ("run.json", 64)


def test_broken_lines_are_named_unless_skipped(tmp_path):
    path = write_lines(tmp_path, [{"messages": CHAT}, b'{"messages": [', {"messages": CHAT}, {"no": 1}])
    with pytest.raises(SourceError, match=r"run\.jsonl:2:"):
        list(read_traces(path))
    broken: list[SourceError] = []
    assert len(list(read_traces(path, skip_broken=True, broken=broken))) == 2
    assert [error.where.split(":")[1] for error in broken] == ["2", "4"]


def test_a_broken_first_line_does_not_hide_the_others(tmp_path):
    path = write_lines(tmp_path, [b'{"messages": [', {"messages": CHAT}])
    assert len(list(read_traces(path, skip_broken=True))) == 1


def test_skipped_lines_are_logged(tmp_path, caplog):
    path = write_lines(tmp_path, [{"messages": CHAT}, b"{"])
    list(read_traces(path, skip_broken=True))
    assert "run.jsonl:2" in caplog.text


def test_redaction_is_applied_before_anything_is_built(tmp_path):
    def redact(value):
        return json.loads(json.dumps(value).replace("Refund order 7", "REDACTED"))

    trace = only(write(tmp_path, {"messages": CHAT}), transform=redact)
    assert trace.input == "REDACTED"
    assert "Refund order 7" not in str(trace)


def test_a_list_of_traces_names_what_to_choose_by(tmp_path):
    path = write_lines(tmp_path, [{"messages": [*CHAT[:3], CHAT[3] | {"error": "no"}]}, {"messages": CHAT[1:2]}])
    first, second = list_traces(path)
    assert (first.trace_id, first.title, first.spans, first.errors) == ("run-1", "Refund order 7", 2, 1)
    assert (first.tools, second.tools) == (("refund",), ())


def test_a_title_is_one_short_line(tmp_path):
    path = write(tmp_path, [{"role": "user", "content": "line\n" * 100}])
    (summary,) = list_traces(path)
    assert len(summary.title) == 80
    assert "\n" not in summary.title
