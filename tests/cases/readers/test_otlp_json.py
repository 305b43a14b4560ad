"""OTLP/JSON: framing, scattered spans, values."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases.errors import SourceError
from unrepeat.cases.readers import otlp_types, read_traces
from unrepeat.cases.readers import source as source_module

from .files import only, otlp, otlp_span, rebuilt, tagged, write, write_lines


def spans(trace):
    return [span.span_id for span in trace.spans]


def test_ids_and_times_are_kept_to_the_digit(tmp_path):
    span = only(write(tmp_path, otlp(otlp_span("5B8EFFF7", "EEE19B", parentSpanId="AB")))).spans[0]
    assert (span.span_id, span.parent_id, span.start_ns) == ("EEE19B", "AB", 1_700_000_000_000_000_001)


def test_resource_and_scope_are_kept(tmp_path):
    span = only(write(tmp_path, otlp(otlp_span()))).spans[0]
    assert span.resource == {"service.name": "desk", "otel.scope.name": "lib", "otel.scope.version": "2"}


def test_events_and_links_are_kept(tmp_path):
    event = {"name": "retry", "timeUnixNano": "5", "attributes": [{"key": "n", "value": {"intValue": "2"}}]}
    link = {"traceId": "t9", "spanId": "b9"}
    span = only(write(tmp_path, otlp(otlp_span(events=[event], links=[link])))).spans[0]
    assert span.events == ({"name": "retry", "time_ns": 5, "attributes": {"n": 2}},)
    assert span.links == ({"trace_id": "t9", "span_id": "b9", "attributes": {}},)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": {"code": 1}}, ("ok", "")),
        ({"status": {"code": 2, "message": "no stock"}}, ("error", "no stock")),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, ("error", "error")),
        ({"status": {}}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_status_and_error(tmp_path, fields, expected):
    span = only(write(tmp_path, otlp(otlp_span(**fields)))).spans[0]
    assert (span.status, span.error) == expected


def test_the_error_of_a_span_without_message_is_its_exception(tmp_path):
    raised = {"name": "exception", "attributes": [{"key": "exception.message", "value": {"stringValue": "boom"}}]}
    span = only(write(tmp_path, otlp(otlp_span(status={"code": 2}, events=[raised])))).spans[0]
    assert span.error == "boom"


def test_spans_are_in_order_of_start(tmp_path):
    late, early = otlp_span(span="late", startTimeUnixNano="9"), otlp_span(span="early", startTimeUnixNano="3")
    assert spans(only(write(tmp_path, otlp(late, early)))) == ["early", "late"]


def test_a_span_exported_twice_is_one(tmp_path):
    path = write_lines(tmp_path, [otlp(otlp_span()), otlp(otlp_span())])
    assert spans(only(path)) == ["a"]


def test_different_spans_of_one_id_are_kept_apart(tmp_path):
    assert spans(only(write(tmp_path, otlp(otlp_span(), otlp_span(attributes={"n": 2}))))) == ["a", "a#2"]


def test_spans_of_a_trace_are_gathered_over_the_lines(tmp_path):
    lines = [otlp(otlp_span("t1", "a"), otlp_span("t2", "b")), otlp(otlp_span("t3", "c")), otlp(otlp_span("t1", "d"))]
    traces = {trace.trace_id: spans(trace) for trace in read_traces(write_lines(tmp_path, lines))}
    assert traces == {"t1": ["a", "d"], "t2": ["b"], "t3": ["c"]}


def test_a_trace_is_given_out_when_its_last_line_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr("unrepeat.cases.readers.otlp_json._UNIT_BYTES", 64)
    lines = [otlp(otlp_span("t1")), otlp(otlp_span("t2")), b"{broken"]
    traces = read_traces(write_lines(tmp_path, lines))
    assert next(traces).trace_id == "t1"


def test_bulk_reading_gives_the_same_traces_without_the_source(tmp_path):
    path = write_lines(
        tmp_path, [otlp(otlp_span("t1"), otlp_span("t2")), otlp(otlp_span("t1", "z", {"n": [1, {"x": 2.5}]}))]
    )
    strict = {trace.trace_id: trace for trace in read_traces(path)}
    for trace in read_traces(path, keep_original=False):
        assert trace.original is None
        assert trace.spans == strict[trace.trace_id].spans


def test_a_trace_alone_on_its_lines_gives_back_those_lines(tmp_path):
    path = write_lines(tmp_path, [otlp(otlp_span("t1")), otlp(otlp_span("t2")), otlp(otlp_span("t1", "z"))])
    lines = path.read_bytes().splitlines(keepends=True)
    first = next(trace for trace in read_traces(path) if trace.trace_id == "t1")
    assert rebuilt(first) == lines[0] + lines[2]


def test_a_trace_that_shares_a_line_keeps_only_its_own_spans(tmp_path):
    path = write_lines(tmp_path, [otlp(otlp_span("t1"), otlp_span("t2", "secret")), otlp(otlp_span("t3"))])
    first = next(read_traces(path, trace_ids=["t1"]))
    kept = rebuilt(first)
    assert json.loads(kept) == otlp(otlp_span("t1"))


def test_one_document_gives_back_its_bytes(tmp_path):
    path = write(tmp_path, otlp(otlp_span()), indent=2)
    assert rebuilt(only(path)) == path.read_bytes()


def test_only_the_traces_asked_for_are_read(tmp_path):
    path = write_lines(tmp_path, [otlp(otlp_span("t1")), otlp(otlp_span("t2")), otlp(otlp_span("t3"))])
    assert [trace.trace_id for trace in read_traces(path, trace_ids={"t2"})] == ["t2"]


def test_a_document_larger_than_memory_is_walked_to_the_same_traces(tmp_path, monkeypatch):
    batch = otlp(otlp_span("t1"), otlp_span("t2", "b", {"text": "x" * 50}), otlp_span("t1", "c"))
    path = write(tmp_path, {"resourceSpans": batch["resourceSpans"] * 3, "extra": [1]}, indent=2)
    held = {trace.trace_id: trace.spans for trace in read_traces(path)}
    monkeypatch.setattr(source_module, "STREAM_ABOVE_BYTES", 10)
    monkeypatch.setattr("unrepeat.cases.readers.otlp_walk._BATCH_CHARACTERS", 100)
    assert {trace.trace_id: trace.spans for trace in read_traces(path)} == held


def test_a_resource_after_its_spans_is_waited_for(tmp_path, monkeypatch):
    batch = otlp(otlp_span("t1"))["resourceSpans"][0]
    path = write(tmp_path, {"resourceSpans": [{"scopeSpans": batch["scopeSpans"], "resource": batch["resource"]}]})
    monkeypatch.setattr(source_module, "STREAM_ABOVE_BYTES", 10)
    assert only(path).spans[0].resource["service.name"] == "desk"


def test_a_truncated_document_larger_than_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(otlp(otlp_span()))[:-4])
    monkeypatch.setattr(source_module, "STREAM_ABOVE_BYTES", 10)
    with pytest.raises(SourceError, match=r"run\.json:1: expected"):
        list(read_traces(path))


@pytest.mark.parametrize("keep_original", [True, False])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"resourceSpans": [', "truncated"),
        (b'{"resourceSpans": 7}', "expected OTLP"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}', "startTimeUnixNano"),
        (b'{"other": 1}', "expected `resourceSpans`"),
        (b"\xff\xfe\xfd", "UTF-8"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, reason, keep_original):
    path = write_lines(tmp_path, [otlp(otlp_span()), line])
    with pytest.raises(SourceError, match=rf"run\.jsonl:2\b.*{reason}"):
        list(read_traces(path, keep_original=keep_original))


@pytest.mark.parametrize("keep_original", [True, False])
def test_broken_lines_are_skipped_and_counted_on_demand(tmp_path, keep_original):
    path = write_lines(tmp_path, [otlp(otlp_span("t1")), b"{oops", otlp(otlp_span("t2")), b'{"a": }'])
    broken: list[SourceError] = []
    traces = list(read_traces(path, skip_broken=True, broken=broken, keep_original=keep_original))
    assert [trace.trace_id for trace in traces] == ["t1", "t2"]
    assert [error.where for error in broken] == ["run.jsonl:2:2", "run.jsonl:4:7"]


def test_lines_of_other_signals_are_passed_over(tmp_path):
    path = write_lines(tmp_path, [otlp(otlp_span()), {"resourceLogs": []}])
    assert only(path).trace_id == "t1"
    assert only(path, keep_original=False).trace_id == "t1"


def test_a_duplicate_key_in_a_selected_trace_is_refused(tmp_path):
    line = json.dumps(otlp(otlp_span())).replace('"spanId": "a"', '"spanId": "a", "spanId": "b"').encode()
    path = write_lines(tmp_path, [otlp(otlp_span()), line])
    with pytest.raises(SourceError, match="'spanId' twice"):
        list(read_traces(path))


def test_redaction_reaches_spans_and_original(tmp_path):
    def redact(value):
        return json.loads(json.dumps(value).replace("Ann", "PERSON"))

    for path in (
        write(tmp_path, otlp(otlp_span(attributes={"who": "Ann"}))),
        write_lines(tmp_path, [otlp(otlp_span(attributes={"who": "Ann"}))] * 2),
    ):
        trace = only(path, transform=redact)
        assert trace.spans[0].attributes == {"who": "PERSON"}
        assert b"PERSON" in rebuilt(trace)
        assert b"Ann" not in rebuilt(trace)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=15,
)


def decoded(span):
    """Return the attributes of the one span in a batch, by way of its bytes."""
    batch = otlp_types.decode(json.dumps(otlp(span)).encode()).resource_spans
    assert batch is not None
    return otlp_types.attributes_of(batch[0].scope_spans[0].spans[0].attributes)


@given(st.dictionaries(st.text(), values))
def test_every_kind_of_value_is_read_as_it_was_meant(attributes):
    assert decoded(otlp_span(attributes=attributes)) == attributes


def test_bytes_and_not_a_number_stay_recognisable():
    values = [{"bytesValue": "AQI="}, {"doubleValue": "NaN"}, {"intValue": 5}, tagged("x")]
    array = {"key": "all", "value": {"arrayValue": {"values": values}}}
    assert decoded({**otlp_span(), "attributes": [array]}) == {"all": [{"bytesValue": "AQI="}, "NaN", 5, "x"]}


def test_attributes_that_nest_too_deeply_are_refused(tmp_path):
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(300):
        value = {"arrayValue": {"values": [value]}}
    path = write(tmp_path, otlp({**otlp_span(), "attributes": [{"key": "deep", "value": value}]}))
    with pytest.raises(SourceError, match="200 levels"):
        list(read_traces(path))


def peak_memory(path):
    """Return the most bytes that reading a file had allocated at a time."""
    tracemalloc.start()
    try:
        for _ in read_traces(path, keep_original=False):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for count in (1_000, 8_000):
        spans = (otlp_span(f"{number:032x}", attributes={"text": "x" * 2_000}) for number in range(count))
        peaks.append(peak_memory(write_lines(tmp_path, map(otlp, spans))))
    assert peaks[1] < peaks[0] * 2  # 16 MB against 2: only the index of trace ids grows
