"""One line about a trace, to choose it by."""

from __future__ import annotations

from typing import Any

import msgspec

from ..trace import ToolCall, Trace, text_of

_TITLE_CHARACTERS = 80


class TraceSummary(msgspec.Struct, frozen=True):
    """What a person needs to choose a trace from a file."""

    trace_id: str
    start_ns: int | None
    title: str
    """What was asked, at most 80 characters on one line."""
    spans: int
    errors: int
    """Spans that failed."""
    tools: tuple[str, ...]
    """Names of the tools that were called, in order of first call."""
    session: str = ""
    """Id of the conversation the trace belongs to."""


def summarise(trace: Trace) -> TraceSummary:
    """Return the summary of a trace."""
    tools = dict.fromkeys(view.name for _, view in trace.views(ToolCall))
    return TraceSummary(
        trace_id=trace.trace_id,
        start_ns=min((span.start_ns for span in trace.spans if span.start_ns is not None), default=None),
        title=_title(trace),
        spans=len(trace.spans),
        errors=sum(1 for span in trace.spans if span.status == "error" or span.error),
        tools=tuple(tools),
        session=trace.session.conversation_id if trace.session else "",
    )


def _title(trace: Trace) -> str:
    asked: Any = trace.input if isinstance(trace.input, str) else None
    if asked is None:
        asked = next((text_of(message) for message in trace.messages if message.role == "user"), None)
    if asked is None:
        asked = trace.spans[0].name if trace.spans else ""
    line = " ".join(str(asked).split())
    return line if len(line) <= _TITLE_CHARACTERS else line[: _TITLE_CHARACTERS - 1] + "…"
