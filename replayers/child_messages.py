"""The messages of the child process: what is one, and what is none.

The app can write into the pipe too, and an old interpreter may print into it: whatever the child does not send itself
ends the replay. An app that means to lie can send what the child would; see ``docs/explanation/threats.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from .boundary import BOUNDARY_KINDS

NO_MESSAGE = "the process sent something that is no message"
_DEEPEST = 128
"""Levels of a message; the child cuts the app's values at 100."""


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return the message of a line; None where it is none.

    The parser takes no ``NaN``, no infinity and no lone surrogate. The child sends neither, and what is stored of a
    replay could not be read again.
    """
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return message if _is_message(message) else None


def _is_message(message: Any) -> bool:
    fields = _FIELDS.get(str(message.get("op"))) if _is_object(message) else None
    if fields is None or len(message) != len(fields) + 1:
        return False
    return all(name in message and fits(message[name]) for name, fits in fields.items()) and not _is_too_deep(message)


def _is_too_deep(message: Any) -> bool:
    level = [message]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return True


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_kind(value: Any) -> bool:
    return value in BOUNDARY_KINDS


def _is_object(value: Any) -> bool:
    return type(value) is dict


def _is_number(value: Any) -> bool:
    return type(value) is int


def _are_texts(value: Any) -> bool:
    return type(value) is list and all(map(_is_text, value))


def _are_texts_or_none(value: Any) -> bool:
    return value is None or _are_texts(value)


def _are_boundaries(value: Any) -> bool:
    """Whether a value holds, by boundary and name, the parameters of functions."""
    return _is_object(value) and all(
        _is_kind(kind) and _is_object(named) and all(map(_are_texts_or_none, named.values()))
        for kind, named in value.items()
    )


def _is_anything(value: Any) -> bool:
    return True


_FIELDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "call": {
        "kind": _is_kind,
        "name": _is_text,
        "arguments": _is_object,
        "defaults": _is_object,
        "takes": _are_texts_or_none,
        "path": _are_texts,
    },
    "answered": {"seq": _is_number, "answer": _is_anything, "error": _is_text},
    "refused": {"what": _is_text, "place": _is_text},
    "ready": {"boundaries": _are_boundaries, "clock": _is_text},
    "returned": {"output": _is_anything, "unfinished": _are_texts, "unseen": _are_texts},
    "ending": {},
    "ended": {},
    "stopped": {"error": _is_text},
    "crashed": {"error": _is_text, "traceback": _is_text},
    "failed": {"error": _is_text, "traceback": _is_text},
    "unusable": {"error": _is_text, "hint": _is_text},
}
