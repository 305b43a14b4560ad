"""The tool calls of a trace, by stage: what the model asked for, and what went through.

A proposed call is a ``tool_call`` part in the output of a model call, or a tool span of stage ``proposed``
that no such part accounts for. Where a trace records no output of any model, its executed calls stand for
the proposed ones: they were asked for by something.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ..cases.errors import ScorerError
from ..cases.trace import ModelCall, Span, ToolCall, Trace, tool_calls_of
from .predicates import Check, json_equal

Stage = Literal["proposed", "executed"]
WRITING_EFFECTS = ("write", "external")
_EXCERPT = 120


class Call(msgspec.Struct, frozen=True):
    """One tool call, proposed or executed."""

    name: str
    arguments: Any
    span_id: str
    """The tool span, or the model call that proposed it."""
    id: str = ""
    position: int = 0
    """Index of that span in the trace."""
    view: ToolCall | None = None
    """None for a call that is only a part of a model's message."""

    def __str__(self) -> str:
        return f"{self.name}({excerpt(self.arguments)})"


def excerpt(value: Any) -> str:
    """Return a short text of a JSON value, for reasons."""
    if value is None:
        return ""
    if isinstance(value, dict):
        text = ", ".join(f"{name}={_short(each)}" for name, each in value.items())
    else:
        text = _short(value)
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


def _short(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= _EXCERPT // 2 else f"{text[: _EXCERPT // 2]}…"


def calls_of(trace: Trace, stage: Stage) -> list[Call]:
    """Return the calls of a stage in the order of the trace."""
    return executed_calls(trace) if stage == "executed" else proposed_calls(trace)


def executed_calls(trace: Trace) -> list[Call]:
    """Return the calls that reached their tool."""
    return _tool_spans(trace, "executed")


def _tool_spans(trace: Trace, stage: Stage) -> list[Call]:
    return [
        _of_span(span, span.view, position)
        for position, span in enumerate(trace.spans)
        if isinstance(span.view, ToolCall) and span.view.stage == stage
    ]


def proposed_calls(trace: Trace) -> list[Call]:
    """Return the calls that were asked for, whether or not they went through."""
    asked: list[Call] = []
    model_spoke = False
    for position, span in enumerate(trace.spans):
        if isinstance(span.view, ModelCall):
            model_spoke = model_spoke or bool(span.view.output)
            asked.extend(_of_parts(trace, span, span.view, position))
    asked.extend(_unaccounted(_tool_spans(trace, "proposed"), asked))
    if not model_spoke:
        asked.extend(_unaccounted(executed_calls(trace), asked))
    asked.sort(key=lambda call: call.position)
    return asked


def _unaccounted(calls: list[Call], by: list[Call]) -> list[Call]:
    open_calls = list(by)
    return [call for call in calls if not _accounted_for(call, open_calls)]


def _accounted_for(call: Call, open_parts: list[Call]) -> bool:
    for index, part in enumerate(open_parts):
        same = part.id == call.id if part.id and call.id else part.name == call.name
        if same and (part.id == call.id != "" or json_equal(part.arguments, call.arguments)):
            del open_parts[index]
            return True
    return False


def _of_span(span: Span, view: ToolCall, position: int) -> Call:
    arguments = _parsed(view.arguments, view.arguments_raw)
    return Call(view.name, arguments, span.span_id, view.id, position, view)


def _of_parts(trace: Trace, span: Span, view: ModelCall, position: int) -> list[Call]:
    return [
        Call(
            name=str(part.get("name", "")),
            arguments=_parsed(part.get("arguments"), ""),
            span_id=span.span_id,
            id=str(part.get("id") or ""),
            position=position,
        )
        for index in view.output
        for part in tool_calls_of(trace.messages[index])
    ]


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Arguments that were recorded as an object that is not JSON, such as a truncated one."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _parsed(arguments: Any, raw: str) -> Any:
    text = raw if arguments is None else arguments
    if not isinstance(text, str):
        return arguments
    if not text.lstrip().startswith("{"):
        return text or None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Unreadable(text)


def name_matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for tool names, resources and the like; ``*`` stands for any run of characters."""
    if "*" not in pattern:
        return pattern.__eq__
    expression = re.compile("[^\0]*".join(map(re.escape, re.split(r"\*+", pattern))))
    return lambda name: expression.fullmatch(name) is not None


def call_matcher(tool: str, check: Check | None) -> Callable[[Call], bool]:
    """Return a test for calls of a tool with such arguments.

    Args:
        tool: Name of the tool; ``*`` stands for any run of characters.
        check: Test of the arguments; None when they do not matter.

    Returns:
        A test that raises ScorerError for a call of that tool whose arguments cannot be read.
    """
    named = name_matcher(tool)

    def matches(call: Call) -> bool:
        if not named(call.name):
            return False
        if check is None:
            return True
        if isinstance(call.arguments, _Unreadable):
            raise ScorerError(
                f"expected arguments of {call.name} as JSON, got {excerpt(call.arguments)}; cannot tell",
                where=f"span {call.span_id}",
            )
        return check(call.arguments)

    return matches


def writing_calls(trace: Trace, tools_that_write: list[str] | None) -> list[Call]:
    """Return the executed calls that write.

    Args:
        trace: The trace.
        tools_that_write: Tools that write whatever their recorded effect; None when nobody named them.

    Raises:
        ScorerError: Nobody named them, and an executed call does not state its effect.
    """
    named = [name_matcher(tool) for tool in tools_that_write or ()]
    writing = []
    for call in executed_calls(trace):
        effect = call.view.effect if call.view else "unknown"
        if effect in WRITING_EFFECTS or any(test(call.name) for test in named):
            writing.append(call)
        elif effect == "unknown" and tools_that_write is None:
            raise ScorerError(
                f"expected to know whether {call.name} writes, got effect unknown and no writes recorded; cannot tell",
                where=f"span {call.span_id}",
                hint="State unrepeat.tool.effect in the trace, or name the tools that write in the assertion",
            )
    return writing
