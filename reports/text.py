"""Untrusted text made safe to show: what is invisible becomes visible, nothing can give an order.

Text from traces may hold terminal escapes, bidi overrides, zero-width characters, or lines that a CI system takes
for a command. Everything a person reads in a terminal or on a page goes through :func:`visible` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

# Printable by their Unicode category, yet drawn as nothing: fillers, the combining grapheme joiner, Mongolian and
# other variation selectors (text can be smuggled in them), Khmer inherent vowels, the blank Braille cell.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SPACES = "\u00a0\u3000\u2002\u2003\u2009\u202f"
"""Spaces that honest text uses: they stay, they have a width."""

# A GitHub runner trims a line and takes a leading `::` for a command; it takes `##[` anywhere in a line for one,
# Azure Pipelines `##vso[`, TeamCity `##teamcity[`. GitLab folds sections by escape sequences, which never get here.
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_COMMAND_ANYWHERE = re.compile(rf"#(?={_COLOUR}#{_COLOUR}(?:\[|vso\[|teamcity\[))", re.IGNORECASE)
_COMMAND_AT_START = re.compile(rf"^((?:[^\S\n]|\x1b\[[0-9;]*m)*):(?={_COLOUR}:)", re.MULTILINE)
_COMMAND_AT_WORD = re.compile(r"(?:(?<=\s)|^):(?=:)")
_BLANKS = re.compile(r"[ \t\r\n]+")
_DEEPEST = 6


def _escape(char: str) -> str:
    code = ord(char)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\x1b"}.get(char)
    if short:
        return short
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def is_unseen(char: str) -> bool:
    """Tell whether a character would be invisible, or would act instead of being shown."""
    return not (char.isprintable() or char in _SPACES) or _UNSEEN.match(char) is not None


def visible(text: str, *, keep: str = "") -> str:
    r"""Return ``text`` with control, format and invisible characters written as escapes such as ``\u202e``.

    Args:
        text: Anything; lone surrogates included.
        keep: Characters to leave alone, such as ``"\n"`` for text that is shown as a block.
    """
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(_escape(char) if char not in keep and is_unseen(char) else char for char in text)


def without_commands(text: str) -> str:
    r"""Return ``text`` in which no line, and no word that wrapping may put first on one, is a workflow command.

    The first character of the command is written as an escape: ``\x3a:error::``, ``\x23#[error]``.
    """
    if ":" not in text and "#" not in text:
        return text
    text = _COMMAND_AT_WORD.sub(r"\\x3a", text)
    return _COMMAND_ANYWHERE.sub(r"\\x23", text)


def guard_lines(text: str) -> str:
    """Return finished output, colour codes included, in which no line starts with a workflow command."""
    return _COMMAND_ANYWHERE.sub(r"\\x23", _COMMAND_AT_START.sub(r"\1\\x3a", text))


def inline(text: str) -> str:
    """Return ``text`` as one safe line: white space collapsed, the rest visible, no command in it."""
    return without_commands(visible(_BLANKS.sub(" ", text).strip(" ")))


def block(text: str) -> str:
    r"""Return ``text`` as safe lines: line breaks kept (``\r\n`` as one), tabs as four spaces."""
    unified = text.replace("\r\n", "\n").replace("\t", "    ")
    return without_commands(visible(unified, keep="\n"))


def cell_width(text: str) -> int:
    """Return how many terminal columns ``text`` takes: wide characters two, combining ones none."""
    from rich.cells import cell_len

    return cell_len(text)


def shorten(text: str, limit: int, ellipsis: str = "…") -> str:
    """Return ``text`` cut to at most ``limit`` terminal columns, with ``ellipsis`` where something was cut."""
    if cell_width(text) <= limit:
        return text
    from rich.cells import set_cell_size

    room = limit - len(ellipsis)
    if room <= 0:
        return ellipsis[:limit]
    return set_cell_size(text, room).rstrip() + ellipsis


def excerpt(value: Any, limit: int, ellipsis: str = "…") -> str:
    """Return a one-line safe excerpt of a recorded value, at most ``limit`` terminal columns wide.

    Args:
        value: Text, or anything JSON can hold. Only as much of it as can be shown is looked at.
        limit: Terminal columns.
        ellipsis: Put where something was cut; ASCII-only terminals need ``...``.
    """
    budget = max(limit, 1) * 4 + 64
    raw = value if isinstance(value, str) else "".join(_pieces(value, budget))
    cut = raw[: budget * 2]
    return shorten(inline(cut), limit, ellipsis)


def arguments(value: Any, limit: int, ellipsis: str = "…") -> str:
    """Return an excerpt of call arguments: ``order_id: "ord_993", amount: 59``, without the outer braces."""
    text = excerpt(value, limit + 1, ellipsis)
    if isinstance(value, Mapping) and text.startswith("{"):
        text = text[1:-1] if text.endswith("}") else text[1:]
    return shorten(text, limit, ellipsis)


def _pieces(value: Any, budget: int, depth: int = 0) -> Iterator[str]:
    """Yield the compact form of a value piece by piece, stopping once ``budget`` characters are out."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, Mapping):
        yield from _joined("{", ((f"{_key(key)}: ", each) for key, each in value.items()), "}", budget, depth)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        yield from _joined("[", (("", each) for each in value), "]", budget, depth)
    else:
        yield _scalar(value, budget)


def _joined(opening: str, entries: Iterator[tuple[str, Any]], closing: str, budget: int, depth: int) -> Iterator[str]:
    yield opening
    spent, separator = 1, ""
    for label, each in entries:
        if spent > budget or depth >= _DEEPEST:
            yield f"{separator}…"
            break
        yield separator + label
        spent += len(separator) + len(label)
        for piece in _pieces(each, budget - spent, depth + 1):
            spent += len(piece)
            yield piece
        separator = ", "
    yield closing


def _key(key: Any) -> str:
    text = str(key)
    return text if text.isidentifier() else _scalar(text, 80)


def _scalar(value: Any, budget: int) -> str:
    if isinstance(value, str):
        cut = value[: max(budget, 0) + 1].replace("\\", "\\\\").replace('"', '\\"')
        return f'"{cut}"' if len(value) <= budget + 1 else f'"{cut}…"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
