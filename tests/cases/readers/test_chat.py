"""Chat transcripts in files."""

import pytest

from unrepeat.cases.errors import SourceError
from unrepeat.cases.readers import read_traces

from .files import CHAT, only, rebuilt, write, write_lines


@pytest.mark.parametrize("value", [CHAT, {"messages": CHAT}, {"id": "x", "history": CHAT}], ids=["bare", "m", "h"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_transcript_is_read_in_every_wrapping(tmp_path, value, indent):
    path = write(tmp_path, value, indent=indent)
    trace = only(path)
    assert (trace.trace_id, trace.source.format, len(trace.spans)) == ("run", "chat", 4)
    assert rebuilt(trace) == path.read_bytes()


def test_every_line_is_a_trace_found_by_its_number(tmp_path):
    path = write_lines(tmp_path, [{"messages": CHAT}, {"messages": CHAT[:2], "topic": "refund"}])
    traces = list(read_traces(path))
    assert [(trace.trace_id, trace.source.offset) for trace in traces] == [("run-1", "line 1"), ("run-2", "line 2")]
    assert traces[1].labels == {"topic": "refund"}
    assert b"".join(rebuilt(trace) for trace in traces) == path.read_bytes()


def test_lines_of_bare_lists_are_read(tmp_path):
    assert len(list(read_traces(write_lines(tmp_path, [CHAT, CHAT])))) == 2


def test_an_array_of_transcripts_is_read_item_by_item(tmp_path):
    path = write(tmp_path, [{"messages": CHAT}, {"messages": CHAT}], indent=1)
    traces = list(read_traces(path))
    assert [trace.source.offset for trace in traces] == ["/0", "/1"]
    assert rebuilt(traces[1]) in path.read_bytes()


def test_a_header_line_is_no_trace(tmp_path):
    path = write_lines(tmp_path, [{"metadata": {"description": "x"}}, {"messages": CHAT}])
    assert [trace.trace_id for trace in read_traces(path)] == ["run-2"]


@pytest.mark.parametrize(
    "messages", [[7], [None], [{"role": "tool", "tool_call": 3}], [{"role": "assistant", "tool_calls": [[1]]}]]
)
def test_odd_messages_do_not_crash(tmp_path, messages):
    path = write(tmp_path, {"messages": [CHAT[0], *messages]})
    assert only(path).trace_id == "run"


def test_a_record_without_messages_is_refused_with_its_line(tmp_path):
    path = write_lines(tmp_path, [{"messages": CHAT}, {"msgs": []}])
    with pytest.raises(SourceError, match=r"run\.jsonl:2: expected"):
        list(read_traces(path))
