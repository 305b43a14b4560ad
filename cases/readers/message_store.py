"""The messages of one trace, each parsed once.

A conversation is exported again with every model call: what a text has in common with the one before is not
parsed again, and neither is a message that was seen before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..message_parts import part_of, structured
from ..messages import ROLE_ALIASES, to_messages
from ..strict_json import DEFAULT
from ..trace import Message

_slices = msgspec.json.Decoder(list[msgspec.Raw])
_NESTING = frozenset((dict, list))
_message = msgspec.json.Decoder(Message)


class MessageStore:
    """Brings messages to the parts form and numbers them."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._last_start = ""  # the text of a list, without its closing bracket
        self._last_indices: tuple[int, ...] = ()
        self._by_slice: dict[bytes, tuple[int, ...]] = {}
        self._parts_by_text: dict[str, tuple[dict[str, Any], ...]] = {}

    def messages(self) -> tuple[Message, ...]:
        """Return all messages in order of first appearance."""
        return tuple(self._messages)

    def indices(self, value: Any, role: str) -> tuple[int, ...]:
        """Return the indices of the messages in an attribute.

        Args:
            value: A list, an object or JSON text, in any dialect.
            role: Role of a message that names none.
        """
        if value is None:
            return ()
        if type(value) is not str or value[:1] != "[":
            return self._add(value, role)
        known = len(self._last_start)
        if known and value.startswith(self._last_start):
            # The conversation as it was at the call before, and more; or exactly the same.
            following = value[known : known + 1]  # nothing where the text was cut off
            if following == "]" and len(value) == known + 1:
                return self._last_indices
            if following == ",":
                more = self._parsed(b"[" + value[known + 1 :].encode(), role)
                return self._remember(value, self._last_indices + more)
        return self._remember(value, self._parsed(value.encode(), role))

    def _remember(self, text: str, indices: tuple[int, ...]) -> tuple[int, ...]:
        # An answer is one message and repeats nothing, so it must not displace the conversation.
        if len(indices) > 1 or not self._last_start:
            self._last_start, self._last_indices = text[:-1], indices
        return indices

    def parts(self, value: Any) -> tuple[dict[str, Any], ...]:
        """Return the parts in an attribute such as the system instructions."""
        if type(value) is not str:
            return _parts(value)
        known = self._parts_by_text.get(value)
        if known is None:
            known = self._parts_by_text[value] = _parts(value)
        return known

    def _parsed(self, data: bytes, role: str) -> tuple[int, ...]:
        try:
            slices = _slices.decode(data)
        except (msgspec.MsgspecError, RecursionError):
            return self._add(data.decode(), role)
        found: list[int] = []
        for piece in slices:
            data = bytes(piece)
            known = self._by_slice.get(data)
            if known is None:
                known = self._by_slice[data] = self._slice(data, role)
            found += known
        return tuple(found)

    def _slice(self, data: bytes, role: str) -> tuple[int, ...]:
        """Add one message; GenAI's form, which is the common one, is decoded straight into the type.

        Compact GenAI text is what the message would be encoded to, so the text serves as its key.
        """
        try:
            message = _message.decode(data)
        except (msgspec.MsgspecError, RecursionError):
            message = None
        if message is None or not _is_plain(message, data):  # another dialect
            return self._add(f"[{data.decode()}]", role)
        self._messages.append(message)
        return (len(self._messages) - 1,)

    def _add(self, value: Any, role: str) -> tuple[int, ...]:
        found: list[int] = []
        for message in to_messages(value, role=role):
            key = msgspec.json.encode(message)
            known = self._by_slice.get(key)
            if known is None:
                known = self._by_slice[key] = (len(self._messages),)
                self._messages.append(message)
            found += known
        return tuple(found)


def _is_plain(message: Message, data: bytes) -> bool:
    """Tell a message that is already in the form it would be brought to, and nests no deeper than allowed."""
    parts = message.parts
    nests = False
    for part in parts:
        kind = part.get("type")
        if kind == "text" and len(part) == 2 and type(part.get("content")) is str:
            continue
        if kind == "tool_call" and len(part) == 4 and "id" in part and "name" in part:
            arguments = part.get("arguments")
            if type(arguments) is not dict:
                return False
            nests = nests or _nests(arguments)
            continue
        if kind != "tool_call_response" or len(part) != 3 or len(parts) != 1 or message.role != "tool":
            return False
        response = part.get("response")
        nests = type(response) is dict and _nests(response)
        if response is None or type(response) is list or "id" not in part:
            return False
    if nests and data.count(b"{") + data.count(b"[") > DEFAULT.depth:
        return False
    return bool(parts) and message.role not in ROLE_ALIASES


def _nests(value: dict[str, Any]) -> bool:
    return not _NESTING.isdisjoint(map(type, value.values()))


def _parts(value: Any) -> tuple[dict[str, Any], ...]:
    value = structured(value)
    if value is None or value == "":
        return ()
    return tuple(part_of(item) for item in (value if isinstance(value, list) else [value]))
