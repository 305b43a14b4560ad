"""Exports of spans as plain objects: nested ones (``child_spans``), Phoenix's, the OpenTelemetry SDK's ``to_json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..message_parts import as_text
from ..trace import Original, Source, Trace
from .assembly import SpanDraft, assemble
from .attribute_tree import tree_of, under
from .gathering import Gathering
from .langchain_values import mapping
from .moments import duration_ns, unix_ns
from .openinference import KIND

Fields = Mapping[str, Any]

_LISTS = ("spans", "data", "child_spans")
_TRACE_ID = (("trace_id",), ("context", "trace_id"), ("context.trace_id",), ("traceId",))
_SPAN_ID = (("span_id",), ("context", "span_id"), ("context.span_id",), ("spanId",), ("id",))
_PARENT_ID = (("parent_span_id",), ("parent_id",), ("parentSpanId",), ("parentId",))
_NAME = (("span_name",), ("name",), ("spanName",))
_START = (("start_time",), ("startTime",), ("start_time_unix_nano",), ("timestamp",))
_END = (("end_time",), ("endTime",), ("end_time_unix_nano",))
_STATUS = (("status", "status_code"), ("status_code",), ("status", "code"))
_MESSAGE = (("status", "description"), ("status", "message"), ("status_message",))
_RESOURCE = (("resource", "attributes"), ("resource_attributes",))
_PLACED = {
    path[0]
    for paths in (_TRACE_ID, _SPAN_ID[:4], _PARENT_ID, _NAME, _START, _END, _STATUS, _MESSAGE, _RESOURCE)
    for path in paths
} | {"attributes", "span_attributes", "child_spans", "events", "links", "duration", "scope_name"}
_KINDS = ("LLM", "TOOL", "RETRIEVER", "RERANKER", "GUARDRAIL", "EVALUATOR", "AGENT", "CHAIN", "EMBEDDING", "PROMPT")


def looks_like(sample: Any) -> bool:
    """Tell spans with ids, of which one speaks OpenInference."""
    return any(KIND in _attributes(span) or "span_attributes" in span for _, span, _ in _spans(sample, "", ""))


def parts(value: Any) -> Iterator[tuple[str, tuple[Fields, str]]]:
    """Yield the spans of a record, nested ones too, with their trace and the span they stand in."""
    for trace_id, span, parent in _spans(value, "", ""):
        yield trace_id, (span, parent)


def only(value: Any, trace_id: str) -> Any:
    """Return a record with the spans of one trace."""
    if isinstance(value, list):
        return [item for item in value if any(found == trace_id for found, _ in parts(item))]
    return {
        key: only(item, trace_id) if key in _LISTS and isinstance(item, list) else item for key, item in value.items()
    }


def build(trace_id: str, spans: list[tuple[Fields, str]], source: Source, original: Original | None) -> Trace:
    """Return the trace of these spans."""
    return assemble(trace_id, [_draft(span, parent) for span, parent in spans], source, original=original)


def _spans(value: Any, trace_id: str, parent: str) -> Iterator[tuple[str, Fields, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _spans(item, trace_id, parent)
    elif isinstance(value, Mapping):
        trace_id = _hex(_at(value, _TRACE_ID)) or trace_id
        if not _is_span(value) or not trace_id:
            for key in ("spans", "data"):
                if isinstance(value.get(key), list):
                    yield from _spans(value[key], trace_id, parent)
            return
        yield trace_id, value, parent
        yield from _spans(value.get("child_spans") or [], trace_id, _hex(_at(value, _SPAN_ID)))


def _is_span(value: Fields) -> bool:
    described = "attributes" in value or "span_attributes" in value or bool(_attributes(value))
    return described and _at(value, _SPAN_ID) is not None


def _attributes(span: Fields) -> dict[str, Any]:
    """Return the attributes of a span: an object, or the columns of a table."""
    for key in ("span_attributes", "attributes"):
        if isinstance(span.get(key), Mapping):
            return dict(span[key])
    columns = {key: value for key, value in span.items() if key.startswith("attributes.")}
    return {key.removeprefix("attributes."): value for key, value in columns.items() if value is not None}


def _draft(span: Fields, parent: str) -> SpanDraft:
    attributes = _attributes(span)
    kind = under(tree_of(attributes, ("openinference",)), "openinference", "span", "kind") or span.get("span_kind")
    if KIND not in attributes and kind in _KINDS:
        attributes[KIND] = kind
    start_ns = unix_ns(_at(span, _START), naive_utc=True)
    end_ns, taken_ns = unix_ns(_at(span, _END), naive_utc=True), duration_ns(span.get("duration"))
    if end_ns is None and start_ns is not None and taken_ns is not None:
        end_ns = start_ns + taken_ns
    events = tuple([_event(event) for event in span.get("events") or () if isinstance(event, Mapping)])
    status = {"OK": "ok", "ERROR": "error"}.get(as_text(_at(span, _STATUS)).upper().removeprefix("STATUS_CODE_"), "")
    return SpanDraft(
        span_id=_hex(_at(span, _SPAN_ID[:4]) or _at(span, _SPAN_ID)),
        parent_id=_hex(_at(span, _PARENT_ID)) or parent,
        name=as_text(_at(span, _NAME)),
        start_ns=start_ns,
        end_ns=end_ns,
        status=status,
        error=_error(span, events) if status == "error" else "",
        resource=_resource(span),
        attributes=attributes | _beside(span),
        events=events,
        links=tuple([dict(link) for link in span.get("links") or () if isinstance(link, Mapping)]),
    )


def _beside(span: Fields) -> dict[str, Any]:
    """Return what stands on a span beside its attributes and is placed nowhere else."""
    return {
        f"span.{key}": value
        for key, value in span.items()
        if key not in _PLACED and not key.startswith(("attributes.", "context.")) and value not in (None, "", [], {})
    }


def _resource(span: Fields) -> dict[str, Any]:
    scope = span.get("scope_name")
    return dict(mapping(_at(span, _RESOURCE))) | ({"otel.scope.name": scope} if scope else {})


def _event(event: Fields) -> dict[str, Any]:
    """Return an event in the form of the rest; exporters differ in the case of its fields and in prefixes."""
    fields = {key.lower().removeprefix("event_"): value for key, value in event.items()}
    time_ns = unix_ns(fields.pop("timestamp", None) or fields.pop("time", None), naive_utc=True)
    attributes = fields.pop("attributes", None)
    name = as_text(fields.pop("name", ""))
    return {"name": name, "time_ns": time_ns, "attributes": {**fields, **mapping(attributes)}}


def _error(span: Fields, events: tuple[dict[str, Any], ...]) -> str:
    if message := as_text(_at(span, _MESSAGE)):
        return message
    raised: Fields = next((event["attributes"] for event in events if event["name"] == "exception"), {})
    return as_text(raised.get("exception.message") or raised.get("exception.type")) or "error"


def _at(span: Fields, paths: tuple[tuple[str, ...], ...]) -> Any:
    return next((value for path in paths if (value := under(span, *path)) is not None), None)


def _hex(value: Any) -> str:
    """Return an id as text, without the prefix that the SDK writes."""
    return as_text(value).removeprefix("0x")


READER = Gathering(
    "openinference",
    "spans with ids and `openinference.span.kind` in their attributes, flat or nested (`child_spans`)",
    parts=parts,
    only=only,
    build=build,
).reader(looks_like)
