"""The same call spelled differently: ``"AC-5512 "`` for ``"AC-5512"``, ``"59.0"`` for 59.

A system on the other side often takes both for the same, so a call that was only respelled was not prevented. What it
is taken for there, a recording cannot say: such a call is undecided, never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..cases.trace import Span, ToolCall, Trace
from .disguise import folded


def as_recorded(replayed: Trace, recording: Trace) -> Trace | None:
    """Return a replay's trace with each respelled argument in its recorded spelling; None where none was respelled.

    Args:
        replayed: The trace of the replay.
        recording: The trace that was replayed; its calls of the same tool say how a value was spelled.
    """
    recorded: dict[str, list[Any]] = {}
    for _, view in recording.views(ToolCall):
        recorded.setdefault(view.name, []).append(view.arguments)
    spans = tuple(_respelled(span, recorded) for span in replayed.spans)
    if all(new is old for new, old in zip(spans, replayed.spans, strict=True)):
        return None
    return msgspec.structs.replace(replayed, spans=spans)


def _respelled(span: Span, recorded: Mapping[str, list[Any]]) -> Span:
    view = span.view
    if not isinstance(view, ToolCall) or not isinstance(view.arguments, Mapping):
        return span
    for arguments in recorded.get(view.name, ()):
        spelled = _like(view.arguments, arguments)
        if spelled is not view.arguments:
            return msgspec.structs.replace(span, view=msgspec.structs.replace(view, arguments=spelled))
    return span


def _like(value: Any, recorded: Any) -> Any:
    """Return a value in the recorded spelling wherever it is the recorded one respelled; itself where nowhere."""
    if isinstance(value, Mapping) and isinstance(recorded, Mapping):
        spelled = {key: _like(each, recorded[key]) if key in recorded else each for key, each in value.items()}
        return value if all(spelled[key] is value[key] for key in value) else spelled
    if isinstance(value, list) and isinstance(recorded, list) and len(value) == len(recorded):
        items = [_like(each, other) for each, other in zip(value, recorded, strict=True)]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    plain = _plain(value)
    same = plain is not None and plain == _plain(recorded) and (type(value) is not type(recorded) or value != recorded)
    return recorded if same else value


def _plain(value: Any) -> str | float | None:
    """Return what two spellings of one value have in common; None for what has no spelling."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = folded(str(value))
    try:
        return float(text)
    except (ValueError, OverflowError):
        return text
