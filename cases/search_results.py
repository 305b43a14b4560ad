"""Search results: the fields that search clients commonly give their documents, in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .trace import Document

_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "document_id", "doc_id", "document.id"),
    "chunk_id": ("chunk_id",),
    "content": ("content", "text", "page_content", "document.content", "snippet"),
    "sha256": ("sha256",),
    "uri": ("uri", "url", "source"),
    "version": ("version",),
    "status": ("status", "state"),
    "updated_at": ("updated_at", "modified_at", "last_updated"),
    "acl": ("acl", "access", "access_label", "classification"),
    "trust": ("trust", "trust_level"),
}
_LISTS = ("documents", "results", "hits", "matches", "items")


def to_document(raw: Any, rank: int | None = None) -> Document:
    """Return one document of a search result.

    Args:
        raw: A mapping with the usual field names (``metadata`` may hold some of them), or a bare text.
        rank: Its place in the result, from 1, where it does not say so itself.
    """
    if not isinstance(raw, Mapping):
        return Document(content=str(raw), rank=rank)
    metadata = raw.get("metadata")
    fields = {**metadata, **raw} if isinstance(metadata, Mapping) else dict(raw)
    fields.pop("metadata", None)
    values: dict[str, Any] = {}
    for field, names in _NAMES.items():
        found = next((name for name in names if isinstance(fields.get(name), (str, int, float))), None)
        if found is not None:
            values[field] = str(fields.pop(found))
    score, own_rank = fields.pop("score", None), fields.pop("rank", None)
    return Document(
        **values,
        score=float(score) if isinstance(score, (int, float)) else None,
        rank=own_rank if isinstance(own_rank, int) else rank,
        metadata=fields,
    )


def to_documents(answer: Any) -> tuple[Document, ...]:
    """Return the documents of a search client's answer: a list, or a mapping that holds one."""
    if isinstance(answer, Mapping):
        answer = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), [answer])
    if not isinstance(answer, Sequence) or isinstance(answer, (str, bytes)):
        return (Document(content=str(answer), rank=1),) if answer else ()
    return tuple(to_document(item, rank) for rank, item in enumerate(answer, start=1))
