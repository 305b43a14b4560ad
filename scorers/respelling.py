"""The same call spelled differently: ``"AC-5512 "`` for ``"AC-5512"``, ``["59.0"]`` for 59, ``order`` for ``order_id``.

A system on the other side often takes both for the same, so a call that was only respelled was not prevented. What it
is taken for there, a recording cannot say.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from ..cases.trace import Span, ToolCall, Trace
from .disguise import folded


def as_recorded(replayed: Trace, call: ToolCall, changed: Collection[str]) -> Trace:
    """Return a replay's trace with the arguments of changed calls read as those of a recorded call where they may be.

    An argument that is the recorded one respelled is taken for it, and so is one that the changed call does not have.

    Args:
        replayed: The trace of the replay.
        call: The recorded call.
        changed: The spans of the calls that were not made as recorded.
    """
    spans = tuple(_respelled(span, call) if span.span_id in changed else span for span in replayed.spans)
    return msgspec.structs.replace(replayed, spans=spans)


def _respelled(span: Span, call: ToolCall) -> Span:
    view = span.view
    if not isinstance(view, ToolCall) or view.name != call.name or not isinstance(call.arguments, Mapping):
        return span
    given = view.arguments if isinstance(view.arguments, Mapping) else {}
    spelled = {key: _like(each, call.arguments[key]) if key in call.arguments else each for key, each in given.items()}
    arguments = {**call.arguments, **spelled}
    return msgspec.structs.replace(span, view=msgspec.structs.replace(view, arguments=arguments, arguments_raw=""))


def _like(value: Any, recorded: Any) -> Any:
    """Return a value in the recorded spelling wherever it is the recorded one respelled; itself where nowhere."""
    if isinstance(value, Mapping) and isinstance(recorded, Mapping):
        return {key: _like(each, recorded[key]) if key in recorded else each for key, each in value.items()}
    if isinstance(value, list) and isinstance(recorded, list):
        if len(value) != len(recorded):
            return value
        return [_like(each, other) for each, other in zip(value, recorded, strict=True)]
    plain = _plain(value)
    return recorded if plain is not None and plain == _plain(recorded) else value


def _plain(value: Any) -> str | float | bool | None:
    """Return what the spellings of one value have in common; None for what is no single value."""
    if isinstance(value, Mapping) and list(value) == ["__bytes__"]:
        value = base64.b64decode(value["__bytes__"]).decode("utf-8", "replace")
    while isinstance(value, (list, Mapping)) and len(value) == 1:
        value = next(iter(value.values() if isinstance(value, Mapping) else value))
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value if isinstance(value, bool) else None
    text = folded(str(value))
    try:
        return float(text)
    except (ValueError, OverflowError):
        return _bare(text)


def _bare(text: str) -> str:
    """Return an identifier without what is often put around it: a link to it, a number sign, escapes, other dashes."""
    last = unquote(text).split("\0")[0]
    if "://" in last:
        last = re.split(r"[/=#?&]", last.rstrip("/"))[-1]
    return last.lstrip("#").replace("-", "_")
