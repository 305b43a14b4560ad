"""Langfuse exports: ``trace`` and ``observations``, with JSON inside JSON and OTel attributes in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..message_parts import structured
from ..trace import Evaluation, Guardrail, ModelCall, Origin, Prompt, Retrieval, Session, ToolCall, Trace, View
from .assembly import SpanDraft, assemble
from .genai import Origins, side_views
from .inherited import Above, system_above
from .langchain_values import arguments_of, tool_message, without_schemas
from .message_store import MessageStore
from .moments import unix_ns
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .span_views import views_of
from .unrepeat_attributes import documents_of, sections

_KINDS = {
    "LLM": "GENERATION",
    "llm": "GENERATION",
    "chat": "GENERATION",
    "TOOL": "TOOL",
    "tool": "TOOL",
    "execute_tool": "TOOL",
    "RETRIEVER": "RETRIEVER",
    "retriever": "RETRIEVER",
    "retrieval": "RETRIEVER",
    "GUARDRAIL": "GUARDRAIL",
    "EVALUATOR": "EVALUATOR",
}
_PLACED = {"id", "traceId", "parentObservationId", "name", "startTime", "endTime", "input", "output", "metadata"}
_BY_KIND = Origin(kind="inferred", note="kind of span, from its metadata or output")


def looks_like(sample: Any) -> bool:
    """Tell one export, or a list of them."""
    if isinstance(sample, list):
        return bool(sample) and looks_like(sample[0])
    return isinstance(sample, Mapping) and isinstance(sample.get("trace"), Mapping) and "observations" in sample


def build(source: SourceFile, record: SourceRecord) -> Trace:
    """Return the trace of one export."""
    trace = record.value["trace"]
    observations = record.value["observations"]
    above = _above(observations)
    drafts = [_draft(observation, above) for observation in observations]
    drafts += [_score(score) for score in trace.get("scores") or ()]
    ends = {key: structured(trace[key]) for key in ("input", "output") if trace.get(key) is not None}
    session = Session(conversation_id=_text(trace.get("sessionId")), user_id=_text(trace.get("userId")))
    kept = ("name", "tags", "release", "version", "environment")
    return assemble(
        _text(trace.get("id")),
        drafts,
        source.stamp("langfuse", record.offset),
        session=session if session != Session() else None,
        labels={key: trace[key] for key in kept if trace.get(key)},
        original=record.original() if source.options.keep_original else None,
        **ends,
    )


def _draft(observation: Mapping[str, Any], above: Above) -> SpanDraft:
    metadata = structured(observation.get("metadata"))
    metadata = metadata if isinstance(metadata, Mapping) else {}
    attributes = _mapping(metadata.get("attributes"))
    kind = _kind(observation, attributes)
    known = _PLACED if kind in _VIEWS else _PLACED - {"input", "output"}
    own = {
        f"langfuse.{key}": value
        for key, value in observation.items()
        if key not in known and value not in (None, "", {}, [])
    }
    rest = {key: value for key, value in metadata.items() if key not in ("attributes", "resourceAttributes", "scope")}
    if rest:
        own["langfuse.metadata"] = rest
    failed = observation.get("level") == "ERROR"
    error = _text(observation.get("statusMessage")) or "error" if failed else ""
    return SpanDraft(
        span_id=_text(observation.get("id")),
        parent_id=_text(observation.get("parentObservationId")),
        name=_text(observation.get("name")),
        start_ns=unix_ns(observation.get("startTime")),
        end_ns=unix_ns(observation.get("endTime")),
        status="error" if failed else "",
        error=error,
        resource=_mapping(metadata.get("resourceAttributes")) | _scope(metadata.get("scope")),
        attributes=attributes | own,
        operation=_text(attributes.get("gen_ai.operation.name")) or kind.lower(),
        make_view=lambda store: _view(kind, observation, attributes, error, above, store),
    )


def _kind(observation: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    """Return the observation's type, or for a plain span the kind that its instrumentation gave."""
    kind = _text(observation.get("type"))
    if kind not in ("SPAN", "EVENT", ""):
        return kind
    stated = attributes.get("openinference.span.kind") or attributes.get("gen_ai.operation.name")
    if stated is None and tool_message(structured(observation.get("output"))) is not None:
        return "TOOL"
    return _KINDS.get(str(stated), kind)


def _view(
    kind: str,
    observation: Mapping[str, Any],
    attributes: Mapping[str, Any],
    error: str,
    above: Above,
    store: MessageStore,
) -> tuple[View | None, Origins, list[tuple[str, View]]]:
    make = _VIEWS.get(kind)
    if make is None:
        return views_of(_text(observation.get("name")), attributes, error, store)
    origins: Origins = {} if kind == observation.get("type") else {"view": _BY_KIND}
    view = make(observation, attributes, error, store)
    if isinstance(view, ModelCall):
        given = structured(observation.get("input"))
        system, found = system_above(_text(observation.get("id")), given, above)
        view, origins = msgspec.structs.replace(view, system_instructions=store.parts(system)), origins | found
    return view, origins, side_views(attributes, sections(attributes))


