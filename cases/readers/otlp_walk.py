"""One OTLP/JSON document that is larger than memory, cut into batches such as a Collector writes on lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..strict_json import Limits
from .cursor import JsonCursor
from .source import SourceFile

_BATCH_CHARACTERS = 1 << 20


def batches(source: SourceFile) -> Iterator[tuple[str, str]]:
    """Yield the JSON pointer of the first span and the text of a small TracesData, in order of the file.

    What stands behind the spans of a resource or scope (``schemaUrl``) is left out; the resource and the scope
    themselves are waited for, within the size limit.
    """
    limits = source.options.limits
    with source.path.open("rb") as file:
        cursor = JsonCursor(file, source.name, limits)
        for key in cursor.members():
            if key != "resourceSpans":
                cursor.take()
                continue
            for index in cursor.items():
                yield from _resource(cursor, f"/resourceSpans/{index}", limits)
        cursor.finish()


def _resource(cursor: JsonCursor, pointer: str, limits: Limits) -> Iterator[tuple[str, str]]:
    fields: dict[str, str] = {}
    held: list[tuple[str, str]] = []
    held_characters = 0
    for key in cursor.members():
        if key != "scopeSpans":
            fields[key] = cursor.take()[1]
            continue
        for index in cursor.items():
            for place, scope in _scope(cursor, f"{pointer}/scopeSpans/{index}", limits):
                held.append((place, scope))
                held_characters += len(scope)
                if "resource" in fields or held_characters > limits.document_bytes:
                    yield from _wrapped(held, fields)
                    held, held_characters = [], 0
    yield from _wrapped(held, fields)


def _wrapped(held: list[tuple[str, str]], fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for place, scope in held:
        yield place, f'{{"resourceSpans":[{{{_members(fields)}"scopeSpans":[{scope}]}}]}}'


def _scope(cursor: JsonCursor, pointer: str, limits: Limits) -> Iterator[tuple[str, str]]:
    fields: dict[str, str] = {}
    spans: list[str] = []
    first, characters = 0, 0
    for key in cursor.members():
        if key != "spans":
            fields[key] = cursor.take()[1]
            continue
        for index in cursor.items():
            spans.append(cursor.take()[1])
            characters += len(spans[-1])
            if characters > (_BATCH_CHARACTERS if "scope" in fields else limits.document_bytes):
                yield f"{pointer}/spans/{first}", _scope_text(fields, spans)
                spans, first, characters = [], index + 1, 0
    if spans:
        yield f"{pointer}/spans/{first}", _scope_text(fields, spans)


def _scope_text(fields: Mapping[str, str], spans: list[str]) -> str:
    return f'{{{_members(fields)}"spans":[{",".join(spans)}]}}'


def _members(fields: Mapping[str, str]) -> str:
    return "".join(f'"{key}":{text},' for key, text in fields.items())
