"""MCP messages: what is wrong with the body of a POST before it is anybody's to answer.

The SDK accepts every message without an id as a notification, forgets the ones it does not know, and reads the last of
two equal keys. An app that asked for a tool that way would have done so unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...cases.strict_json import DEFAULT, exceeds_depth
from .asgi import Event, Receive
from .exact_json import repeated_key

_NOTIFICATIONS = frozenset(
    f"notifications/{name}" for name in ("initialized", "cancelled", "progress", "roots/list_changed")
)
"""All that clients send, in any protocol version."""


async def read_ahead(receive: Receive, most: int) -> tuple[bytes, Receive]:
    """Return the body of a request, and what gives it once more, with all that comes after it.

    Args:
        receive: Gives the body.
        most: The bytes after which no more is read: whoever reads it then refuses it.
    """
    events: list[Event] = []
    size = 0
    while not events or (events[-1].get("more_body") and size <= most):
        events.append(await receive())
        size += len(events[-1].get("body", b""))
    body = b"".join(event.get("body", b"") for event in events)
    events.reverse()

    async def again() -> Event:
        return events.pop() if events else await receive()

    return body, again


def fault_in(body: bytes) -> str:
    """Say what is wrong with a message; empty where nothing is, or where the SDK says so itself."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > DEFAULT.depth and exceeds_depth(value, DEFAULT.depth):
        return f"expected JSON of at most {DEFAULT.depth} levels, got more"
    key = repeated_key(body)
    if key is not None:
        return f"expected every key once, got {key[:80]!r} twice"
    messages = value if isinstance(value, list) else [value]
    return next(filter(None, map(_unanswerable, messages)), "")


def _unanswerable(message: Any) -> str:
    if not isinstance(message, Mapping) or "method" not in message or message.get("id") is not None:
        return ""
    method = message["method"]
    if method in _NOTIFICATIONS:
        return ""
    return f"expected a request with an id or a notification that clients send, got {str(method)[:80]!r} without an id"
