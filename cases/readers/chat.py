"""Plain chat transcripts: ``messages`` in OpenAI's shape or near it, a bare list of them, JSON Lines of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trace import Trace
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .transcript import Transcript, slug

_KEYS = ("messages", "history", "trajectory", "conversation")


def looks_like(sample: Any) -> bool:
    """Tell a transcript, a list of transcripts, or an object that holds one."""
    if isinstance(sample, list):
        return bool(sample) and (_is_message(sample[0]) or looks_like(sample[0]))
    return _messages(sample) is not None or (isinstance(sample, Mapping) and set(sample) == {"metadata"})


def build(source: SourceFile, record: SourceRecord) -> Trace | None:
    """Return the trace of one transcript; None for a header line."""
    messages = record.value if isinstance(record.value, list) else _messages(record.value)
    fields = record.value if isinstance(record.value, Mapping) else {}
    if messages is None:
        if set(fields) == {"metadata"}:
            return None
        raise ValueError("it holds no list of messages with role and content")
    transcript = Transcript(model=str(fields.get("model") or ""))
    transcript.extend(messages)
    place = record.offset.removeprefix("line ").strip("/")
    return Trace(
        trace_id=f"{slug(source.name)}-{place}" if place else slug(source.name),
        source=source.stamp("chat", record.offset),
        labels={key: value for key, value in fields.items() if value is not messages and key != "model"},
        original=record.original() if source.options.keep_original else None,
        **transcript.fields(),
    )


def _messages(value: Any) -> list[Any] | None:
    if not isinstance(value, Mapping):
        return None
    for key in _KEYS:
        found = value.get(key)
        if isinstance(found, list) and (not found or _is_message(found[0])):
            return found
    return None


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and (
        (isinstance(value.get("role"), str) and bool({"content", "tool_calls", "parts"} & set(value)))
        or (value.get("type") in ("human", "ai", "system") and "content" in value)
    )


READER = record_reader(
    "chat",
    "`messages` (or `history`, `trajectory`) with role and content, or a bare list of such messages",
    looks_like=looks_like,
    build=build,
    splits=lambda sample: isinstance(sample, list) and not (bool(sample) and _is_message(sample[0])),
)
