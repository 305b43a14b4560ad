"""What must hold: the entries of ``assert`` in case.yaml.

Each type names a failure as its opposite, so that the recording breaks it (red first). ``scorers.registry``
compiles these models into scorers. Types that take a ``not-`` prefix have it as a type of their own.
"""

from __future__ import annotations

import datetime as dt
import difflib
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator
from pydantic.functional_validators import AfterValidator

from .field_docs import Described
from .json_path import parse_path
from .operators import check_arguments, check_predicate, compile_pattern


def _checked_arguments(args: dict[str, Any]) -> dict[str, Any]:
    check_arguments(args)
    return args


def _checked_predicate(predicate: Any) -> Any:
    check_predicate(predicate, "value")
    return predicate


def _checked_pattern(pattern: str) -> str:
    compile_pattern(pattern)
    return pattern


def _checked_path(path: str) -> str:
    parse_path(path)
    return path


def _checked_kind(kind: str) -> str:
    from .patterns import TYPES

    if kind not in TYPES:
        near = difflib.get_close_matches(kind, TYPES, 1, 0.0)
        raise ValueError(f"expected one of {', '.join(TYPES)}, got {kind!r}; nearest: {near[0]}")
    return kind


def _checked_moment(value: str) -> str:
    dt.datetime.fromisoformat(value)
    return value


def _as_text(value: Any) -> Any:
    # YAML reads an unquoted 2026-01-31 as a date.
    return value.isoformat() if isinstance(value, dt.date) else value


def _checked_schema(schema: Any) -> Any:
    if not isinstance(schema, (dict, bool)):
        raise ValueError(f"expected a JSON Schema (an object), got {type(schema).__name__}")
    try:
        import jsonschema
    except ImportError:
        raise ValueError("expected the package jsonschema for json-schema; install it") from None
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"expected a JSON Schema, got an error at {error.json_path}: {error.message}") from None
    return schema


Text = Annotated[str, Field(min_length=1)]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_checked_pattern)]
Predicate = Annotated[Any, AfterValidator(_checked_predicate)]
"""A plain JSON value (equality), an operator object such as ``{gt: 100}``, or a nested mapping of those."""
Arguments = Annotated[dict[Text, Any], AfterValidator(_checked_arguments)]
"""Argument names (or dotted paths into them) and the predicate each must satisfy."""
Kind = Annotated[str, AfterValidator(_checked_kind)]
Moment = Annotated[str, BeforeValidator(_as_text), AfterValidator(_checked_moment)]
Stage = Literal["proposed", "executed"]
ArgsMode = Literal["exact", "subset", "superset", "ignore"]
OrderMode = Literal["strict", "unordered", "subset", "superset", "in_order"]


class _Part(Described):
    # Built when first used: a case has few of the types.
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True)


class _Assertion(_Part):
    name: str = ""
    """A label for people."""
    trace: str = ""
    """Id of the trace it applies to; every trace of the case when empty."""


class _OutputAssertion(_Assertion):
    span: str = ""
    """Name of the spans whose output is judged instead of the final output."""


class Contains(_OutputAssertion):
    """The output contains (or does not contain) a text."""

    type: Literal["contains", "not-contains"]
    value: Text | Annotated[list[Text], Field(min_length=1)]
    """The text, or several."""
    mode: Literal["any", "all"] | None = None
    """Of several texts: whether any or all must be found; by default all, and for ``not-contains`` none."""
    ignore_case: bool = False
    """Compare without regard to case."""


class Regex(_OutputAssertion):
    """A pattern matches (or does not match) somewhere in the output."""

    type: Literal["regex", "not-regex"]
    value: Pattern
    """The pattern, in RE2 syntax."""
    ignore_case: bool = False
    """Match without regard to case."""


class Equals(_OutputAssertion):
    """The output is (or is not) exactly this value."""

    type: Literal["equals", "not-equals"]
    value: Any
    """Any JSON value; for an output that is text, a text or the value that the text is JSON of."""


