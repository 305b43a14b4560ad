"""OTLP/JSON as an OpenTelemetry Collector's file exporter writes it, with ids and times from a seed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

_SERVER, _INTERNAL, _CLIENT = 2, 1, 3
_OK = 1


@dataclass
class Span:
    """One span that is being recorded."""

    name: str
    span_id: str
    parent_id: str
    start_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)
    end_ns: int = 0
    kind: int = _INTERNAL


class Tracer:
    """Collects the spans of one trace; its clock moves only when told.

    Args:
        seed: Gives the ids; the same seed gives the same trace.
        start_ns: Time of the first span.
        resource: Attributes of the resource.
    """

    def __init__(self, seed: str, start_ns: int, resource: dict[str, Any]) -> None:
        self._seed = seed
        self._now_ns = start_ns
        self._resource = resource
        self.spans: list[Span] = []

    def start(self, name: str, parent: Span | None = None, *, client: bool = False) -> Span:
        """Start a span."""
        span_id = self._digest(f"span {len(self.spans)}")[:16]
        kind = _SERVER if parent is None else _CLIENT if client else _INTERNAL
        span = Span(name, span_id, parent.span_id if parent else "", self._now_ns, kind=kind)
        self.spans.append(span)
        return span

    def end(self, span: Span, *, after_ms: int) -> None:
        """End a span some time after everything before."""
        self._now_ns += after_ms * 1_000_000
        span.end_ns = self._now_ns

    def document(self, scope: str, version: str) -> dict[str, Any]:
        """Return the trace as one TracesData object."""
        trace_id = self._digest("trace")[:32]
        spans = [_span(span, trace_id) for span in self.spans]
        scoped = {"scope": {"name": scope, "version": version}, "spans": spans}
        resource = {"attributes": _attributes(self._resource)}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}

    def _digest(self, what: str) -> str:
        return hashlib.sha256(f"{self._seed}: {what}".encode()).hexdigest()


def dump(value: Any) -> str:
    """Return a structured attribute's value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def _span(span: Span, trace_id: str) -> dict[str, Any]:
    parent = {"parentSpanId": span.parent_id} if span.parent_id else {}
    return {
        "traceId": trace_id,
        "spanId": span.span_id,
        **parent,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(span.attributes),
        "status": {"code": _OK},
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in values.items()]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_any_value(each) for each in value]}}
    return {"stringValue": str(value)}
