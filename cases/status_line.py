"""Edits one plain value in the text of a case.yaml, leaving every other character as it is."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from . import strict_yaml
from .errors import CaseError

_DEFAULTS = {"status": "open", "blocks_while_open": "false"}
"""What a key means where a case leaves it out."""


def with_status(data: bytes, status: str, where: str) -> bytes:
    """Return a case.yaml with another status; see `with_value`."""
    return with_value(data, "status", status, where)


def with_value(data: bytes, key: str, value: str | bool, where: str) -> bytes:
    """Return a case.yaml with another value of a key at its top.

    Args:
        data: The file's bytes; a valid case.
        key: The key; where the case has none, it is put before ``status`` or ``title``.
        value: A plain word, true or false.
        where: What to call the file in errors.

    Raises:
        CaseError: The text cannot be edited such that only this value changes.
    """
    text = data.decode()
    old = strict_yaml.parse(data, where)
    root: Any = yaml.compose(text.removeprefix("\ufeff"), Loader=strict_yaml.LOADER)
    offset = len(text) - len(text.removeprefix("\ufeff"))
    written = str(value).lower() if isinstance(value, bool) else value
    start, end, replacement = _place(root, text, key, written)
    edited = (text[: start + offset] + replacement + text[end + offset :]).encode()
    if not _says(edited, {**old, key: value}):
        line = f"{key}: {old.get(key, _DEFAULTS.get(key, written))}"
        raise CaseError(
            f"expected a {key} that can be edited in place, got an unusual layout",
            where=where,
            hint=f"Put `{line}` on a line of its own, then run the command again",
        )
    return edited


def _says(text: bytes, expected: Any) -> bool:
    try:
        return bool(strict_yaml.parse(text, "") == expected)
    except CaseError:
        return False


def _place(root: MappingNode, text: str, name: str, written: str) -> tuple[int, int, str]:
    """Return start and end of what to replace, and with what."""
    found: dict[str, tuple[Node, Node]] = {key.value: (key, value) for key, value in root.value}
    if name in found:
        key, value = found[name]
        start, end = value.start_mark.index, value.end_mark.index
        return start, end, f" {written}" if start == end and text[start - 1 : start] == ":" else written
    if root.flow_style:
        start = root.start_mark.index + 1
        return start, start, f"{name}: {written}, "
    key, value = found.get("status") or found["title"]
    start = key.start_mark.index
    newline = "\r\n" if "\r\n" in text else "\n"
    return start, start, f"{name}: {written}{newline}{' ' * key.start_mark.column}"
