"""Canonical form of boundary requests: what counts as the same request.

Two strengths. *Exact* ignores only how a request travels (key order, transport fields, tool order, JSON
arguments as text). *Noise* also renames identifiers by first appearance and masks times of day in free
text. Tool arguments, recipients, amounts and approvals are never masked (design: matching).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from ..cases.trace import Message

TRANSPORT_FIELDS = frozenset(
    {"user", "metadata", "stream", "stream_options", "store", "extra_headers", "extra_query", "timeout"}
    | {"prompt_cache_key", "safety_identifier"}
)
"""Model parameters that say how a request travels, not what is asked."""

_BESIDE = frozenset({"item_id", "status", "index", "parsed_arguments", "is_error"})
"""What clients add to the calls and answers they send back: where it stood in a stream, what it parsed to, that it
was no error. Only an error that is stated counts."""

_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_DATE_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?")

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def dumps(value: Any) -> bytes:
    """Return the bytes that stand for a JSON value: sorted keys, no spaces."""
    try:
        return orjson.dumps(value, option=_SORTED)
    except TypeError:  # integers beyond 64 bits, lone surrogates, very deep nesting
        return json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value in canonical form, as hex."""
    return hashlib.sha256(dumps(value)).hexdigest()


def message_key(message: Message) -> bytes:
    """Return the digest of one message.

    A conversation is compared by the digests of its messages, so that step n does not hash steps 1 to n-1 again.
    """
    return hashlib.sha256(dumps([message.role, _parts(message.parts)])).digest()


def model_head(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model request holds besides its messages: model, parameters, tools, instructions."""
    params = request.get("params") or {}
    if None in params.values() or not TRANSPORT_FIELDS.isdisjoint(params):
        params = {key: each for key, each in params.items() if key not in TRANSPORT_FIELDS and each is not None}
    tools, system = request.get("tools"), request.get("system")
    return {
        "model": request.get("model") or "",
        "params": params,
        "tools": sorted(map(_tool, tools), key=dumps) if tools else [],
        "system": _parts(system) if system else [],
    }


def _tool(definition: Any) -> Any:
    """Return a tool's schema in one form: OpenAI nests it under ``function``, Anthropic calls it ``input_schema``."""
    if not isinstance(definition, Mapping):
        return definition
    inner = definition.get("function")
    fields = dict(inner) if isinstance(inner, Mapping) else dict(definition)
    if fields.get("type") == "function" or (fields.get("type") == "custom" and "input_schema" in fields):
        del fields["type"]
    if "input_schema" in fields and "parameters" not in fields:
        fields["parameters"] = fields.pop("input_schema")
    return {key: value for key, value in fields.items() if value is not None}


def _parts(parts: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Merge neighbouring text parts and drop empty ones, so that a string equals one text part.

    Reasoning is its text: signatures and ids belong to the provider, and most recordings have none.
    """
    merged: list[Any] = []
    for part in parts:
        if part.get("type") == "text":
            content = part.get("content")
            if not content:
                continue
            if merged and isinstance(merged[-1], str):
                merged[-1] += f"\n{content}"
                continue
            merged.append(str(content))
        elif part.get("type") != "reasoning":
            merged.append(bare_part(part))
        elif part.get("content"):
            merged.append({"type": "reasoning", "content": part["content"]})
    return merged


def bare_part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part without what clients add to it, and without what is nothing."""
    if _BESIDE.isdisjoint(part) and None not in part.values():
        return part
    return {key: value for key, value in part.items() if value is not None and (key not in _BESIDE or value is True)}


class Renaming:
    """Renames identifiers by first appearance and masks times: one instance per side of a comparison."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return free text with UUIDs renamed and times of day masked."""
        renamed = _UUID.sub(lambda match: self.identifier(match.group().lower()), text)
        return _DATE_TIME.sub("<time>", renamed)

    def identifier(self, value: str) -> str:
        """Return the stand-in of an identifier; the same one for the same identifier."""
        return self._names.setdefault(value, f"<id {len(self._names) + 1}>")

    def message(self, message: Message) -> Any:
        """Return a message with call ids renamed and its texts masked; call arguments stay as they are."""
        return [message.role, [self._part(part) for part in _parts(message.parts)]]

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            return self.text(part)
        renamed = dict(part)
        if renamed.get("id"):
            renamed["id"] = self.identifier(str(renamed["id"]))
        if isinstance(renamed.get("response"), str):
            renamed["response"] = self._response(renamed["response"])
        return renamed

    def _response(self, text: str) -> Any:
        """Return a tool's response as the JSON value it spells, where it does, so that spacing does not count."""
        masked = self.text(text)
        try:
            return orjson.loads(masked)
        except orjson.JSONDecodeError:
            return masked


def noise_key(messages: Iterable[Message]) -> bytes:
    """Return the digest of a conversation with identifiers renamed and times masked.

    What a model said in one turn is one message: some protocols, and some recordings, keep each part by itself.
    """
    renaming = Renaming()
    turns: list[Any] = []
    for message in messages:
        role, parts = renaming.message(message)
        if role == "assistant" and turns and turns[-1][0] == "assistant":
            turns[-1][1].extend(parts)
        elif parts or role != "assistant":
            turns.append([role, parts])
    return hashlib.sha256(dumps(turns)).digest()


def _plain(value: Any) -> Any:
    """Make what orjson refuses (big integers, odd types) into text, so that it still has a canonical form."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return f"<integer {value}>"
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return repr(value)
