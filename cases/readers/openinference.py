"""Typed views of spans from OpenInference attributes (``openinference.span.kind``), wherever such spans stand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ..message_parts import as_text, structured
from ..messages import to_messages
from ..trace import Evaluation, Guardrail, ModelCall, Origin, Prompt, Retrieval, ToolCall
from .attribute_tree import Tree, items_under, tree_of, under
from .genai import Origins, ViewAndOrigins
from .langchain_values import alone, arguments_of, mapping, tool_message
from .message_store import MessageStore
from .openinference_messages import messages_of
from .unrepeat_attributes import documents_of

KIND = "openinference.span.kind"

_HEADS = ("llm", "input", "output", "retrieval", "reranker", "tool", "tool_call", "guardrail", "prompt")
_FROM_INPUT = Origin(kind="inferred", note="input.value")
_FROM_OUTPUT = Origin(kind="inferred", note="output.value")
_FROM_NAME = Origin(kind="inferred", note="the span's name")
_FROM_POSITION = Origin(kind="inferred", note="positional arguments, named as in tool.parameters")
_RERANKED = Origin(kind="inferred", note="what the reranker put out")
_NO_PARAMETER = ("model", "model_name", "messages", "tools", "functions", "prompt", "input", "system", "_type")
_VERDICTS = ("verdict", "result", "label", "decision", "status")


def view_of(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    """Return the typed view of a span and the origins of what is not simply observed.

    Args:
        name: The span's name.
        attributes: Its attributes: flat, or nested as exports of tables have them.
        error: What it failed with, empty when it did not.
        store: Where its messages go.
    """
    make = _VIEWS.get(as_text(attributes.get(KIND)).upper())
    return (None, {}) if make is None else make(name, tree_of(attributes, _HEADS), error, store)


def _model_call(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    llm = mapping(tree.get("llm"))
    invocation = mapping(structured(llm.get("invocation_parameters")))
    params = {key: value for key, value in invocation.items() if key not in _NO_PARAMETER and value is not None}
    seed = params.pop("seed", None)
    stated = as_text(llm.get("model_name"))
    asked = as_text(invocation.get("model") or invocation.get("model_name"))
    given, taken, origins = _exchange(tree, llm)
    view = ModelCall(
        provider=as_text(llm.get("provider") or llm.get("system")),
        request_model=asked or stated,
        response_model=stated if asked else "",
        params=params,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        tool_definitions=_definitions(llm, invocation),
        system_instructions=store.parts(invocation.get("system")),
        prompt=_prompt(tree),
        input=store.indices(given, "user"),
        output=store.indices(taken, "assistant"),
        finish_reasons=_finish_reasons(tree, llm),
        usage=_usage(llm.get("token_count")),
    )
    return view, origins


def _exchange(tree: Tree, llm: Mapping[str, Any]) -> tuple[Any, Any, Origins]:
    """Return what went in and what came out: the messages, else prompts and completions, else the plain values."""
    origins: Origins = {}
    given: Any = messages_of(items_under(llm, "input_messages"))
    taken: Any = messages_of(items_under(llm, "output_messages"))
    given = given or [_text_at(item, "prompt") for item in items_under(llm, "prompts")]
    taken = taken or [_text_at(item, "completion") for item in items_under(llm, "choices")]
    if not given and (value := under(tree, "input", "value")) is not None:
        given, origins["input"] = value, _FROM_INPUT
    if not taken and (value := under(tree, "output", "value")) is not None:
        taken, origins["output"] = value, _FROM_OUTPUT
    return given or None, taken or None, origins


def _text_at(item: Any, kind: str) -> Any:
    found = under(item, kind, "text")
    return item if found is None else found


def _definitions(llm: Mapping[str, Any], invocation: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    stated = [structured(under(item, "tool", "json_schema")) for item in items_under(llm, "tools")]
    if not stated:
        sent = invocation.get("tools", invocation.get("functions"))
        stated = sent if isinstance(sent, list) else []
    return tuple([dict(item) for item in stated if isinstance(item, Mapping)])


def _prompt(tree: Tree) -> Prompt | None:
    template = mapping(under(tree, "llm", "prompt_template"))
    name = as_text(under(tree, "prompt", "id") or under(tree, "prompt", "name"))
    version, text = as_text(template.get("version")), template.get("template")
    sha256 = hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) and text else ""
    return Prompt(name=name, version=version, sha256=sha256) if name or version or sha256 else None


def _finish_reasons(tree: Tree, llm: Mapping[str, Any]) -> tuple[str, ...]:
    stated = llm.get("finish_reason")
    if stated:
        return tuple([as_text(each) for each in stated] if isinstance(stated, list) else [as_text(stated)])
    answer = structured(under(tree, "output", "value"))
    if not isinstance(answer, Mapping):
        return ()
    reasons = (message.finish_reason for message in to_messages(answer, role="assistant"))
    return tuple([reason for reason in reasons if reason])


def _usage(counts: Any) -> dict[str, Any]:
    """Return token counts as numbers; some exports write them as text."""
    if not isinstance(counts, Mapping):
        return {}
    return {key: _usage(value) if isinstance(value, Mapping) else _number(value) for key, value in counts.items()}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


def _tool_call(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    call = mapping(tree.get("tool_call"))
    tool = as_text(under(tree, "tool", "name") or under(call, "function", "name"))
    given = under(call, "function", "arguments")
    arguments, raw = arguments_of(given if given is not None else _opened(tree, "input"))
    arguments, origins = _bound(arguments, tree)
    if not tool:
        origins["name"] = _FROM_NAME
    output = alone(_opened(tree, "output"), "output")
    message = tool_message(output)
    result = structured(message["content"]) if message else output
    failed = message is not None and message.get("status") == "error"
    text = under(tree, "output", "value")
    view = ToolCall(
        name=tool or name,
        id=as_text(call.get("id") or under(tree, "tool", "id") or (message or {}).get("tool_call_id")),
        arguments=arguments,
        arguments_raw=raw,
        result=result,
        result_raw=text if isinstance(text, str) and result is not text and not message else "",
        error=error or (as_text(message["content"]) if message and failed else ""),
    )
    return view, origins


def _bound(arguments: Any, tree: Tree) -> tuple[Any, Origins]:
    """Return arguments by name where a framework recorded how its function was called: ``args`` and ``kwargs``."""
    if not isinstance(arguments, Mapping) or not {"kwargs"} <= set(arguments) <= _CALLED:
        return arguments, {}
    named, positional = arguments["kwargs"], arguments.get("args") or []
    if not isinstance(named, Mapping) or not isinstance(positional, list):
        return arguments, {}
    if not positional:
        return dict(named), {}
    schema = mapping(structured(under(tree, "tool", "parameters")))
    names = [key for key in mapping(schema.get("properties", schema)) if key not in named]
    if len(names) < len(positional):
        return arguments, {}
    return {**dict(zip(names, positional, strict=False)), **named}, {"arguments": _FROM_POSITION}


_CALLED = {"args", "kwargs", "sanitize_inputs_outputs"}


def _opened(tree: Tree, end: str) -> Any:
    """Return ``input.value`` or ``output.value``: JSON opened where the mime type or its first character says so."""
    value = under(tree, end, "value")
    if not isinstance(value, str):
        return value
    says_json = under(tree, end, "mime_type") == "application/json"
    return structured(value) if says_json or value.lstrip()[:1] in ("{", "[") else value


def _retrieval(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    found = _documents(items_under(tree, "retrieval", "documents"))
    origins: Origins = {}
    if not found and (output := _opened(tree, "output")) is not None:
        found, origins["documents"] = output, _FROM_OUTPUT
    return Retrieval(query=alone(_opened(tree, "input"), "query"), documents=documents_of(found)), origins


def _reranker(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    query = under(tree, "reranker", "query")
    found = _documents(items_under(tree, "reranker", "output_documents"))
    query = _opened(tree, "input") if query is None else query
    return Retrieval(query=query, documents=documents_of(found)), {"view": _RERANKED}


def _documents(items: list[Any]) -> list[Any]:
    """Return documents as plain objects, with metadata opened."""
    found = []
    for item in items:
        document = under(item, "document") or item
        if isinstance(document, Mapping):
            document = {**document, "score": _score(document.get("score"))}
            if "metadata" in document:
                document["metadata"] = structured(document["metadata"])
        found.append(document)
    return found


def _score(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _guardrail(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    output = _opened(tree, "output")
    said = mapping(output)
    verdict = next((said[key] for key in _VERDICTS if key in said), "") if said else output
    view = Guardrail(
        name=as_text(under(tree, "guardrail", "name")) or name,
        target=as_text(said.get("target")),
        verdict=as_text(verdict),
        action=as_text(said.get("action")),
        findings=() if output is None else (output,),
    )
    return view, {}


def _evaluator(name: str, tree: Tree, error: str, store: MessageStore) -> ViewAndOrigins:
    output = _opened(tree, "output")
    said = mapping(output)
    view = Evaluation(
        name=as_text(said.get("name")) or name,
        value=said.get("score", said.get("value")) if said else output,
        label=as_text(said.get("label")),
        explanation=as_text(said.get("explanation")),
        annotator_kind="machine",
    )
    return view, {}


_VIEWS: dict[str, Callable[[str, Tree, str, MessageStore], ViewAndOrigins]] = {
    "LLM": _model_call,
    "TOOL": _tool_call,
    "RETRIEVER": _retrieval,
    "RERANKER": _reranker,
    "GUARDRAIL": _guardrail,
    "EVALUATOR": _evaluator,
}
"""AGENT, CHAIN, PROMPT and EMBEDDING have no view: the first two may repeat what the calls below them say."""