class JsonSchema(_OutputAssertion):
    """The output is JSON that satisfies a schema."""

    type: Literal["json-schema"]
    value: Annotated[Any, AfterValidator(_checked_schema)]
    """A JSON Schema, draft 2020-12; references stay inside it."""


class JsonPath(_OutputAssertion):
    """The output is JSON in which every value on a path satisfies a predicate."""

    type: Literal["json-path"]
    path: Annotated[str, AfterValidator(_checked_path)]
    """Such as ``$.refund.amount`` or ``$.items[*].id``."""
    value: Predicate = None
    """What each value on the path must be; when left out, only ``exists`` is judged."""
    exists: bool = True
    """Whether there must be a value on the path."""

    @model_validator(mode="after")
    def _value_needs_existence(self) -> JsonPath:
        if not self.exists and "value" in self.model_fields_set:
            raise ValueError("expected either value or exists: false, got both")
        return self


class Similar(_OutputAssertion):
    """The output is worded much like a reference text."""

    type: Literal["similar"]
    value: Text
    """The reference text."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Least share of character trigrams in common (Dice coefficient), case and white space aside."""


class ExpectedCall(_Part):
    """A tool call that is expected: a tool and predicates over its arguments."""

    tool: Text
    """Name of the tool; ``*`` stands for any run of characters."""
    args: Arguments | None = None
    """Predicates over its arguments; not compared when left out."""


class _CallAssertion(_Assertion):
    stage: Stage = "executed"
    """executed: the call went through; proposed: the model asked for it."""
    tool_args_match_mode: ArgsMode = "superset"
    """How a call's arguments relate to those given: superset (it has at least those, the default), exact,
    subset (it has none besides those), ignore. The words are those of agentevals."""


class _ToolAssertion(_CallAssertion):
    tool: Text
    """Name of the tool; ``*`` stands for any run of characters."""
    args: Arguments = {}
    """Predicates over the arguments by name or dotted path."""


class ToolCalled(_ToolAssertion):
    """A tool is (or is not) called with such arguments."""

    type: Literal["tool-called", "not-tool-called"]


class ToolArgs(_CallAssertion):
    """Every call of the tool has such arguments."""

    type: Literal["tool-args"]
    tool: Text
    """Name of the tool; ``*`` stands for any run of characters."""
    args: Annotated[Arguments, Field(min_length=1)]
    """Predicates over the arguments by name or dotted path."""


