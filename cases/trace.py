"""The canonical trace: what happened, closest to the OpenTelemetry GenAI conventions.

A trace is a flat list of spans in order of start (or of the file, where the source has no times). A span
keeps its source attributes verbatim and has at most one typed view. Conversations repeat themselves from
call to call, so messages are stored once per trace and model calls refer to them by index.

Types here are frozen msgspec structs: they are decoded straight from ``trace.json`` (ADR 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, dataclass_transform

import msgspec

OriginKind = Literal["observed", "inferred", "stated", "absent"]

TRACE_FORMAT = 1
"""Version of trace.json, apart from the release of the package."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Base of every struct that is stored in trace.json: a tree, so that no garbage collector need look at it."""


class Origin(Record):
    """Where a derived value comes from."""

    kind: OriginKind
    """observed (in the source), inferred (computed from it), stated (by a person), absent."""
    by: str = ""
    """For ``stated``: who said so."""
    at: str = ""
    """For ``stated``: when, RFC 3339 in UTC."""
    note: str = ""
    """How it was inferred, in a few words."""


class Message(Record):
    """One message in the GenAI parts form.

    Parts are open mappings with a ``type``: ``text`` (content), ``reasoning`` (content), ``tool_call``
    (id, name, arguments), ``tool_call_response`` (id, response), ``blob``/``uri``/``file``; unknown parts are kept.
    """

    role: str
    parts: tuple[dict[str, Any], ...] = ()
    name: str = ""
    finish_reason: str = ""


class Prompt(Record):
    """The prompt template a model call was built from."""

    name: str = ""
    version: str = ""
    sha256: str = ""


class ModelCall(Record, tag="model_call", tag_field="view"):
    """A call of a language model."""

    provider: str = ""
    request_model: str = ""
    response_model: str = ""
    params: dict[str, Any] = {}
    """Sampling and format parameters as sent: temperature, top_p, max_tokens, response_format …"""
    seed: int | None = None
    tool_definitions: tuple[dict[str, Any], ...] = ()
    """The tools it was offered, as sent."""
    system_instructions: tuple[dict[str, Any], ...] = ()
    """Parts of a system prompt that is sent apart from the messages."""
    prompt: Prompt | None = None
    input: tuple[int, ...] = ()
    """Indices into ``Trace.messages``."""
    output: tuple[int, ...] = ()
    """Indices into ``Trace.messages``."""
    finish_reasons: tuple[str, ...] = ()
    """One for each choice the model gave."""
    usage: dict[str, Any] = {}
    """Tokens counted by the provider, under the source's own names."""
    raw_frames: tuple[str, ...] = ()
    """Events of a streamed answer, verbatim."""


class ToolCall(Record, tag="tool_call", tag_field="view"):
    """A call of a tool: proposed by the model, or executed."""

    name: str
    id: str = ""
    attempt: int = 1
    """From 1; a retry of the same call counts on."""
    arguments: Any = None
    """Parsed arguments, usually an object."""
    arguments_raw: str = ""
    """The arguments as text where they did not parse or the text matters."""
    result: Any = None
    """Parsed result."""
    result_raw: str = ""
    """The result as text where it did not parse or the text matters."""
    error: str = ""
    """What the tool reported as its failure; empty when it did not fail."""
    effect: Literal["read", "write", "external", "unknown"] = "unknown"
    """read: changes nothing; write: changes a record; external: reaches people or systems outside."""
    stage: Literal["proposed", "executed"] = "executed"
    """executed: the call reached the tool (even when the tool then failed); proposed: only asked for."""


class Document(Record):
    """One retrieved document or chunk."""

    id: str = ""
    chunk_id: str = ""
    score: float | None = None
    rank: int | None = None
    content: str = ""
    sha256: str = ""
    uri: str = ""
    version: str = ""
    status: str = ""
    """Freshness as the index states it: current, superseded, draft …"""
    updated_at: str = ""
    acl: str = ""
    trust: str = ""
    metadata: dict[str, Any] = {}
    """Every other field of the source document, verbatim."""


class Retrieval(Record, tag="retrieval", tag_field="view"):
    """A search in a data source."""

    query: Any = None
    data_source: str = ""
    index_version: str = ""
    filters: Any = None
    documents: tuple[Document, ...] = ()


class Guardrail(Record, tag="guardrail", tag_field="view"):
    """A validation of input, output or a tool call."""

    name: str = ""
    version: str = ""
    target: str = ""
    verdict: str = ""
    action: str = ""
    findings: tuple[Any, ...] = ()


class Permission(Record, tag="permission", tag_field="view"):
    """A decision whether a principal may use a capability."""

    principal: str = ""
    capability: str = ""
    policy: str = ""
    policy_version: str = ""
    decision: str = ""


class Approval(Record, tag="approval", tag_field="view"):
    """A person's or a machine's decision over a proposed action."""

    request_ref: str = ""
    """Id of the tool call (or span) that asked for the approval."""
    request: Any = None
    """What was put before the approver."""
    approver: str = ""
    approver_kind: str = ""
    decision: str = ""
    """approve, modify, reject, escalate or terminate."""
    modified_arguments: Any = None
    shown_evidence: tuple[str, ...] = ()
    """Names of the pieces of evidence that were on the approver's screen."""
    explanation: str = ""


