"""Small trace files for the tests of the readers."""

import json
from pathlib import Path
from typing import Any

from unrepeat.cases.original import rebuild
from unrepeat.cases.readers import read_traces

CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Refund order 7"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": '{"ok": true}'},
    {"role": "assistant", "content": "Done."},
    {"role": "user", "content": "Thanks"},
]


def write(folder: Path, value, name="run.json", **layout) -> Path:
    """Write one JSON document."""
    path = folder / name
    path.write_text(json.dumps(value, **layout))
    return path


def write_lines(folder: Path, values, name="run.jsonl") -> Path:
    """Write JSON Lines; a value that is bytes is written as it is."""
    lines = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    path = folder / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def only(path: Path, **options):
    """Return the one trace of a file."""
    (trace,) = read_traces(path, **options)
    return trace


def rebuilt(trace):
    """Return the bytes that a trace was read from."""
    assert trace.original is not None
    return rebuild(trace.original)


def tagged(value):
    """Return a value in OTLP's form."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [tagged(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {} if value is None else {"stringValue": value}


def pairs(attributes):
    """Return attributes in OTLP's form."""
    return [{"key": key, "value": tagged(value)} for key, value in attributes.items()]


def otlp_span(trace="t1", span="a", attributes=None, **fields):
    """Return one OTLP span."""
    fields = {"startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000009"} | fields
    return {"traceId": trace, "spanId": span, "name": "step", "attributes": pairs(attributes or {}), **fields}


def otlp(*spans, resource=None):
    """Return one OTLP batch."""
    scope_spans = {"scope": {"name": "lib", "version": "2"}, "spans": list(spans)}
    resource_spans = {"resource": {"attributes": pairs(resource or {"service.name": "desk"})}}
    return {"resourceSpans": [{**resource_spans, "scopeSpans": [scope_spans]}]}
