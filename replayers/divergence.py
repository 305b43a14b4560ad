"""Divergences: which fields of a boundary call differ from the recording, in words people read.

Equality is decided by keys (``replayers.request``); this module runs only after a mismatch and looks only at what
differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from .alignment import differing
from .boundary import RecordedCall
from .canonical import Renaming, bare_part, dumps, model_head
from .replay import FieldDifference
from .request import PreparedRequest, Request

MAX_DIFFERENCES = 20
"""How many differing fields a divergence lists."""
EXCERPT = 200
"""Characters of a long text that are kept around the first difference."""
_ABSENT: Any = object()


def request_differences(recorded: Request, replayed: Request) -> tuple[FieldDifference, ...]:
    """Return the fields in which two requests at the same boundary differ.

    For models, messages are compared up to the first that differs in more than noise: later ones follow from it.
    """
    if recorded.kind != "model":
        return value_differences(recorded.value, replayed.value)
    found = list(value_differences(model_head(recorded.value), model_head(replayed.value)))
    found += _first_message_difference(recorded, replayed)
    return tuple(found[:MAX_DIFFERENCES])


def _first_message_difference(recorded: Request, replayed: Request) -> list[FieldDifference]:
    old_names, new_names = Renaming(), Renaming()
    for index, (old, new) in enumerate(zip_longest(recorded.messages, replayed.messages)):
        if old is None:
            return [FieldDifference(path=f"/messages/{index}", change="added", replayed=_shown_message(new))]
        if new is None:
            return [FieldDifference(path=f"/messages/{index}", change="removed", recorded=_shown_message(old))]
        # Renamed also where the keys are equal: what an identifier stands for depends on all that came before.
        if dumps(old_names.message(old)) != dumps(new_names.message(new)):
            old_value, new_value = _shown_message(old), _shown_message(new)
            return list(value_differences(old_value, new_value, f"/messages/{index}"))
    return []


def _shown_message(message: Any) -> dict[str, Any]:
    texts_only = all(part.get("type") == "text" for part in message.parts)
    content: Any = list(map(bare_part, message.parts))
    if texts_only:
        content = "\n".join(str(part.get("content", "")) for part in message.parts)
    return {"role": message.role, "content": content}


def value_differences(recorded: Any, replayed: Any, path: str = "") -> tuple[FieldDifference, ...]:
    """Return the places in which two JSON values differ, at most ``MAX_DIFFERENCES``."""
    found: list[FieldDifference] = []
    _walk(recorded, replayed, path, found)
    if not found:
        # Python's equality of containers hides what keys tell apart: 1, 1.0 and true.
        _walk(recorded, replayed, path, found, to_the_leaves=True)
    return tuple(found[:MAX_DIFFERENCES])


def _walk(old: Any, new: Any, path: str, found: list[FieldDifference], *, to_the_leaves: bool = False) -> None:
    if len(found) >= MAX_DIFFERENCES or (type(old) is type(new) and not to_the_leaves and old == new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            _walk(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}/{key}", found, to_the_leaves=to_the_leaves)
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        _walk_list(old, new, path, found, to_the_leaves)
    elif type(old) is not type(new) or old != new:
        found.append(_leaf(old, new, path or "/"))


def _walk_list(
    old: Sequence[Any], new: Sequence[Any], path: str, found: list[FieldDifference], to_the_leaves: bool
) -> None:
    if len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            _walk(left, right, f"{path}/{index}", found, to_the_leaves=to_the_leaves)
        return
    for at, to in differing(old, new):
        left = _ABSENT if at is None else old[at]
        right = _ABSENT if to is None else new[to]
        _walk(left, right, f"{path}/{to if at is None else at}", found)
        if len(found) >= MAX_DIFFERENCES:
            return


def _leaf(old: Any, new: Any, path: str) -> FieldDifference:
    if old is _ABSENT:
        return FieldDifference(path=path, change="added", replayed=_short(new))
    if new is _ABSENT:
        return FieldDifference(path=path, change="removed", recorded=_short(old))
    if isinstance(old, str) and isinstance(new, str):
        old, new = _around_first_difference(old, new)
    return FieldDifference(path=path, change="changed", recorded=_short(old), replayed=_short(new))


def _around_first_difference(old: str, new: str) -> tuple[str, str]:
    if max(len(old), len(new)) <= EXCERPT:
        return old, new
    start = max(0, _shared_prefix(old, new) - EXCERPT // 4)
    return _window(old, start), _window(new, start)


def _shared_prefix(old: str, new: str) -> int:
    """Return the length of the common prefix, by bisection over slices (a loop over characters is 100 x slower)."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _window(text: str, start: int) -> str:
    cut = text[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(text) else ''}"


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > EXCERPT + 2:
        return value[:EXCERPT] + "…"
    return value


def nearest(request: PreparedRequest, calls: Sequence[RecordedCall]) -> RecordedCall | None:
    """Return the recorded call most like a request: the same name first, then the fewest differing fields."""
    candidates = list(calls)[:50]
    if not candidates:
        return None
    return min(candidates, key=lambda call: (_distance(call, request), call.index))


def _distance(call: RecordedCall, request: PreparedRequest) -> int:
    recorded = call.prepared
    if request.request.kind == "model":
        shared = 0
        for left, right in zip(recorded.message_keys, request.message_keys, strict=False):
            if left != right:
                break
            shared += 1
        return len(recorded.message_keys) + len(request.message_keys) - 2 * shared + (recorded.head != request.head)
    return len(request_differences(recorded.request, request.request))