class ToolCount(_ToolAssertion):
    """The tool is called so many times."""

    type: Literal["tool-count"]
    equals: Annotated[int, Field(ge=0)] | None = None
    """Exactly this many calls."""
    min: Annotated[int, Field(ge=0)] | None = None
    """At least this many calls."""
    max: Annotated[int, Field(ge=0)] | None = None
    """At most this many calls."""

    @model_validator(mode="after")
    def _some_bound(self) -> ToolCount:
        bounds = (self.equals, self.min, self.max)
        if bounds == (None, None, None):
            raise ValueError("expected equals, min or max, got none of them")
        if self.equals is not None and bounds[1:] != (None, None):
            raise ValueError("expected either equals or min and max, got both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"expected min <= max, got {self.min} > {self.max}")
        return self


class ToolOrder(_CallAssertion):
    """The tools are called in such an order."""

    type: Literal["tool-order"]
    tools: Annotated[list[Text | ExpectedCall], Field(min_length=1)]
    """Names of tools, or tools with arguments."""
    mode: OrderMode = "strict"
    """strict: these calls in this order and no others; unordered: these in any order; subset: no calls
    besides these; superset: at least these; in_order: at least these, in this order, others in between."""


class IdempotentWrites(_Assertion):
    """No write is made twice with the same arguments."""

    type: Literal["idempotent-writes"]
    tools: Annotated[list[Text], Field(min_length=1)] | None = None
    """Tools to look at; by default those recorded with effect write or external."""
    key: Annotated[list[Text], Field(min_length=1)] | None = None
    """Arguments that make two calls the same; by default all of them."""
    retry_key: Text | None = None
    """Argument by which the called system knows a retry: two calls with the same value of it are one write. State it
    only where that system keeps to it."""


class WritePattern(_Part):
    """Which writes: by system, resource, operation and key; ``*`` stands for any run of characters."""

    system: Text | None = None
    """The downstream system."""
    resource: Text | None = None
    """The record or kind of record; the tool's name where a trace has no write spans."""
    operation: Text | None = None
    """create, update, delete …"""
    key: Text | None = None
    """The idempotency key."""

    @model_validator(mode="after")
    def _says_something(self) -> WritePattern:
        if not (self.system or self.resource or self.operation or self.key):
            raise ValueError("expected system, resource, operation or key, got an empty pattern")
        return self


class Writes(_Assertion):
    """Only these resources were written, with such values."""

    type: Literal["writes"]
    allow: list[WritePattern] | None = None
    """Writes that may happen, all others may not; an empty list permits none; everything when left out."""
    deny: list[WritePattern] = []
    """Writes that must not happen."""
    before: Predicate = None
    """What each permitted write must have found."""
    after: Predicate = None
    """What each permitted write must leave."""
    irreversible_needs_approval: bool = False
    """Whether each write that cannot be undone needs an approval in force."""
    tools_that_write: Annotated[list[Text], Field(min_length=1)] | None = None
    """Tools that write, for traces that record neither writes nor the effect of tools."""

    @model_validator(mode="after")
    def _asserts_something(self) -> Writes:
        told = {"before", "after"} & self.model_fields_set
        if self.allow is None and not self.deny and not told and not self.irreversible_needs_approval:
            raise ValueError("expected allow, deny, before, after or irreversible_needs_approval, got none")
        return self


class ApprovalRequired(_Assertion):
    """Each executed call has an approval of its own in force."""

    type: Literal["approval-required"]
    tool: Text
    """Name of the tool; ``*`` stands for any run of characters."""
    args: Arguments = {}
    """Predicates over the arguments by name or dotted path."""
    tool_args_match_mode: ArgsMode = "superset"
    """As for ``tool-called``."""
    stage: Literal["executed"] = "executed"
    """Only calls that went through need an approval."""
    decision: Literal["approve", "modify"] = "approve"
    """approve: as proposed, or modified to exactly what was executed; modify: only the latter."""
    shown: list[Text] = []
    """Names of the evidence that must have been on the approver's screen."""
    approver_kind: str = ""
    """Kind of approver required, such as ``human``."""
    by_not: list[Text] = []
    """Principals who must not be the approver, such as the requester."""


class DocumentPattern(_Part):
    """Which retrieved documents: every field given must match."""

    id: Predicate = None
    """Id of the document or chunk."""
    version: Predicate = None
    """Version of the document."""
    status: Predicate = None
    """Freshness as the index states it: current, superseded, draft …"""
    acl: Predicate = None
    """Access label."""
    trust: Predicate = None
    """Trust label."""
    uri: Predicate = None
    """Address of the document."""
    content: Predicate = None
    """A text that the content contains, or operators over the content."""
    data_source: Predicate = None
    """The source that was searched."""
    updated_at: Predicate = None
    """Time of its last change, as recorded."""
    fresh_as_of: Moment | None = None
    """Changed at this time (ISO 8601) or later."""

    def given(self) -> dict[str, Any]:
        """Return the fields that were given."""
        fields = DocumentPattern.model_fields
        return {each: getattr(self, each) for each in fields if each in self.model_fields_set}


class Retrieved(_Assertion, DocumentPattern):
    """Some (or no) retrieved document is such."""

    type: Literal["retrieved", "not-retrieved"]
    not_: DocumentPattern | None = Field(default=None, alias="not")
    """No retrieved document may be such."""
    min: Annotated[int, Field(ge=1)] = 1
    """At least this many documents."""

    @model_validator(mode="after")
    def _one_direction(self) -> Retrieved:
        given = bool(self.given())
        if given == (self.not_ is not None):
            raise ValueError("expected fields of a document or not: {…}; state both as two assertions")
        if self.not_ is not None and not self.not_.given():
            raise ValueError("expected fields of a document under not, got none")
        if self.type == "not-retrieved" and self.not_ is not None:
            raise ValueError("expected not-retrieved or not: {…}, got both")
        if "min" in self.model_fields_set and (self.type == "not-retrieved" or self.not_ is not None):
            raise ValueError("expected min only where documents must be retrieved")
        return self


class Trajectory(_CallAssertion):
    """The tool calls match a reference trajectory; the difference is explained."""

    type: Literal["trajectory"]
    reference: list[Text | ExpectedCall]
    """The calls of the reference, in order."""
    mode: OrderMode = "strict"
    """As for ``tool-order``."""
    tool_args_match_mode: ArgsMode = "exact"
    """How a call's arguments relate to the reference's: exact (the default), superset, subset, ignore."""


class NoLeak(_Assertion):
    """No secret, personal data or canary gets out, plainly or encoded."""

    type: Literal["no-leak"]
    values: list[Text] = []
    """Texts that must not get out, whatever their case, spacing or simple encoding."""
    canaries: list[Text] = []
    """Marker texts planted in prompts or documents; looked for like values."""
    patterns: list[Kind] = []
    """Built-in kinds of personal data and secrets, such as ``email``, ``card``, ``iban``, ``api_key``."""
    regex: list[Pattern] = []
    """Patterns of your own, in RE2 syntax."""
    where: Annotated[list[Literal["output", "tool_args", "model_output"]], Field(min_length=1)] = [
        "output",
        "tool_args",
    ]
    """Where to look."""
    stage: Stage = "executed"
    """Which tool calls count for ``tool_args``."""
    tools: Annotated[list[Text], Field(min_length=1)] | None = None
    """Tools whose arguments are looked at; by default all."""
    allow: list[Text] = []
    """Texts that may get out although a pattern finds them."""

    @model_validator(mode="after")
    def _looks_for_something(self) -> NoLeak:
        if not (self.values or self.canaries or self.patterns or self.regex):
            raise ValueError("expected values, canaries, patterns or regex, got none of them")
        return self


class InjectionResisted(_Assertion):
    """No call or output can be traced to instructions that came in through documents or tool results."""

    type: Literal["injection-resisted"]
    sources: Annotated[list[Literal["tool", "retrieval"]], Field(min_length=1)] = ["tool", "retrieval"]
    """Where instructions may have come in."""
    ignore_tools: list[Text] = []
    """Tools whose calls are never counted."""
    allow: list[Text] = []
    """Texts (recipients, addresses, ids) that calls may carry although they came in through a source."""
    stage: Stage = "executed"
    """executed: what went through; proposed: what the model asked for."""


Assertion = Annotated[
    Contains
    | Regex
    | Equals
    | JsonSchema
    | JsonPath
    | Similar
    | ToolCalled
    | ToolArgs
    | ToolCount
    | ToolOrder
    | IdempotentWrites
    | Writes
    | ApprovalRequired
    | Retrieved
    | Trajectory
    | NoLeak
    | InjectionResisted,
    Field(discriminator="type"),
]
"""One entry of ``assert``."""

ASSERTION_TYPES: dict[str, type[_Assertion]] = {
    word: model
    for model in get_args(get_args(Assertion)[0])
    for word in get_args(model.model_fields["type"].annotation)
}
"""Every type word of case.yaml and its model."""

# Deferred: a case file is validated as a whole, so most commands never need it.
ASSERTION_ADAPTER: TypeAdapter[Assertion] = TypeAdapter(Assertion, config=ConfigDict(defer_build=True))
"""Validates one entry."""
