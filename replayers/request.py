"""Requests: what was asked at a boundary, and how an app's arguments become one.

For tools, retrievals, approvals and user turns a request is an object of arguments by name; for models
``{model, messages, tools, system, params}`` with messages in parts form.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..cases.message_parts import part_of
from ..cases.messages import to_message
from ..cases.trace import Message, Record
from .canonical import TRANSPORT_FIELDS, dumps, message_key, model_head, noise_key
from .parameters import named_alike, with_output_type
from .replay import BoundaryKind

MESSAGE_ARGUMENTS = ("messages", "input", "prompt", "contents")
"""Parameters of a model function that hold what the model is asked."""
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
    takes: frozenset[str] | None = None
    """For a model function, the names of its parameters: what it does not take it may set inside, unseen. None when
    it takes any."""


RequestKey = tuple[bytes, tuple[bytes, ...]]
"""Canonical bytes of a request without its messages, and the key of each message."""


class PreparedRequest:
    """A request with its keys, each computed once and only when asked for.

    Plain slots: `cached_property` takes a lock in Python 3.11, which costs more than a key.
    """

    __slots__ = ("_exact", "_head", "_message_keys", "_noise", "request")

    def __init__(self, request: Request, message_keys: tuple[bytes, ...] | None = None) -> None:
        self.request = request
        self._message_keys = message_keys
        self._head: bytes | None = None
        self._exact: RequestKey | None = None
        self._noise: tuple[bytes, bytes] | None = None

    @property
    def head(self) -> bytes:
        """Canonical bytes of the request without its messages."""
        if self._head is None:
            value = self.request.value
            self._head = dumps(model_head(value) if self.request.kind == "model" else value)
        return self._head

    @property
    def message_keys(self) -> tuple[bytes, ...]:
        """Key of each message."""
        if self._message_keys is None:
            self._message_keys = tuple(map(message_key, self.request.messages))
        return self._message_keys

    @property
    def exact(self) -> RequestKey:
        """The key of the request: equal keys are the same request."""
        if self._exact is None:
            self._exact = (self.head, self.message_keys)
        return self._exact

    @property
    def noise(self) -> tuple[bytes, bytes]:
        """The key of the request with identifiers renamed and times masked."""
        if self._noise is None:
            self._noise = (self.head, noise_key(self.request.messages))
        return self._noise

    def comparable(self, recorded: PreparedRequest) -> tuple[PreparedRequest, tuple[str, ...]]:
        """Return this request cut to the fields that a partial recording knows, and the fields left out.

        A recording that knows no field at all can be compared with nothing: the request stays whole and differs.
        So does what a reviewer was not asked then: more on the screen may have led to another decision.
        """
        if not recorded.request.partial or self.request.partial or self.request.kind == "approval":
            return self, ()
        if self.request.kind == "model":
            return self._comparable_model(recorded.request)
        known, value = recorded.request.value, self.request.value
        if not isinstance(known, Mapping) or not isinstance(value, Mapping) or not known:
            return self, ()
        left_out = tuple(key for key in value if key not in known)
        cut = {key: item for key, item in value.items() if key in known}
        return PreparedRequest(msgspec.structs.replace(self.request, value=cut)), left_out

    def _comparable_model(self, recorded: Request) -> tuple[PreparedRequest, tuple[str, ...]]:
        """Cut a model request: a trace often has the messages but not every parameter, or no tool schemas."""
        known, value = recorded.value, dict(self.request.value)
        params = with_output_type(value.get("params") or {}, known["params"])
        unknown = (key for key in params if key not in known["params"] and key not in TRANSPORT_FIELDS)
        left_out = [f"params.{key}" for key in unknown if params[key] is not None]
        value["params"] = {key: item for key, item in params.items() if key in known["params"]}
        for field, nothing in (("tools", []), ("model", "")):
            if value.get(field) and not known[field]:
                left_out.append(field)
                value[field] = nothing
        left_out += self._fill_in(value, known)
        messages, system = _system_as_recorded(recorded, self.request.messages, value.get("system") or [])
        value["system"] = system
        keys = self.message_keys if messages is self.request.messages else None
        return PreparedRequest(Request(kind="model", value=value, messages=messages), keys), tuple(left_out)

    def _fill_in(self, value: dict[str, Any], known: Mapping[str, Any]) -> list[str]:
        """Take from the recording what the model function has no parameter for, and return the names of that."""
        if self.request.takes is None:
            return []
        takes = self.request.takes | named_alike(dict.fromkeys(self.request.takes)).keys()
        filled = []
        unset = [key for key in known["params"] if key not in value["params"] and key not in takes]
        if unset:
            value["params"] = {**value["params"], **{key: known["params"][key] for key in unset}}
            filled += [f"params.{key}" for key in unset]
        for field, names in (("tools", _TOOL_ARGUMENTS), ("model", ("model",))):
            if known[field] and not value.get(field) and takes.isdisjoint(names):
                value[field] = known[field]
                filled.append(field)
        return filled


def _system_as_recorded(
    recorded: Request, messages: tuple[Message, ...], system: list[dict[str, Any]]
) -> tuple[tuple[Message, ...], list[dict[str, Any]]]:
    """Put the system prompt where the recording has it: apart from the messages, or as the first of them."""
    apart = bool(recorded.value["system"])
    first_is_system = bool(messages) and messages[0].role in ("system", "developer")
    if apart and not system and first_is_system:
        return messages[1:], list(messages[0].parts)
    if not apart and system and not first_is_system and recorded.messages and recorded.messages[0].role == "system":
        return (Message(role="system", parts=tuple(system)), *messages), []
    return messages, system


def prepare(
    kind: BoundaryKind,
    arguments: Mapping[str, Any],
    conversation: Conversation,
    takes: frozenset[str] | None = None,
) -> PreparedRequest:
    """Return the request a boundary function's arguments stand for.

    Args:
        kind: The boundary.
        arguments: The call's arguments by parameter name, as JSON values. A model function is understood when
            it takes ``messages`` (or ``prompt``, ``input``) and, where it has them, ``model``, ``tools``, ``system``.
        conversation: Reads the messages of all requests of one run.
        takes: The parameters of a model function; None when it takes any.
    """
    if kind != "model":
        return PreparedRequest(Request(kind=kind, value=dict(arguments)))
    rest = dict(arguments)
    raw_messages = _take(rest, MESSAGE_ARGUMENTS)
    system = _take(rest, _SYSTEM_ARGUMENTS)
    tools = _take(rest, _TOOL_ARGUMENTS)
    value = {
        "model": str(rest.pop("model", "") or ""),
        "tools": list(tools) if isinstance(tools, (list, tuple)) else [],
        "system": _system_parts(system),
        "params": named_alike(rest),
    }
    read = conversation.read(raw_messages)
    request = Request(kind="model", value=value, messages=tuple(message for message, _ in read), takes=takes)
    return PreparedRequest(request, tuple(key for _, key in read))


def _take(arguments: dict[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        if name in arguments:
            return arguments.pop(name)
    return None


def _system_parts(system: Any) -> list[dict[str, Any]]:
    if not system:
        return []
    if isinstance(system, list):
        return [part_of(part) for part in system]  # Anthropic's blocks hold their text under another name
    return [{"type": "text", "content": str(system)}]


_Read = tuple[Message, bytes]
"""A message and its key."""
_MOST_REMEMBERED = 64 * 1024 * 1024
"""Bytes of the messages that are remembered; the oldest are forgotten first, and read again where they come again."""


class Conversation:
    """Reads the messages that requests are made of: one that came before, byte for byte, is not read again.

    Every step of an agent sends the whole history once more; without this, step n would cost n messages. What is
    remembered is found by the whole content of a message and shares nothing with the app, which may change it later.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, list[_Read]] = {}
        self._bytes = 0

    def read(self, raw: Any) -> list[_Read]:
        """Return the messages of a request in parts form, each with its key."""
        if raw is None:
            return []
        if isinstance(raw, str):
            return [_keyed(_said(raw))]
        items = raw if isinstance(raw, (list, tuple)) else [raw]
        return [read for item in items for read in self._item(item)]

    def _item(self, item: Any) -> list[_Read]:
        if not isinstance(item, Mapping):
            return [_keyed(_said(str(item)))]
        if type(item) is not dict:
            return [_keyed(message) for message in to_message(item)]
        try:
            # Version 2 writes equal values alike, and keeps apart what JSON does not: 1 and True, NaN and null.
            content = marshal.dumps(item, 2)
        except ValueError:  # not a plain JSON value, or nested too deeply
            return [_keyed(message) for message in to_message(item)]
        read = self._known.get(content)
        if read is None:
            read = [_keyed(message) for message in to_message(marshal.loads(content))]
            self._remember(content, read)
        return read

    def _remember(self, content: bytes, read: list[_Read]) -> None:
        self._known[content] = read
        self._bytes += len(content)
        while self._bytes > _MOST_REMEMBERED:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._bytes -= len(oldest)


def _keyed(message: Message) -> _Read:
    return message, message_key(message)


def _said(text: str) -> Message:
    return Message(role="user", parts=({"type": "text", "content": text},))
