"""Embeddings: the vectors that a recording holds, served for the texts they were made of.

A vector is a fact about its text and model, so it is served as often as it is asked for and is no step of the
replay. One that was not recorded is never made up.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ...cases.message_parts import structured
from ...cases.trace import Span, Trace
from ..canonical import dumps
from .refusals import RefusedError

_ARGUMENTS = ("unrepeat.arguments", "input.value")
_RESULTS = ("unrepeat.result", "output.value")
_MODELS = ("gen_ai.request.model", "gen_ai.response.model", "embedding.model_name")
_FLAT = re.compile(r"embedding\.embeddings\.(\d+)\.embedding\.(text|vector)")
"""OpenInference has each text and vector in an attribute of its own."""
_FLOAT_BYTES = 4


class Embedding(msgspec.Struct, frozen=True):
    """One recorded vector."""

    vector: tuple[float, ...]
    models: frozenset[str]
    """What the recording calls the model; empty where it does not say."""


class Embeddings:
    """The vectors of a recording, by what they were made of."""

    def __init__(self, trace: Trace) -> None:
        self._found: dict[bytes, list[Embedding]] = {}
        for span in trace.spans:
            if _is_embedding(span):
                for text, embedding in _recorded(span):
                    self._found.setdefault(dumps(text), []).append(embedding)

    def __bool__(self) -> bool:
        return bool(self._found)

    def vectors(self, asked: Mapping[str, Any]) -> list[tuple[float, ...]] | None:
        """Return the vectors a request asks for; None where one of them was not recorded.

        Args:
            asked: The body of the request.

        Raises:
            RefusedError: It is no request for embeddings.
        """
        model, size = str(asked.get("model") or ""), asked.get("dimensions")
        found = [self._vector(item, model, size) for item in inputs_of(asked)]
        return None if any(vector is None for vector in found) else [vector for vector in found if vector is not None]

    def _vector(self, item: Any, model: str, size: Any) -> tuple[float, ...] | None:
        for embedding in self._found.get(dumps(item), ()):
            named = not embedding.models or not model or model in embedding.models
            if named and (size is None or size == len(embedding.vector)):
                return embedding.vector
        return None


def body(vectors: Sequence[Sequence[float]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list of embeddings, in the encoding that was asked for.

    Raises:
        RefusedError: The encoding is unknown.
    """
    encoding = asked.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise RefusedError(400, "invalid_request", "encoding_format: expected float or base64")
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if encoding == "base64" else list(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return {"object": "list", "data": data, "model": str(asked.get("model") or ""), "usage": usage}


def vectors_of(result: Any) -> list[tuple[float, ...]]:
    """Return the vectors in a recorded or stated result: a response, a list of vectors, or one vector; else none."""
    value = structured(result)
    if isinstance(value, Mapping):
        items = value.get("data", value.get("embeddings", value.get("embedding")))
        return vectors_of(items)
    if not isinstance(value, list) or not value:
        return []
    if all(isinstance(each, (int, float)) for each in value):
        return [tuple(map(float, value))]
    found = [_vector(each.get("embedding") if isinstance(each, Mapping) else each) for each in value]
    return [vector for vector in found if vector] if all(found) else []


def _vector(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        return _from_base64(value)
    numbers = isinstance(value, list) and all(isinstance(each, (int, float)) for each in value)
    return tuple(map(float, value)) if numbers else ()


def _is_embedding(span: Span) -> bool:
    kind = span.attributes.get("openinference.span.kind")
    return span.operation in ("embeddings", "embedding") or str(kind).upper() == "EMBEDDING"


def _recorded(span: Span) -> Iterator[tuple[Any, Embedding]]:
    """Yield what was embedded in a span, each with its vector."""
    attributes = span.attributes
    arguments = next((structured(attributes[key]) for key in _ARGUMENTS if key in attributes), None)
    result = next((structured(attributes[key]) for key in _RESULTS if key in attributes), None)
    stated = [attributes.get(key) for key in _MODELS]
    stated += [each.get("model") for each in (arguments, result) if isinstance(each, Mapping)]
    models = frozenset(str(each) for each in stated if each)
    pairs = dict(_flat(attributes))
    asked = arguments if isinstance(arguments, Mapping) else {"input": arguments}
    vectors = vectors_of(result)
    try:
        inputs = inputs_of(asked)
    except RefusedError:
        inputs = []
    if len(inputs) == len(vectors):
        yield from ((item, Embedding(vector, models)) for item, vector in zip(inputs, vectors, strict=True))
    yield from ((text, Embedding(vector, models)) for text, vector in pairs.items() if vector)


def _flat(attributes: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, ...]]]:
    rows: dict[str, dict[str, Any]] = {}
    for key, value in attributes.items():
        named = _FLAT.fullmatch(key)
        if named is not None:
            rows.setdefault(named[1], {})[named[2]] = value
    for row in rows.values():
        if isinstance(row.get("text"), str):
            yield row["text"], _vector(structured(row.get("vector")))


def inputs_of(asked: Mapping[str, Any]) -> list[Any]:
    """Return what is to be embedded, one by one: a text, several texts, a list of tokens, several of them.

    Raises:
        RefusedError: It is no request for embeddings.
    """
    given = asked.get("input", asked.get("texts", asked.get("text")))
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and given:
        if all(type(each) is int for each in given):
            return [given]
        if all(isinstance(each, (str, list)) for each in given):
            return given
    raise RefusedError(400, "invalid_request", "input: expected a text, texts, or tokens")


def _base64(vector: Sequence[float]) -> str:
    """Return a vector as its clients decode it: 32-bit floats, the lowest byte first."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _from_base64(text: str) -> tuple[float, ...]:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ()
    return struct.unpack(f"<{len(data) // _FLOAT_BYTES}f", data) if data and len(data) % _FLOAT_BYTES == 0 else ()
