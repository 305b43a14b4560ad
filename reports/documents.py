"""The JSON of a run: a verdict with its replays, deterministic, and read back with its version checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..cases import strict_json
from ..cases.errors import ConfigError, SourceError
from ..scorers.verdict import RESULT_FORMAT, CaseVerdict
from .text import excerpt, visible

DEEPEST = 150
"""Levels of nesting that are kept; the strict reader refuses more than 200."""
_SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def to_json(verdict: CaseVerdict) -> bytes:
    """Return the JSON of a verdict: the same verdict is always the same bytes, with a newline at the end.

    What JSON cannot hold is written as text that says so: ``NaN``, a lone surrogate as its escape, and an excerpt
    of what is nested deeper than ``DEEPEST`` levels.
    """
    # The version is always written, although the struct leaves out what has its default.
    return _written({"format": verdict.format, **_clean_container(verdict, 0)}, indent=1)


def encoded(value: Any, *, indent: int = 2) -> bytes:
    """Return the JSON of anything made of structs, dataclasses, mappings and sequences, with a newline at the end.

    What JSON cannot hold is written as ``to_json`` says, whatever a trace brought in.
    """
    return _written(_clean(value, 0), indent)


def _written(clean: Any, indent: int) -> bytes:
    return msgspec.json.format(msgspec.json.encode(clean), indent=indent) + b"\n"


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if value.isascii() or _encodable(value) else visible(value, keep="\n\r\t")
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int):
        return value
    if depth > DEEPEST:
        return excerpt(value, 400)
    return _clean_container(value, depth + 1)


def _clean_container(value: Any, depth: int) -> Any:
    if isinstance(value, msgspec.Struct):
        value = _shallow(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_clean(str(key), depth): _clean(each, depth) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each, depth) for each in value]
    return str(value)


def _shallow(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct's tag and its fields that differ from their defaults, unconverted."""
    info = value.__struct_config__
    tag = {info.tag_field: info.tag} if info.tag_field else {}
    fields = msgspec.structs.fields(value)
    return tag | {field.name: getattr(value, field.name) for field in fields if not _is_default(value, field)}


def _is_default(value: msgspec.Struct, field: msgspec.structs.FieldInfo) -> bool:
    current = getattr(value, field.name)
    if field.default is not msgspec.NODEFAULT:
        return type(current) is type(field.default) and bool(current == field.default)
    return field.default_factory is not msgspec.NODEFAULT and current in ({}, [], ())


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def from_json(data: bytes, where: str = "result") -> CaseVerdict:
    """Return the verdict in the JSON of a run.

    Raises:
        ConfigError: It is no such JSON, or of another version; ``where`` names the file.
    """
    try:
        content = strict_json.parse(data, where=where, strict=True)
    except SourceError as error:
        raise ConfigError(error.message, where=error.where, hint=_HINT) from error
    return _decoded(content, where)


def load_result(path: Path) -> CaseVerdict:
    """Return the verdict in a result file.

    Raises:
        ConfigError: The file cannot be read, is no result, or is of another version.
    """
    try:
        content = strict_json.read(path, strict=True)
    except SourceError as error:
        where = f"{path.parent / error.where}" if error.where.startswith(path.name) else error.where or str(path)
        raise ConfigError(error.message, where=where, hint=_HINT) from error
    return _decoded(content, str(path))


_HINT = "`unrepeat prove` writes result files"


def _decoded(content: Any, where: str) -> CaseVerdict:
    version = content.get("format") if isinstance(content, dict) else None
    if type(version) is not int or version != RESULT_FORMAT:
        newer = isinstance(version, int) and version > RESULT_FORMAT
        got = f"{version}, which a newer unrepeat wrote" if newer else excerpt(version, 40)
        raise ConfigError(f"expected a result of format {RESULT_FORMAT}, got {got}", where=where, hint=_HINT)
    try:
        return msgspec.convert(content, CaseVerdict)
    except msgspec.ValidationError as error:
        raise ConfigError(visible(str(error)), where=where, hint=_HINT) from error


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of result files."""
    schema = msgspec.json.schema(CaseVerdict)
    verdict = schema["$defs"]["CaseVerdict"]
    verdict["properties"]["format"] = {"const": RESULT_FORMAT, "description": "Version of this format."}
    verdict["required"] = ["format", *verdict["required"]]
    return {"$schema": _SCHEMA_ID, "title": "Result of an unrepeat run", **schema}
