"""Finds a text however it is disguised: case, spacing, invisible characters, simple encodings.

A text is brought into a few plain forms (folded, squeezed, decoded) and the value's own forms (itself,
reversed, hexadecimal, base64 at each of the three alignments) are looked up in them. One layer of encoding
is undone. A match in a squeezed form counts only where it begins and ends at word boundaries of the
original, so that ``thesis`` is not found in ``the sister``.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_plus

_TOLERANT_LENGTH = 6
"""Letters and digits from which on a value is looked for squeezed, reversed and encoded; shorter ones occur
in any long text by chance."""
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_ASCII_SEPARATORS = {code: None for code in range(128) if not chr(code).isalnum()}
_ASCII_SPACES = dict.fromkeys(map(ord, " \t\n\r\v\f"))
_URL_SAFE = str.maketrans("-_", "+/")


def folded(text: str) -> str:
    """Return a text without invisible characters, in compatibility form, in lower case, single-spaced."""
    if text.isascii():
        return " ".join(text.lower().split())
    visible = "".join(char for char in text if not _invisible(char))
    plain = unicodedata.normalize("NFKC", visible).casefold()
    return " ".join(plain.split())


def _invisible(char: str) -> bool:
    # Format characters (zero-width, bidi, tags), and variation selectors, which are marks.
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def squeezed(text: str) -> str:
    """Return the letters and digits of a folded text."""
    if text.isascii():
        return text.translate(_ASCII_SEPARATORS)
    return "".join(filter(str.isalnum, text))


def _spaceless(text: str) -> str:
    if not text.isascii():
        text = "".join(char for char in text if not _invisible(char) and not char.isspace())
    return text.translate(_ASCII_SPACES)


@dataclass(frozen=True, slots=True)
class Needle:
    """A value to look for, with its forms computed once."""

    value: str
    folded: str
    squeezed: str
    """Letters and digits only; empty when the value is too short to be looked for tolerantly."""
    hexes: tuple[str, ...]
    base64s: tuple[str, ...]

    @classmethod
    def of(cls, value: str) -> Needle:
        """Return the needle of a value."""
        plain = folded(value)
        core = squeezed(plain)
        if len(core) < _TOLERANT_LENGTH:
            return cls(value, plain, "", (), ())
        variants = dict.fromkeys(each.encode("utf-8", "replace") for each in _variants(value))
        hexes = tuple(each.hex() for each in variants)
        return cls(value, plain, core, hexes, tuple(part for each in variants for part in _alignments(each)))


def _variants(value: str) -> tuple[str, ...]:
    stripped = value.strip()
    return (stripped, stripped.lower(), stripped.upper(), stripped[::-1])


def _alignments(data: bytes) -> list[str]:
    """Return the base64 characters that depend on the data alone, at each of the three alignments."""
    parts = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data).decode()
        start = (shift * 8 + 5) // 6
        parts.append(text[start : (shift + len(data)) * 8 // 6])
    return parts


class Haystack:
    """A text to look in, with its forms computed when first needed.

    Args:
        text: Any text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._decoded = [each for each in dict.fromkeys(_decodings(text)) if each != text]
        self._folded: list[str] = []
        self._squeezed: list[str] = []
        self._reversed: list[str] = []
        self._spaceless = ""

    def _prepare(self) -> None:
        self._folded = [folded(each) for each in (self.text, *self._decoded)]
        self._squeezed = [squeezed(each) for each in self._folded]
        self._reversed = [each[::-1] for each in self._folded]
        self._spaceless = _spaceless(self.text).translate(_URL_SAFE)

    def finds(self, needle: Needle) -> str:
        """Say how a value stands in the text: ``plainly``, ``reversed`` …; empty when it does not."""
        if not self._folded:
            self._prepare()
        if not needle.squeezed:
            return "plainly" if any(_has_word(each, needle.folded) for each in self._folded) else ""
        if needle.folded and needle.folded in self._folded[0]:
            return "plainly"
        if any(needle.folded in each for each in self._folded[1:]):
            return "escaped"
        return self._finds_disguised(needle)

    def _finds_disguised(self, needle: Needle) -> str:
        for plain, close, backwards in zip(self._folded, self._squeezed, self._reversed, strict=True):
            if needle.squeezed in close and _at_boundaries(plain, needle.squeezed):
                return "spaced out"
            if needle.squeezed[::-1] in close and _at_boundaries(backwards, needle.squeezed):
                return "reversed"
        if any(each in self._squeezed[0] for each in needle.hexes):
            return "in hexadecimal"
        if any(each in self._spaceless for each in needle.base64s):
            return "in base64"
        return ""


def _decodings(text: str) -> list[str]:
    found = []
    if "%" in text:
        found.append(unquote_plus(text, errors="replace"))
    if "&" in text:
        found.append(html.unescape(text))
    if "\\" in text:
        found.append(_JSON_ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text))
    return found


def _has_word(text: str, word: str) -> bool:
    """Tell whether a short value stands in a text as a word of its own."""
    start = text.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        if not _inside_word(text, start) and not _inside_word(text, end):
            return True
        start = text.find(word, start + 1)
    return False


def _inside_word(text: str, position: int) -> bool:
    """Tell whether a position has a letter or digit on both sides."""
    return 0 < position < len(text) and text[position - 1].isalnum() and text[position].isalnum()


def _at_boundaries(text: str, core: str) -> bool:
    """Tell whether a squeezed value stands in a folded text from one word boundary to another."""
    places = [index for index, char in enumerate(text) if char.isalnum()]
    close = "".join(text[index] for index in places)
    start = close.find(core)
    while start >= 0:
        first, last = places[start], places[start + len(core) - 1]
        if not _inside_word(text, first) and not _inside_word(text, last + 1):
            return True
        start = close.find(core, start + 1)
    return False