class Write(Record, tag="write", tag_field="view"):
    """A change of a downstream record."""

    system: str = ""
    resource: str = ""
    operation: str = ""
    before: Any = None
    after: Any = None
    idempotency_key: str = ""
    reversible: bool | None = None
    """Whether it can be undone; None where nobody says."""


class Evaluation(Record, tag="evaluation", tag_field="view"):
    """A score or label given by a person or a machine."""

    name: str = ""
    value: Any = None
    label: str = ""
    explanation: str = ""
    annotator_kind: str = ""


class UserTurn(Record, tag="user_turn", tag_field="view"):
    """What the user said."""

    messages: tuple[int, ...] = ()
    """Indices into ``Trace.messages``."""


View = ModelCall | ToolCall | Retrieval | Guardrail | Permission | Approval | Write | Evaluation | UserTurn


class Span(Record):
    """One step of a trace."""

    span_id: str
    """Unique in its trace; made by the reader (``s1``, ``s2`` …) where the source has none."""
    name: str = ""
    parent_id: str = ""
    operation: str = ""
    """``gen_ai.operation.name`` or the nearest word of the source: chat, execute_tool, invoke_agent …"""
    start_ns: int | None = None
    """Unix time in nanoseconds."""
    end_ns: int | None = None
    status: str = ""
    """ok, error or empty."""
    error: str = ""
    resource: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    """Verbatim, never dropped."""
    events: tuple[dict[str, Any], ...] = ()
    links: tuple[dict[str, Any], ...] = ()
    view: View | None = None
    origins: dict[str, Origin] = {}
    """Origin of each field of the view that is not simply observed, by field name."""


class Session(Record):
    """The conversation, user and tenant a trace belongs to."""

    conversation_id: str = ""
    user_id: str = ""
    tenant_id: str = ""


class Source(Record):
    """The file a trace was read from."""

    format: str
    """Name of the reader."""
    version: str = ""
    """Version of the format where the source states one."""
    file: str = ""
    """Base name of the file."""
    sha256: str = ""
    """SHA-256 of the original file, before redaction."""
    redacted_sha256: str = ""
    """SHA-256 of the preserved, redacted copy; empty when nothing was redacted."""
    offset: str = ""
    """Where in the file: a JSON pointer, a line number (``line 12``) or a byte offset."""


class Original(Record):
    """The slice of the source this trace was read from, so that nothing is lost.

    ``cases.original.rebuild`` gives the bytes back.
    """

    layout: dict[str, Any]
    """How to write the value: ``{"kind": "json", "indent": …}`` or ``{"kind": "text"}``; see cases.original."""
    value: Any = None
    """The source as parsed (layout ``json``/``lines``), or its text (layout ``text``)."""


class Trace(Record):
    """One recorded run of the system."""

    trace_id: str
    source: Source
    spans: tuple[Span, ...] = ()
    messages: tuple[Message, ...] = ()
    """Every distinct message of the trace, in order of first appearance."""
    session: Session | None = None
    input: Any = None
    """What the system was given: the entry's arguments, or the user's request as text."""
    output: Any = None
    """What the system answered at the end: text or JSON."""
    origins: dict[str, Origin] = {}
    """Origin of ``input``, ``output`` and ``session`` where not simply observed."""
    labels: dict[str, Any] = {}
    """Labels the source carries (benchmarks, annotations); never read by scorers."""
    original: Original | None = None

    def span(self, span_id: str) -> Span:
        """Return the span with this id.

        Raises:
            KeyError: There is none.
        """
        for span in self.spans:
            if span.span_id == span_id:
                return span
        raise KeyError(span_id)

    def inputs(self, call: ModelCall) -> list[Message]:
        """Return the messages a model call was given."""
        return [self.messages[index] for index in call.input]

    def outputs(self, call: ModelCall) -> list[Message]:
        """Return the messages a model call answered with."""
        return [self.messages[index] for index in call.output]

    def views(self, kind: type[Any]) -> Iterator[tuple[Span, Any]]:
        """Yield each span whose typed view is a ``kind``, with that view."""
        for span in self.spans:
            if isinstance(span.view, kind):
                yield span, span.view


class TraceDocument(Record):
    """The content of trace.json: one or more traces of one case."""

    format: int = TRACE_FORMAT
    traces: tuple[Trace, ...] = ()


class MessagePool:
    """Collects the messages of a trace, each distinct one once."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        """Start with the messages of another trace, at the indices they have there."""
        self._messages = list(messages)
        self._index: dict[bytes, int] = {}
        self._indexed = not self._messages

    def add(self, message: Message) -> int:
        """Store a message and return its index; an equal message gets the same index."""
        if not self._indexed:
            self._indexed = True
            for index, known in enumerate(self._messages):
                self._index.setdefault(msgspec.json.encode(known), index)
        key = msgspec.json.encode(message)
        index = self._index.setdefault(key, len(self._messages))
        if index == len(self._messages):
            self._messages.append(message)
        return index

    def messages(self) -> tuple[Message, ...]:
        """Return all messages in order of first appearance."""
        return tuple(self._messages)


def text_of(message: Message) -> str:
    """Return the text parts of a message, joined by newlines."""
    return "\n".join(str(part.get("content", "")) for part in message.parts if part.get("type") in ("text", None))


def tool_calls_of(message: Message) -> list[dict[str, Any]]:
    """Return the tool_call parts of a message."""
    return [part for part in message.parts if part.get("type") == "tool_call"]
