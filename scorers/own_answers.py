"""Own answers: tool calls that a program or a deployment answered for its model without asking for them.

A callable's tools are diverted by their names; those of a program are seen only where it asks the harness for them.
What it tells its model says more: a result of a call that nobody asked for was made inside of the system, by a guard
that refused the call or by the tool under another name. Where it is the recorded result word for word, no guard would
have known it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from ..cases.trace import ModelCall, ToolCall, Trace
from ..replayers.replay import Replay

_RUN = ("command", "http", "python")


class OwnAnswer(NamedTuple):
    """One call that was answered inside."""

    tool: str
    is_recorded: bool
    """Whether the answer is the recorded one."""


def own_answers(recording: Trace, replay: Replay) -> list[OwnAnswer]:
    """Return the recorded tool calls that a system answered by itself, each once.

    An answer that this run was given for another call of the tool is none of its own: a guard may give it again.
    """
    if replay.replayer not in _RUN:
        return []
    served = [(event.name, _parsed(event.answer)) for event in replay.events if event.kind == "tool"]
    asked = {event.recorded_span_id for event in replay.events if event.kind == "tool"}
    calls = [(span.span_id, view) for span, view in recording.views(ToolCall) if span.span_id not in asked]
    ids = {view.id for _, view in recording.views(ToolCall)}
    found: dict[str, OwnAnswer] = {}
    for call_id, response in _told(replay.trace):
        if call_id and call_id in ids:
            for span_id, call in ((span_id, call) for span_id, call in calls if call.id == call_id):
                again = (call.name, _parsed(response)) in served
                found.setdefault(span_id, OwnAnswer(call.name, _says_the_same(response, call) and not again))
        elif all(_parsed(response) != answer for _, answer in served):
            # Without an id, only what it says tells whose result it is: what this run was given says nothing.
            for span_id, call in calls:
                if _says_the_same(response, call):
                    found.setdefault(span_id, OwnAnswer(call.name, True))
    return list(found.values())


def _told(trace: Trace) -> Iterator[tuple[str, Any]]:
    """Yield the id, empty where it has none, and the result of each tool call that the model was told of."""
    for _, call in trace.views(ModelCall):
        for message in trace.inputs(call):
            for part in message.parts:
                if part.get("type") == "tool_call_response":
                    yield str(part.get("id") or ""), part.get("response")


def _says_the_same(response: Any, call: ToolCall) -> bool:
    said = [each for each in (call.result, call.result_raw, call.error) if each not in (None, "")]
    return any(response == each or _parsed(response) == _parsed(each) for each in said)


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
