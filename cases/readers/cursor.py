"""Walking through a JSON document that is larger than memory, keeping the text of every part that is taken out.

The standard library's scanner finds where a value ends, at C speed and with the text at hand, which event parsers do
not give; the text is what lets a trace be rebuilt byte by byte.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import SourceError
from ..strict_json import Limits

_SPACE = re.compile(r"[ \t\r\n]*")
_CHUNK = 1 << 20
_NUMBER = "0123456789.eE+-"
_LONGEST_NUMBER = 5000


class JsonCursor:
    """A position in a JSON document that moves forward only.

    Args:
        file: Opened for reading bytes.
        where: Name of the file for messages.
        limits: ``document_bytes`` bounds one taken value.
    """

    def __init__(self, file: BinaryIO, where: str, limits: Limits) -> None:
        self._file = file
        self._where = where
        self._limits = limits
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._at = 0
        self._ended = False
        self._line_before = 1
        self._scan = json.JSONDecoder().raw_decode

    @property
    def line(self) -> int:
        """Line of the position, from 1."""
        return self._line_before + self._text.count("\n", 0, self._at)

    def peek(self) -> str:
        """Return the next character that is not white space, empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._fill(_CHUNK):
                return self._text[self._at : self._at + 1]

    def members(self) -> Iterator[str]:
        """Yield the keys of the object at the position; the value after each key must be taken or walked."""
        for _ in self._entries("{", "}"):
            if self.peek() != '"':
                raise self._broken("a key", repr(self.peek()))
            key = self.take()[0]
            self._skip(":")
            yield key

    def items(self) -> Iterator[int]:
        """Yield the index of each item of the array at the position; the item must be taken or walked."""
        yield from self._entries("[", "]")

    def take(self) -> tuple[Any, str]:
        """Return the value at the position and its text, and move behind it.

        Raises:
            SourceError: It is no JSON, or ends too late.
        """
        if not self.peek():
            raise self._broken("the rest of the JSON", "the end of the data")
        step = _CHUNK
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not self._fill(step):
                    raise self._broken("JSON", f"{self._text[self._at : self._at + 12]!r} ({error})") from None
            else:
                if self._is_whole(end) or not self._fill(step):
                    text = self._text[self._at : end]
                    self._at = end
                    return value, text
            step = min(step * 2, 1 << 26)
            if len(self._text) - self._at > self._limits.document_bytes:
                raise self._broken(f"values of at most {self._limits.document_bytes:,} bytes", "a larger one")

    def _is_whole(self, end: int) -> bool:
        """Tell whether what ends there cannot go on, as a number may behind what was read so far."""
        following = self._text[end : end + 1]
        return bool(following) and (following not in _NUMBER or len(self._text) - end > _LONGEST_NUMBER)

    def finish(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._broken("the end of the document", repr(self.peek()))

    def _entries(self, opening: str, closing: str) -> Iterator[int]:
        self._skip(opening)
        index = 0
        while self.peek() != closing:
            if index:
                self._skip(",")
            yield index
            index += 1
        self._skip(closing)

    def _skip(self, character: str) -> None:
        following = self.peek()
        if following != character:
            raise self._broken(repr(character), repr(following) if following else "the end of the data")
        self._at += 1

    def _fill(self, size: int) -> bool:
        if self._ended:
            return False
        try:
            data = self._file.read(size)
            self._ended = not data
            text = self._decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            got = f"the byte 0x{error.object[error.start]:02x}, which is not UTF-8"
            raise self._broken("JSON in UTF-8", got) from None
        self._line_before = self.line
        self._text = self._text[self._at :] + text
        self._at = 0
        return not self._ended

    def _broken(self, expected: str, got: str) -> SourceError:
        return SourceError(f"expected {expected}, got {got}", where=f"{self._where}:{self.line}")
