"""A small dialect of JSONPath (RFC 9535): names, indices, wildcards and descendants; no filters.

``$.items[0].id``, ``$['order id']``, ``$.items[*].price``, ``$..status``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_STEP = re.compile(
    r"""(?P<deep>\.\.)?\.?(?:(?P<name>[^\W\d][\w-]*)|(?P<star>\*)
    |\[\s*(?:(?P<index>-?\d+)|(?P<all>\*)|'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\])""",
    re.VERBOSE,
)
_MAX_NODES = 100_000


class Step(NamedTuple):
    """One step of a path."""

    key: str | int | None
    """A member name or an index; None for a wildcard."""
    deep: bool
    """Whether it applies to every descendant (``..``)."""


def parse_path(path: str) -> tuple[Step, ...]:
    """Parse a path.

    Args:
        path: Starts with ``$``.

    Raises:
        ValueError: It is not in the dialect; the message names the place.
    """
    if not path.startswith("$"):
        raise ValueError(f"expected a path that starts with $, got {path!r}")
    steps, position = [], 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or match.end() == position or not _well_dotted(match):
            raise ValueError(f"expected .name, [0], ['name'], [*] or .. at {position}, got {path!r}")
        steps.append(Step(_key(match), bool(match["deep"])))
        position = match.end()
    return tuple(steps)


def _well_dotted(match: re.Match[str]) -> bool:
    text = match[0]
    if match["deep"]:
        return not text.startswith("...")
    bracket = text.lstrip(".").startswith("[")
    return text.startswith(".") != bracket


def _key(match: re.Match[str]) -> str | int | None:
    if match["index"] is not None:
        return int(match["index"])
    if match["name"] is not None:
        return match["name"]
    quoted = match["single"] if match["single"] is not None else match["double"]
    return None if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def select(steps: tuple[Step, ...], value: Any) -> list[Any]:
    """Return every value a parsed path leads to, in document order.

    Raises:
        ValueError: More than 100,000 values are reached.
    """
    nodes = [value]
    for step in steps:
        found: list[Any] = []
        for node in nodes:
            for origin in _descendants(node) if step.deep else (node,):
                found.extend(_children(origin, step.key))
                if len(found) > _MAX_NODES:
                    raise ValueError(f"expected at most {_MAX_NODES} values on a path, got more")
        nodes = found
    return nodes


def _children(node: Any, key: str | int | None) -> list[Any]:
    if isinstance(node, dict):
        if key is None:
            return list(node.values())
        return [node[key]] if isinstance(key, str) and key in node else []
    if isinstance(node, list):
        if key is None:
            return node
        if isinstance(key, int) and -len(node) <= key < len(node):
            return [node[key]]
    return []


def _descendants(node: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(_children(current, None)))
