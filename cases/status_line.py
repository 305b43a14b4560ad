"""Edits the status in the text of a case.yaml, leaving every other character as it is."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from . import strict_yaml
from .errors import CaseError


def with_status(data: bytes, status: str, where: str) -> bytes:
    """Return a case.yaml with another status.

    Args:
        data: The file's bytes; a valid case.
        status: The new status, a plain word.
        where: What to call the file in errors.

    Raises:
        CaseError: The text cannot be edited such that only the status changes.
    """
    text = data.decode()
    old = strict_yaml.parse(data, where)
    root: Any = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
    offset = len(text) - len(text.removeprefix("\ufeff"))
    start, end, replacement = _place(root, text, status)
    edited = (text[: start + offset] + replacement + text[end + offset :]).encode()
    if not _says(edited, {**old, "status": status}):
        raise CaseError(
            "expected a status that can be edited in place, got an unusual layout",
            where=where,
            hint=f"Put `status: {old.get('status', 'open')}` on a line of its own, then run the command again",
        )
    return edited


def _says(text: bytes, expected: Any) -> bool:
    try:
        return bool(strict_yaml.parse(text, "") == expected)
    except CaseError:
        return False


def _place(root: MappingNode, text: str, status: str) -> tuple[int, int, str]:
    """Return start and end of what to replace, and with what."""
    found: dict[str, tuple[Node, Node]] = {key.value: (key, value) for key, value in root.value}
    if "status" in found:
        key, value = found["status"]
        start, end = value.start_mark.index, value.end_mark.index
        return start, end, f" {status}" if start == end and text[start - 1 : start] == ":" else status
    if root.flow_style:
        start = root.start_mark.index + 1
        return start, start, f"status: {status}, "
    key, value = found["title"]
    start = key.start_mark.index
    newline = "\r\n" if "\r\n" in text else "\n"
    return start, start, f"status: {status}{newline}{' ' * key.start_mark.column}"
