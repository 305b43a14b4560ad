"""Attributes that spell a structure in their names, ``llm.input_messages.0.message.role``, brought back to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..message_parts import structured

Tree = dict[str, Any]


def tree_of(attributes: Mapping[str, Any], heads: Iterable[str]) -> Tree:
    """Return the attributes under these first words as nested objects and lists.

    Args:
        attributes: Flat, nested, or mixed: exports of tables nest the lists and flatten what is above.
        heads: First words of the names to take.
    """
    wanted = frozenset(heads)
    tree: Tree = {}
    for key, value in attributes.items():
        if key.split(".", 1)[0] in wanted:
            _put(tree, key.split("."), value)
    found = _listed(tree)
    return found if isinstance(found, dict) else {}


def under(tree: Any, *path: str) -> Any:
    """Return what stands at a path of keys, None where it ends early."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def items_under(tree: Any, *path: str) -> list[Any]:
    """Return the list at a path; one that an exporter wrote as JSON text is opened."""
    found = structured(under(tree, *path))
    return _listed(_grown(found)) if isinstance(found, list) else []


def _put(tree: Tree, path: list[str], value: Any) -> None:
    for step in path[:-1]:
        below = tree.get(step)
        if not isinstance(below, dict):
            # A name may have a value and names below it: the value gives way, the attribute itself is kept anyway.
            below = tree[step] = {}
        tree = below
    known = tree.get(path[-1])
    value = _grown(value)
    if isinstance(known, dict) and isinstance(value, dict):
        known.update(value)
    elif not isinstance(known, dict):
        tree[path[-1]] = value


def _grown(value: Any) -> Any:
    """Return a value in which dotted names are nested too."""
    if isinstance(value, list):
        return [_grown(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    tree: Tree = {}
    for key, item in value.items():
        _put(tree, str(key).split("."), item)
    return tree


def _listed(value: Any) -> Any:
    """Return a tree in which objects whose keys are all numbers are lists, in order of the numbers."""
    if isinstance(value, list):
        return [_listed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}
