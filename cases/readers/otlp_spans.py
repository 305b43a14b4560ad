"""Spans of OTLP batches, collected by trace until the trace is complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..original import join, preserve_changed
from ..trace import Original, Trace
from .assembly import SpanDraft, assemble
from .otlp_types import Event, Link, OtlpSpan, TracesData, attributes_of, resource_of
from .source import SourceFile, SourceRecord

_STATUS: dict[int | str, str] = {
    1: "ok",
    "STATUS_CODE_OK": "ok",
    2: "error",
    "STATUS_CODE_ERROR": "error",
}


class OpenTraces:
    """The traces of which more may come.

    Args:
        source: Where they are read from; its options say which traces and whether to keep the source.
    """

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._drafts: dict[str, list[SpanDraft]] = {}
        self._offsets: dict[str, str] = {}
        self._slices: dict[str, list[tuple[int, Original]]] = {}

    def add(self, batch: TracesData, offset: str) -> None:
        """Add the spans of a batch that were asked for.

        Args:
            batch: As decoded.
            offset: Where in the file it stands.
        """
        wanted = self._source.options.trace_ids
        for resource_spans in batch.resource_spans or ():
            for scope_spans in resource_spans.scope_spans:
                resource = resource_of(resource_spans.resource, scope_spans.scope)
                for span in scope_spans.spans:
                    trace_id = span.trace_id
                    if wanted is not None and trace_id not in wanted:
                        continue
                    drafts = self._drafts.get(trace_id)
                    if drafts is None:
                        drafts = self._drafts[trace_id] = []
                        self._offsets[trace_id] = offset
                    drafts.append(_draft(span, resource))

    def keep(self, record: SourceRecord, number: int) -> None:
        """Keep each trace's part of a record: its very bytes where all spans are of one trace, else its spans."""
        ids = list(dict.fromkeys(_trace_ids(record.value)))
        for trace_id in ids:
            if trace_id not in self._drafts:
                continue
            alone = len(ids) == 1
            part = record.original() if alone else preserve_changed(record.text, only(record.value, trace_id))
            self._slices.setdefault(trace_id, []).append((number, part))

    def close(self, trace_id: str) -> Trace | None:
        """Return a trace of which no more will come; None where no span of it was read."""
        drafts = self._drafts.pop(trace_id, None)
        if drafts is None:
            return None
        slices = self._slices.pop(trace_id, [])
        original = slices[0][1] if len(slices) == 1 else join(slices) if slices else None
        stamp = self._source.stamp("otlp-json", self._offsets.pop(trace_id))
        return assemble(trace_id, drafts, stamp, original=original)

    def close_all(self) -> Iterator[Trace]:
        """Yield the traces that are still open."""
        for trace_id in list(self._drafts):
            trace = self.close(trace_id)
            if trace is not None:
                yield trace


def only(batch: Mapping[str, Any], trace_id: str) -> dict[str, Any]:
    """Return a batch with the spans of one trace; what is beside the spans is kept."""
    kept = []
    for resource_spans in batch["resourceSpans"]:
        scopes = []
        for scope_spans in resource_spans.get("scopeSpans") or ():
            spans = [span for span in scope_spans.get("spans") or () if span.get("traceId", "") == trace_id]
            if spans:
                scopes.append({**scope_spans, "spans": spans})
        if scopes:
            kept.append({**resource_spans, "scopeSpans": scopes})
    return {**batch, "resourceSpans": kept}


def _trace_ids(batch: Mapping[str, Any]) -> Iterator[str]:
    for resource_spans in batch["resourceSpans"] or ():
        for scope_spans in resource_spans.get("scopeSpans") or ():
            for span in scope_spans.get("spans") or ():
                yield span.get("traceId", "")


def _draft(span: OtlpSpan, resource: dict[str, Any]) -> SpanDraft:
    attributes = attributes_of(span.attributes)
    status = _STATUS.get(span.status.code, "") if span.status else ""
    return SpanDraft(
        span.span_id,
        span.parent_span_id,
        span.name,
        span.start_time_unix_nano or None,
        span.end_time_unix_nano or None,
        status,
        _error(span, attributes) if status == "error" else "",
        resource,
        attributes,
        tuple([_event(event) for event in span.events]) if span.events else (),
        tuple([_link(link) for link in span.links]) if span.links else (),
    )


def _error(span: OtlpSpan, attributes: Mapping[str, Any]) -> str:
    if span.status and span.status.message:
        return span.status.message
    for event in span.events:
        if event.name == "exception":
            raised = attributes_of(event.attributes)
            return str(raised.get("exception.message") or raised.get("exception.type") or "exception")
    return str(attributes.get("error.type") or "error")


def _event(event: Event) -> dict[str, Any]:
    attributes = attributes_of(event.attributes)
    return {"name": event.name, "time_ns": event.time_unix_nano or None, "attributes": attributes}


def _link(link: Link) -> dict[str, Any]:
    linked = {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": attributes_of(link.attributes)}
    return linked | ({"trace_state": link.trace_state} if link.trace_state else {})
