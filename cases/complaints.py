"""Validation errors of case.yaml in words, each with its line and the nearest known word."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import CaseError
from .strict_yaml import JsonPath, Place

MAX_SHOWN = 60
MAX_LISTED = 6


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake in a file."""

    message: str
    where: str
    """``file:line``."""
    hint: str = ""

    def __str__(self) -> str:
        return str(CaseError(self.message, where=self.where, hint=self.hint))


class CaseFileError(CaseError):
    """A case.yaml with mistakes; all of them, the first one as the error's own message."""

    def __init__(self, found: Sequence[Complaint]) -> None:
        self.complaints = tuple(found)
        first = self.complaints[0]
        super().__init__(first.message, where=first.where, hint=first.hint)

    def __str__(self) -> str:
        return "\n".join(str(complaint) for complaint in self.complaints)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the known word nearest to a word, or an empty text."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else ""


def complaints(
    error: ValidationError,
    model: type[BaseModel],
    document: Any,
    places: Mapping[JsonPath, Place],
    where: str,
) -> list[Complaint]:
    """Return the mistakes that pydantic found, in order of line; keys that are missing come last.

    Args:
        error: What validation raised.
        model: The model of the whole document.
        document: The document that was validated.
        places: Line and column by path.
        where: What to call the file.
    """
    found: dict[tuple[bool, int, str], Complaint] = {}
    for details in error.errors(include_url=False):
        path = _path_in(document, details["loc"])
        line = next(places[path[:end]][0] for end in range(len(path), -1, -1) if path[:end] in places)
        message, hint = _words(details, model, path)
        missing = details["type"] == "missing"  # often for a key that is there, with a typo
        found.setdefault((missing, line, message), Complaint(message, f"{where}:{line}", hint))
    return [found[key] for key in sorted(found, key=lambda key: key[:2])]


_NOTHING = object()


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, list):
        return value[step] if isinstance(step, int) and step < len(value) else _NOTHING
    return value.get(step, _NOTHING) if isinstance(value, dict) else _NOTHING


def _path_in(document: Any, loc: Sequence[str | int]) -> JsonPath:
    # pydantic's location also holds the tags of unions, which are no keys of the document.
    path: list[str | int] = []
    value = document
    for step in loc:
        inside = _child(value, step)
        if inside is not _NOTHING:
            path.append(step)
            value = inside
    return tuple(path)


def _words(details: ErrorDetails, model: type[BaseModel], path: JsonPath) -> tuple[str, str]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    name = _dotted(path)
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, details["loc"][:-1]))
        key = str(details["loc"][-1])
        return f"expected a known key, got {key!r}", nearest(key, known) or f"Known here: {', '.join(known)}"
    if kind == "missing":
        key = str(details["loc"][-1])
        return f"expected the key {key!r}{f' in {name}' if name else ''}, got none", ""
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context.get("expected_tags", "")
        # A union reports the mapping; the word itself stands under ``type``.
        word = value.get("type") if isinstance(value, dict) else value
        known = [each.strip("' ") for each in expected.replace(" or ", ", ").split(",")]
        hint = nearest(str(word), known)
        # The whole list only where no word of it is near.
        wanted = f"a known word for {name}" if hint and len(known) > MAX_LISTED else f"one of {expected} for {name}"
        return f"expected {wanted}, got {_shown(word)}", hint
    if kind == "union_tag_not_found":
        return f"expected a type in {name}, got none", ""
    text = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if text.startswith("expected"):
        return f"{name}: {text}" if name else text, ""
    text = text.replace("Input should be ", "expected ", 1)
    hint = "Quote it if it is text" if kind == "string_type" and isinstance(value, (int, float)) else ""
    return f"{name}: {text}, got {_shown(value)}", hint


def _dotted(path: JsonPath) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> set[str]:
    kinds: list[Any] = [model]
    for step in loc:
        kinds = [inner for kind in kinds for inner in _step(kind, step)]
    return {field.alias or name for kind in _models(kinds) for name, field in kind.model_fields.items()}


def _step(kind: Any, step: str | int) -> list[Any]:
    """Return the types that one step of a location leads to from a type."""
    kind = _plain(kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        tagged = [each for each in get_args(kind) if _has_tag(each, step)]
        return tagged or [inner for each in get_args(kind) for inner in _step(each, step)]
    if origin in (list, tuple):
        return [get_args(kind)[0]] if isinstance(step, int) else []
    if origin is dict:
        return [get_args(kind)[1]]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if step == kind.__name__:  # unions without tag name their member
            return [kind]
        return [field.annotation for name, field in kind.model_fields.items() if step in (name, field.alias)]
    return []


def _models(kinds: Iterable[Any]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for kind in map(_plain, kinds):
        if get_origin(kind) in (Union, types.UnionType):
            found += _models(get_args(kind))
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            found.append(kind)
    return found


def _plain(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _has_tag(kind: Any, tag: str | int) -> bool:
    kind = _plain(kind)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    field = kind.model_fields.get("type")
    return field is not None and get_origin(field.annotation) is Literal and tag in get_args(field.annotation)
