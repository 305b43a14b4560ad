"""Dialects: the protocols that models are spoken to in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import anthropic_messages, openai_chat, openai_responses
from .answers import Answer

_Asked = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one protocol is spoken."""

    wants: str
    """The member of a request that holds what the model is asked."""
    body: Callable[[Answer, _Asked], dict[str, Any]]
    """The body of an answer. Some protocols repeat in it what was asked."""
    events: Callable[[Answer, _Asked], Iterable[bytes]]
    is_frame: Callable[[Any], bool]
    """Whether the JSON of a recorded frame is of this protocol."""
    recorded: Callable[[Sequence[str]], list[bytes]]
    """Recorded frames as they go over the wire."""
    error: Callable[[int, str, str], dict[str, Any]]
    """The body of an error, by status, code and message."""


CHAT = Dialect(
    wants="messages",
    body=openai_chat.body,
    events=openai_chat.events,
    is_frame=openai_chat.is_frame,
    recorded=openai_chat.recorded,
    error=openai_chat.error,
)
RESPONSES = Dialect(
    wants="input",
    body=openai_responses.body,
    events=openai_responses.events,
    is_frame=openai_responses.is_frame,
    recorded=openai_responses.recorded,
    error=openai_chat.error,
)
MESSAGES = Dialect(
    wants="messages",
    body=anthropic_messages.body,
    events=anthropic_messages.events,
    is_frame=anthropic_messages.is_frame,
    recorded=anthropic_messages.recorded,
    error=anthropic_messages.error,
)
