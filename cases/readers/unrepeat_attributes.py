"""What the conventions do not cover, read from ``unrepeat.*`` attributes.

``FIELDS`` is the table that the documentation shows: a team can emit these from its own OpenTelemetry spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..message_parts import parse_text
from ..trace import Approval, Document, Guardrail, Permission, Prompt, Retrieval, View, Write

TEXT, JSON, LIST, TEXTS, FLAG = "text", "json", "list", "texts", "flag"

FIELDS: dict[str, dict[str, str]] = {
    "approval": {
        "request_ref": TEXT,
        "request": JSON,
        "approver": TEXT,
        "approver_kind": TEXT,
        "decision": TEXT,
        "modified_arguments": JSON,
        "shown_evidence": TEXTS,
        "explanation": TEXT,
    },
    "permission": {
        "principal": TEXT,
        "capability": TEXT,
        "policy": TEXT,
        "policy_version": TEXT,
        "decision": TEXT,
    },
    "guardrail": {
        "name": TEXT,
        "version": TEXT,
        "target": TEXT,
        "verdict": TEXT,
        "action": TEXT,
        "findings": LIST,
    },
    "write": {
        "system": TEXT,
        "resource": TEXT,
        "operation": TEXT,
        "before": JSON,
        "after": JSON,
        "idempotency_key": TEXT,
        "reversible": FLAG,
    },
}
"""Attribute ``unrepeat.<view>.<field>`` by view, with its kind (JSON: text or a structured value)."""

VIEWS: dict[str, type[Any]] = {
    "approval": Approval,
    "permission": Permission,
    "guardrail": Guardrail,
    "write": Write,
}

_DOCUMENT_TEXTS = ("id", "chunk_id", "content", "sha256", "uri", "version", "status", "updated_at", "acl", "trust")


_SECTION_KEYS = frozenset(f"unrepeat.{section}.{name}" for section, names in FIELDS.items() for name in names)


def sections(attributes: Mapping[str, Any]) -> list[str]:
    """Return the views that ``unrepeat.*`` attributes speak of, in the order of the table."""
    if _SECTION_KEYS.isdisjoint(attributes):
        return []
    present = {key.split(".", 2)[1] for key in attributes if key.startswith("unrepeat.")}
    return [section for section in VIEWS if section in present]


def section_view(section: str, attributes: Mapping[str, Any]) -> View:
    """Return the view of one section."""
    fields = {}
    for name, kind in FIELDS[section].items():
        value = attributes.get(f"unrepeat.{section}.{name}")
        if value is not None:
            fields[name] = _read(value, kind)
    view: View = VIEWS[section](**fields)
    return view


def json_value(value: Any) -> Any:
    """Return a structured attribute: the value of JSON text, other values as they are."""
    return parse_text(value) if isinstance(value, str) else value


def prompt_of(attributes: Mapping[str, Any]) -> Prompt | None:
    """Return the prompt template a model call names."""
    get = attributes.get
    name = get("unrepeat.prompt.name") or get("gen_ai.prompt.name")
    version = get("unrepeat.prompt.version") or get("gen_ai.prompt.version")
    sha256 = get("unrepeat.prompt.sha256")
    if not (name or version or sha256):
        return None
    return Prompt(name=_text(name), version=_text(version), sha256=_text(sha256))


def retrieval_of(attributes: Mapping[str, Any]) -> Retrieval:
    """Return the search that a span describes."""
    query = attributes.get("gen_ai.retrieval.query.text", attributes.get("gen_ai.retrieval.query"))
    if query is None:
        arguments = json_value(attributes.get("unrepeat.arguments"))
        query = arguments.get("query", arguments) if isinstance(arguments, Mapping) else arguments
    documents = attributes.get("unrepeat.documents", attributes.get("gen_ai.retrieval.documents"))
    if documents is None:
        documents = attributes.get("unrepeat.result")
    return Retrieval(
        query=query,
        data_source=_text(attributes.get("unrepeat.retrieval.data_source") or attributes.get("gen_ai.data_source.id")),
        index_version=_text(attributes.get("unrepeat.retrieval.index_version")),
        filters=json_value(attributes.get("unrepeat.retrieval.filters")),
        documents=documents_of(json_value(documents)),
    )


def documents_of(value: Any) -> tuple[Document, ...]:
    """Return retrieved documents; what is not an object becomes the content of one."""
    if not isinstance(value, list):
        if isinstance(value, Mapping):
            value = value.get("documents", [value])
        if not isinstance(value, list):
            return ()
    try:
        if all(map(_DOCUMENT_FIELDS.issuperset, value)):
            return msgspec.convert({"documents": value}, _Documents).documents
    except (TypeError, msgspec.ValidationError):
        pass  # an item that is no object, or a field of another type
    return tuple([_document(item) for item in value])


class _Documents(msgspec.Struct):
    """A struct, because msgspec works out its type once and that of a bare tuple at every call."""

    documents: tuple[Document, ...]


_DOCUMENT_FIELDS = frozenset(Document.__struct_fields__)


def _document(item: Any) -> Document:
    if not isinstance(item, Mapping):
        return Document(content=_text(item))
    fields: dict[str, Any] = {name: _text(item[name]) for name in _DOCUMENT_TEXTS if item.get(name) is not None}
    content = item.get("content", item.get("text", item.get("page_content")))
    score, rank = item.get("score"), item.get("rank")
    fields["content"] = _text(content)
    fields["score"] = float(score) if isinstance(score, (int, float)) else None
    fields["rank"] = rank if isinstance(rank, int) else None
    fields["metadata"] = _metadata(item, {*fields, "text", "page_content", "metadata"})
    return Document(**fields)


def _metadata(item: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    rest = {key: value for key, value in item.items() if key not in known}
    inner = item.get("metadata")
    if isinstance(inner, Mapping):
        return {**inner, **rest}
    return rest if inner is None else rest | {"metadata": inner}


def _read(value: Any, kind: str) -> Any:
    if kind == TEXT:
        return _text(value)
    if kind == FLAG:
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    value = json_value(value)
    if kind == JSON:
        return value
    items = value if isinstance(value, list) else [value]
    return tuple(items) if kind == LIST else tuple([_text(item) for item in items])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