def _above(observations: list[Mapping[str, Any]]) -> Above:
    parents = {_text(each.get("id")): _text(each.get("parentObservationId")) for each in observations}
    systems = {}
    for each in observations:
        given = structured(each.get("input")) if each.get("type") != "GENERATION" else None
        if isinstance(given, Mapping) and given.get("system"):
            systems[_text(each.get("id"))] = (given["system"], _text(each.get("name")))
    return Above(parents, systems)


def _model_call(observation: Mapping[str, Any], attributes: Mapping[str, Any], error: str, store: MessageStore) -> View:
    given = structured(observation.get("input"))
    request = given if isinstance(given, Mapping) else {}
    given, schemas = without_schemas(request.get("messages", given))
    given = given if schemas or not request else request
    params = _mapping(observation.get("modelParameters"))
    seed = params.get("seed")
    return ModelCall(
        provider=_text(
            attributes.get("gen_ai.provider.name") or attributes.get("gen_ai.system") or attributes.get("llm.system")
        ),
        request_model=_text(attributes.get("gen_ai.request.model") or observation.get("model")),
        response_model=_text(attributes.get("gen_ai.response.model")),
        params=params,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        tool_definitions=_definitions(observation, request) or tuple(schemas),
        prompt=_prompt(observation),
        input=store.indices(given, "user"),
        output=store.indices(structured(observation.get("output")), "assistant"),
        usage=_mapping(observation.get("usageDetails")) or _mapping(observation.get("usage")),
    )


def _tool_call(observation: Mapping[str, Any], attributes: Mapping[str, Any], error: str, store: MessageStore) -> View:
    arguments, arguments_raw = arguments_of(structured(observation.get("input")))
    output = observation.get("output")
    result = structured(output)
    message = tool_message(result)
    name = attributes.get("gen_ai.tool.name") or attributes.get("tool.name") or observation.get("name")
    return ToolCall(
        name=_text(name),
        id=_text(attributes.get("gen_ai.tool.call.id") or (message or {}).get("tool_call_id")),
        arguments=arguments,
        arguments_raw=arguments_raw,
        result=result if message is None else structured(message["content"]),
        result_raw=output if isinstance(output, str) and result is not output else "",
        error=error or (_text(message["content"]) if message and message.get("status") == "error" else ""),
    )


def _retrieval(observation: Mapping[str, Any], attributes: Mapping[str, Any], error: str, store: MessageStore) -> View:
    query = structured(observation.get("input"))
    if isinstance(query, Mapping) and "query" in query:
        query = query["query"]
    return Retrieval(query=query, documents=documents_of(structured(observation.get("output"))))


def _guardrail(observation: Mapping[str, Any], attributes: Mapping[str, Any], error: str, store: MessageStore) -> View:
    output = structured(observation.get("output"))
    verdict = output.get("verdict", output.get("result", "")) if isinstance(output, Mapping) else output
    findings = (output,) if output is not None else ()
    return Guardrail(name=_text(observation.get("name")), verdict=_text(verdict), findings=findings)


def _evaluator(observation: Mapping[str, Any], attributes: Mapping[str, Any], error: str, store: MessageStore) -> View:
    return Evaluation(name=_text(observation.get("name")), value=structured(observation.get("output")))


_VIEWS = {
    "GENERATION": _model_call,
    "TOOL": _tool_call,
    "RETRIEVER": _retrieval,
    "GUARDRAIL": _guardrail,
    "EVALUATOR": _evaluator,
}


def _score(score: Mapping[str, Any]) -> SpanDraft:
    """Return the span of an evaluation; what the view does not hold stays in the attributes."""
    view = Evaluation(
        name=_text(score.get("name")),
        value=score.get("value"),
        label=_text(score.get("stringValue")),
        explanation=_text(score.get("comment")),
        annotator_kind={"EVAL": "machine", "ANNOTATION": "human"}.get(_text(score.get("source")), ""),
    )
    known = ("id", "traceId", "observationId", "name", "timestamp", "comment", "value", "stringValue")
    attributes = {f"langfuse.{key}": value for key, value in score.items() if key not in known and value}
    time = unix_ns(score.get("timestamp"))
    return SpanDraft(
        span_id=_text(score.get("id")),
        parent_id=_text(score.get("observationId")),
        name=view.name,
        start_ns=time,
        end_ns=time,
        status="",
        error="",
        resource={},
        attributes=attributes,
        operation="evaluation",
        make_view=lambda store: (view, {}, []),
    )


def _prompt(observation: Mapping[str, Any]) -> Prompt | None:
    name, version = observation.get("promptName"), observation.get("promptVersion")
    return Prompt(name=_text(name), version=_text(version)) if name or version else None


def _definitions(observation: Mapping[str, Any], request: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    stated = structured(observation.get("toolDefinitions")) or request.get("tools")
    if isinstance(stated, Mapping):
        named = ((name, structured(value)) for name, value in stated.items())
        return tuple(
            {"name": name, **(value if isinstance(value, Mapping) else {"definition": value})} for name, value in named
        )
    return tuple(dict(item) for item in stated if isinstance(item, Mapping)) if isinstance(stated, list) else ()


def _scope(scope: Any) -> dict[str, Any]:
    scope = _mapping(scope)
    return {f"otel.scope.{key}": value for key, value in scope.items() if value}


def _mapping(value: Any) -> dict[str, Any]:
    value = structured(value)
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


READER = record_reader("langfuse", "`trace` and `observations`", looks_like=looks_like, build=build)
