"""Boundaries: the recorded calls of a trace, in order, with what each was asked and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from ..cases.message_parts import structured
from ..cases.messages import to_openai
from ..cases.trace import Approval, Message, ModelCall, Retrieval, Span, ToolCall, Trace, UserTurn
from .canonical import message_key
from .parameters import named_alike
from .replay import BoundaryKind
from .request import Conversation, PreparedRequest, Request, prepare

BOUNDARY_KINDS: tuple[BoundaryKind, ...] = ("model", "retrieval", "tool", "approval", "user")

_KIND_OF_VIEW: dict[type[Any], BoundaryKind] = {
    ModelCall: "model",
    ToolCall: "tool",
    Retrieval: "retrieval",
    Approval: "approval",
    UserTurn: "user",
}


class RecordedCall:
    """One recorded call at a boundary."""

    __slots__ = ("call_path", "index", "kind", "name", "parent", "prepared", "span", "trace", "writes")

    def __init__(self, trace: Trace, span: Span, index: int, kind: BoundaryKind, prepared: PreparedRequest) -> None:
        self.trace = trace
        self.span = span
        self.index = index
        self.kind: BoundaryKind = kind
        self.prepared = prepared
        self.call_path: tuple[str, ...] = ()
        self.parent: RecordedCall | None = None
        tool = span.view if isinstance(span.view, ToolCall) else None
        self.name = tool.name if tool is not None else kind
        """The name calls of a boundary are matched by: only tools are told apart by name."""
        self.writes = tool is not None and tool.effect in ("write", "external")
        """Whether the call is known to change the outside world."""

    def answer(self) -> Any:
        """Return what the boundary answered, in the form its caller saw."""
        return answer_of(self.span, self.trace)

    def error(self) -> str:
        """Return the error the boundary raised; empty when it answered."""
        view, error = self.span.view, self.stated_error()
        if not error:
            return ""
        has_answer = "unrepeat.result" in self.span.attributes or (
            isinstance(view, ToolCall) and (view.result not in (None, "") or bool(view.result_raw))
        )
        return "" if has_answer else error

    def stated_error(self) -> str:
        """Return the error the recording states, also where an answer stands beside it."""
        view = self.span.view
        return (view.error if isinstance(view, ToolCall) else "") or self.span.error


def kind_of(span: Span) -> BoundaryKind | None:
    """Return the boundary a span belongs to; None for spans that are no boundary call."""
    view = span.view
    if isinstance(view, ToolCall) and view.stage != "executed":
        return None
    return _KIND_OF_VIEW.get(type(view))


def recorded_calls(trace: Trace) -> list[RecordedCall]:
    """Return the boundary calls of a trace in recorded order, each with its call path."""
    calls: dict[str, RecordedCall] = {}
    parents = {span.span_id: span.parent_id for span in trace.spans}
    keys, conversation = _MessageKeys(trace.messages), Conversation()
    for span in trace.spans:
        kind = kind_of(span)
        if kind is not None:
            prepared = _prepare_recorded(trace, span, kind, keys, conversation)
            calls[span.span_id] = RecordedCall(trace, span, len(calls), kind, prepared)
    for call in calls.values():
        call.parent = _enclosing(call, calls, parents)
        call.call_path = _path(call)
    return list(calls.values())


def _enclosing(
    call: RecordedCall, calls: Mapping[str, RecordedCall], parents: Mapping[str, str]
) -> RecordedCall | None:
    """Return the boundary call this one was made inside of. A model proposes calls, it does not make them."""
    parent = parents.get(call.span.span_id, "")
    if not parent:
        return None
    seen = {call.span.span_id}
    while parent and parent not in seen:
        seen.add(parent)
        outer = calls.get(parent)
        if outer is not None and outer.kind != "model":
            return outer
        parent = parents.get(parent, "")
    return None


def _path(call: RecordedCall) -> tuple[str, ...]:
    if call.parent is None:
        return ()
    path: list[str] = []
    outer: RecordedCall | None = call.parent
    while outer is not None and len(path) < 64:
        path.append(f"{outer.kind}:{outer.name}")
        outer = outer.parent
    return tuple(reversed(path))


class _MessageKeys(dict[int, bytes]):
    """The key of each message of a trace by its index, computed when first asked for."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    def __missing__(self, index: int) -> bytes:
        self[index] = computed = message_key(self._messages[index])
        return computed


def _prepare_recorded(
    trace: Trace, span: Span, kind: BoundaryKind, keys: _MessageKeys, conversation: Conversation
) -> PreparedRequest:
    arguments = _json(span.attributes.get("unrepeat.arguments")) if span.attributes else None
    if isinstance(arguments, Mapping):
        return prepare(kind, arguments, conversation)
    view = span.view
    if isinstance(view, ModelCall):
        return PreparedRequest(_model_request(trace, view), tuple(map(keys.__getitem__, view.input)))
    return PreparedRequest(Request(kind=kind, value=_recorded_value(view), partial=not isinstance(view, ToolCall)))


def _model_request(trace: Trace, view: ModelCall) -> Request:
    value = {
        "model": view.request_model,
        "params": named_alike(view.params),
        "tools": list(view.tool_definitions),
        "system": list(view.system_instructions),
    }
    messages = tuple(map(trace.messages.__getitem__, view.input))
    return Request(kind="model", value=value, messages=messages, partial=True)


def _recorded_value(view: Any) -> Any:
    if isinstance(view, ToolCall):
        return view.arguments if view.arguments is not None else (view.arguments_raw or {})
    if isinstance(view, Retrieval):
        known = {"query": view.query, "filters": view.filters}
        return {key: value for key, value in known.items() if value is not None}
    if isinstance(view, Approval):
        return view.request if view.request is not None else {}
    return {}


def answer_of(span: Span, trace: Trace) -> Any:
    """Return what a recorded boundary call answered: verbatim where the source has it, else from its view."""
    if "unrepeat.result" in span.attributes:
        return _json(span.attributes["unrepeat.result"])
    view = span.view
    if isinstance(view, ModelCall):
        outputs = trace.outputs(view)
        return to_openai(outputs[-1]) if outputs else None
    if isinstance(view, ToolCall):
        return view.result if view.result is not None else (view.result_raw or None)
    if isinstance(view, Retrieval):
        stated = structured(span.attributes.get("gen_ai.retrieval.documents"))
        richer = "unrepeat.documents" in span.attributes
        return (
            stated
            if stated and not richer
            else [{**doc.metadata, **msgspec.to_builtins(doc)} for doc in view.documents]
        )
    if isinstance(view, Approval):
        return {"decision": view.decision, "approver": view.approver, "explanation": view.explanation}
    if isinstance(view, UserTurn):
        return "\n".join(str(to_openai(trace.messages[index]).get("content") or "") for index in view.messages)
    return None


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
