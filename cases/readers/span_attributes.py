"""Bare span attributes: one JSON object of GenAI or OpenInference attributes, alone or beside the span's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trace import Trace
from .assembly import SpanDraft, assemble
from .openinference import KIND
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .transcript import slug

_SUBJECTS = ("gen_ai.tool.name", "gen_ai.request.model", "tool.name", "llm.model_name")


def looks_like(sample: Any) -> bool:
    """Tell by a GenAI or OpenInference attribute, or by a span's name beside attributes."""
    if not isinstance(sample, Mapping):
        return False
    attributes = _attributes(sample)
    return (
        "gen_ai.operation.name" in attributes
        or KIND in attributes
        or ("spanName" in sample and attributes is not sample)
    )


def build(source: SourceFile, record: SourceRecord) -> Trace:
    """Return a trace of one span."""
    fields = record.value
    attributes = dict(_attributes(fields))
    beside = {} if fields.get("attributes") is None else {k: v for k, v in fields.items() if k != "attributes"}
    name = str(beside.pop("spanName", "") or _name(attributes))
    scope = beside.pop("scopeName", None)
    resource = {"otel.scope.name": scope} if scope else {}
    place = record.offset.removeprefix("line ").strip("/")
    draft = SpanDraft("s1", "", name, None, None, "", "", resource, _with_content(attributes) | beside)
    return assemble(
        f"{slug(source.name)}-{place}" if place else slug(source.name),
        [draft],
        source.stamp("otel-genai", record.offset),
        original=record.original() if source.options.keep_original else None,
    )


def _attributes(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = fields.get("attributes")
    return inner if isinstance(inner, Mapping) else fields


def _name(attributes: Mapping[str, Any]) -> str:
    """Return the name the conventions give such a span: operation, then model or tool."""
    subject = next((attributes[key] for key in _SUBJECTS if attributes.get(key)), "")
    return f"{attributes.get('gen_ai.operation.name') or attributes.get(KIND) or ''} {subject}".strip()


def _with_content(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes in which a tool's ``input`` and ``output`` also stand under their conventional names."""
    if attributes.get("gen_ai.operation.name") != "execute_tool":
        return attributes
    names = {"input": "gen_ai.tool.call.arguments", "output": "gen_ai.tool.call.result"}
    return {name: attributes[key] for key, name in names.items() if key in attributes} | attributes


READER = record_reader(
    "otel-genai",
    "one object of attributes with `gen_ai.operation.name` or `openinference.span.kind`",
    looks_like=looks_like,
    build=build,
)
