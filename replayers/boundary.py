"""Boundaries: the recorded calls of a trace, and how a boundary function's arguments compare with them.

A *request* is what was asked at a boundary: for tools, retrievals, approvals and user turns an object of
arguments by name; for models ``{model, messages, tools, system, params}`` with messages in parts form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import orjson

from ..cases.messages import to_message, to_openai
from ..cases.trace import Approval, Message, ModelCall, Record, Retrieval, Span, ToolCall, Trace, UserTurn
from .canonical import digest, message_key, model_head, noise_key
from .replay import BoundaryKind

BOUNDARY_KINDS: tuple[BoundaryKind, ...] = ("model", "retrieval", "tool", "approval", "user")

_KIND_OF_VIEW: dict[type[Any], BoundaryKind] = {
    ModelCall: "model",
    ToolCall: "tool",
    Retrieval: "retrieval",
    Approval: "approval",
    UserTurn: "user",
}
_MESSAGE_ARGUMENTS = ("messages", "input", "prompt", "contents")
_SYSTEM_ARGUMENTS = ("system", "instructions", "system_prompt")
_TOOL_ARGUMENTS = ("tools", "functions")


class Request(Record):
    """A request at a boundary, ready to be compared."""

    kind: BoundaryKind
    value: Any
    """The request as JSON; for models without its messages."""
    messages: tuple[Message, ...] = ()
    partial: bool = False
    """True when the source recorded only some fields: others are not compared."""


class PreparedRequest:
    """A request with its keys, computed once and only when asked for."""

    def __init__(self, request: Request, message_keys: Sequence[bytes] | None = None) -> None:
        self.request = request
        self._message_keys = message_keys

    @cached_property
    def head(self) -> str:
        """Digest of the request without its messages."""
        value = self.request.value
        return digest(model_head(value) if self.request.kind == "model" else value)

    @cached_property
    def message_keys(self) -> tuple[bytes, ...]:
        """Digest of each message."""
        keys = self._message_keys
        if keys is None:
            keys = [message_key(message) for message in self.request.messages]
        return tuple(keys)

    @cached_property
    def exact(self) -> tuple[str, tuple[bytes, ...]]:
        """The key of the request: equal keys are the same request."""
        return self.head, self.message_keys

    @cached_property
    def noise(self) -> tuple[str, bytes]:
        """The key of the request with identifiers renamed and times masked."""
        return self.head, noise_key(self.request.messages)

    def comparable(self, other: PreparedRequest) -> PreparedRequest:
        """Return this request cut to the fields that the (partial) recorded request knows."""
        if not other.request.partial or self.request.kind == "model":
            return self
        known = other.request.value
        if not isinstance(known, Mapping) or not isinstance(self.request.value, Mapping):
            return self
        value = {key: item for key, item in self.request.value.items() if key in known}
        return PreparedRequest(msgspec.structs.replace(self.request, value=value))


class RecordedCall:
    """One recorded call at a boundary."""

    __slots__ = ("call_path", "index", "kind", "name", "occurrence", "parent", "prepared", "span", "trace")

    def __init__(self, trace: Trace, span: Span, index: int, kind: BoundaryKind) -> None:
        self.trace = trace
        self.span = span
        self.index = index
        self.kind = kind
        self.name = name_of(span, kind)
        self.call_path: tuple[str, ...] = ()
        self.occurrence = 0
        self.parent: RecordedCall | None = None
        self.prepared: PreparedRequest

    @property
    def writes(self) -> bool:
        """Whether the call is known to change the outside world."""
        view = self.span.view
        return isinstance(view, ToolCall) and view.effect in ("write", "external")

    def answer(self) -> Any:
        """Return what the boundary answered, in the form its caller saw."""
        return answer_of(self.span, self.trace)

    def error(self) -> str:
        """Return the error the boundary raised; empty when it answered."""
        view = self.span.view
        error = (view.error if isinstance(view, ToolCall) else "") or self.span.error
        has_answer = "unrepeat.result" in self.span.attributes or (
            isinstance(view, ToolCall) and (view.result is not None or bool(view.result_raw))
        )
        return "" if has_answer else error


def kind_of(span: Span) -> BoundaryKind | None:
    """Return the boundary a span belongs to; None for spans that are no boundary call."""
    if isinstance(span.view, ToolCall) and span.view.stage != "executed":
        return None
    return _KIND_OF_VIEW.get(type(span.view))


def name_of(span: Span, kind: BoundaryKind) -> str:
    """Return the name calls of a boundary are matched by: only tools are told apart by name."""
    return span.view.name if kind == "tool" and isinstance(span.view, ToolCall) else kind


def recorded_calls(trace: Trace) -> list[RecordedCall]:
    """Return the boundary calls of a trace in recorded order, each with its call path and occurrence."""
    calls: dict[str, RecordedCall] = {}
    parents = {span.span_id: span.parent_id for span in trace.spans}
    keys: dict[int, bytes] = {}
    for span in trace.spans:
        kind = kind_of(span)
        if kind is not None:
            call = RecordedCall(trace, span, len(calls), kind)
            call.prepared = _prepare_recorded(trace, span, kind, keys)
            calls[span.span_id] = call
    seen: dict[tuple[Any, ...], int] = {}
    for call in calls.values():
        call.parent = _enclosing(call, calls, parents)
        call.call_path = _path(call)
        key = (call.kind, call.name, call.call_path)
        call.occurrence = seen.get(key, 0)
        seen[key] = call.occurrence + 1
    return list(calls.values())


def _enclosing(
    call: RecordedCall, calls: Mapping[str, RecordedCall], parents: Mapping[str, str]
) -> RecordedCall | None:
    """Return the boundary call this one was made inside of. A model proposes calls, it does not make them."""
    seen = {call.span.span_id}
    parent = parents.get(call.span.span_id, "")
    while parent and parent not in seen:
        seen.add(parent)
        outer = calls.get(parent)
        if outer is not None and outer.kind != "model":
            return outer
        parent = parents.get(parent, "")
    return None


def _path(call: RecordedCall) -> tuple[str, ...]:
    path: list[str] = []
    outer = call.parent
    while outer is not None and len(path) < 64:
        path.append(f"{outer.kind}:{outer.name}")
        outer = outer.parent
    return tuple(reversed(path))


def _prepare_recorded(trace: Trace, span: Span, kind: BoundaryKind, keys: dict[int, bytes]) -> PreparedRequest:
    arguments = _json(span.attributes.get("unrepeat.arguments"))
    if isinstance(arguments, Mapping):
        return PreparedRequest(request_from_arguments(kind, arguments))
    view = span.view
    if isinstance(view, ModelCall):
        for index in view.input:
            if index not in keys:
                keys[index] = message_key(trace.messages[index])
        return PreparedRequest(_model_request(trace, view), [keys[index] for index in view.input])
    return PreparedRequest(Request(kind=kind, value=_recorded_value(view), partial=not isinstance(view, ToolCall)))


def _model_request(trace: Trace, view: ModelCall) -> Request:
    value = {
        "model": view.request_model,
        "params": view.params,
        "tools": list(view.tool_definitions),
        "system": list(view.system_instructions),
    }
    return Request(kind="model", value=value, messages=tuple(trace.messages[i] for i in view.input))


def _recorded_value(view: Any) -> Any:
    if isinstance(view, ToolCall):
        return view.arguments if view.arguments is not None else (view.arguments_raw or {})
    if isinstance(view, Retrieval):
        known = {"query": view.query, "filters": view.filters}
        return {key: value for key, value in known.items() if value is not None}
    if isinstance(view, Approval):
        return view.request if view.request is not None else {}
    return {}


def request_from_arguments(kind: BoundaryKind, arguments: Mapping[str, Any]) -> Request:
    """Return the request a boundary function's arguments stand for.

    Args:
        kind: The boundary.
        arguments: The call's arguments by parameter name, as JSON values. A model function is understood when
            it takes ``messages`` (or ``prompt``, ``input``) and, where it has them, ``model``, ``tools`` and ``system``.
    """
    if kind != "model":
        return Request(kind=kind, value=dict(arguments))
    rest = dict(arguments)
    raw_messages = _take(rest, _MESSAGE_ARGUMENTS)
    system = _take(rest, _SYSTEM_ARGUMENTS)
    tools = _take(rest, _TOOL_ARGUMENTS)
    value = {
        "model": str(rest.pop("model", "") or ""),
        "tools": list(tools) if isinstance(tools, (list, tuple)) else [],
        "system": _system_parts(system),
        "params": rest,
    }
    return Request(kind="model", value=value, messages=tuple(_messages(raw_messages)))


def _take(arguments: dict[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        if name in arguments:
            return arguments.pop(name)
    return None


def _system_parts(system: Any) -> list[dict[str, Any]]:
    if not system:
        return []
    if isinstance(system, list):
        return [part if isinstance(part, dict) else {"type": "text", "content": str(part)} for part in system]
    return [{"type": "text", "content": str(system)}]


def _messages(raw: Any) -> list[Message]:
    if raw is None:
        return []
    if isinstance(raw, str):
        return [Message(role="user", parts=({"type": "text", "content": raw},))]
    items = raw if isinstance(raw, (list, tuple)) else [raw]
    return [message for item in items for message in _one_message(item)]


def _one_message(item: Any) -> list[Message]:
    if isinstance(item, Mapping):
        return to_message(item)
    return [Message(role="user", parts=({"type": "text", "content": str(item)},))]


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
        return [{**doc.metadata, **msgspec.to_builtins(doc)} for doc in view.documents]
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
