"""Typed views of spans from OpenTelemetry's GenAI attributes (1.37 and later) and ``unrepeat.*``.

Shared by every format that carries span attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ..message_parts import parse_text, structured
from ..trace import Evaluation, ModelCall, Origin, ToolCall, UserTurn, View
from .message_store import MessageStore
from .unrepeat_attributes import json_value, prompt_of, retrieval_of, section_view, sections

Origins = dict[str, Origin]
ViewAndOrigins = tuple[View | None, Origins]
_Shortened = tuple[tuple[str, str], ...]
_MakeView = Callable[[str, Mapping[str, Any], str, MessageStore], ViewAndOrigins]

_FROM_ARGUMENTS = Origin(kind="inferred", note="unrepeat.arguments")
_FROM_RESULT = Origin(kind="inferred", note="unrepeat.result")
_FROM_NAME = Origin(kind="inferred", note="the span's name")
_NONE: Origins = {}
_NO_SIDES: list[tuple[str, View]] = []


def views_of(
    name: str, attributes: Mapping[str, Any], error: str, store: MessageStore
) -> tuple[View | None, Origins, list[tuple[str, View]]]:
    """Return the typed view of a span, the origins of what is not simply observed, and the views it has beside.

    Args:
        name: The span's name.
        attributes: Its attributes as plain values.
        error: What it failed with, empty when it did not.
        store: Where its messages go.

    Returns:
        View, origins by field, and by section each further view: a permission, approval, guardrail or write that
        stands on the span of a tool.
    """
    kind = _kind(attributes)
    present = sections(attributes)
    if kind is None:
        view = section_view(present.pop(0), attributes) if present else None
        return view, _NONE, side_views(attributes, present)
    if kind is _approval:
        present = [section for section in present if section != "approval"]
    view, origins = kind(name, attributes, error, store)
    return view, origins, side_views(attributes, present) if present else _NO_SIDES


def side_views(attributes: Mapping[str, Any], present: list[str]) -> list[tuple[str, View]]:
    """Return the views of these sections."""
    return [(section, section_view(section, attributes)) for section in present]


def evaluation_of(attributes: Mapping[str, Any]) -> Evaluation:
    """Return the evaluation that an event or span describes."""
    get = attributes.get
    return Evaluation(
        name=str(get("gen_ai.evaluation.name") or ""),
        value=get("gen_ai.evaluation.score.value"),
        label=str(get("gen_ai.evaluation.score.label") or ""),
        explanation=str(get("gen_ai.evaluation.explanation") or ""),
        annotator_kind=str(get("unrepeat.evaluation.annotator_kind") or ""),
    )


def _kind(attributes: Mapping[str, Any]) -> _MakeView | None:
    boundary = attributes.get("unrepeat.boundary")
    if type(boundary) is str and boundary in _BOUNDARIES:
        return _BOUNDARIES[boundary]
    operation = attributes.get("gen_ai.operation.name")
    if type(operation) is str and operation in _OPERATIONS:
        return _OPERATIONS[operation]
    for key, kind in _TELLING:
        if key in attributes:
            return kind
    return None


def _model_call(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    asked, counted = _params_and_usage(tuple(attributes))
    params = {short: attributes[key] for short, key in asked}
    usage = {short: attributes[key] for short, key in counted}
    get = attributes.get
    model, seed = params.pop("model", None), params.pop("seed", None)
    if "gen_ai.output.type" in attributes:
        params["output_type"] = get("gen_ai.output.type")
    given, taken = get("gen_ai.input.messages"), get("gen_ai.output.messages")
    origins = _NONE
    if given is None or taken is None or model is None:
        given, taken, model, origins = _from_function(attributes, given, taken, model)
    definitions = get("gen_ai.tool.definitions")
    reasons = get("gen_ai.response.finish_reasons")
    view = ModelCall(
        provider=_text(get("gen_ai.provider.name") or get("gen_ai.system")),
        request_model=_text(model),
        response_model=_text(get("gen_ai.response.model")),
        params=params,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        tool_definitions=() if definitions is None else _definitions(definitions),
        system_instructions=store.parts(get("gen_ai.system_instructions")),
        prompt=prompt_of(attributes),
        input=store.indices(given, "user"),
        output=store.indices(taken, "assistant"),
        finish_reasons=() if reasons is None else _texts(reasons),
        usage=usage,
    )
    return view, origins


@lru_cache(maxsize=64)  # the spans of one instrumentation have the same names
def _params_and_usage(keys: tuple[str, ...]) -> tuple[_Shortened, _Shortened]:
    """Return the attributes that are parameters and counts of tokens, each with its name in the view before it."""
    request, usage = "gen_ai.request.", "gen_ai.usage."
    return (
        tuple([(key.removeprefix(request), key) for key in keys if key.startswith(request)]),
        tuple([(key.removeprefix(usage), key) for key in keys if key.startswith(usage)]),
    )


def _from_function(attributes: Mapping[str, Any], given: Any, taken: Any, model: Any) -> tuple[Any, Any, Any, Origins]:
    """Return messages and model of a call that was recorded as a function, from its arguments and result."""
    arguments = json_value(attributes.get("unrepeat.arguments"))
    origins: Origins = {}
    if isinstance(arguments, Mapping):
        if given is None:
            given = next((arguments[key] for key in ("messages", "prompt", "input") if key in arguments), None)
            origins["input"] = _FROM_ARGUMENTS
        if model is None and isinstance(arguments.get("model"), str):
            model = arguments["model"]
            origins["request_model"] = _FROM_ARGUMENTS
    if taken is None and "unrepeat.result" in attributes:
        taken = json_value(attributes["unrepeat.result"])
        origins["output"] = _FROM_RESULT
    return given, taken, model, origins


def _tool_call(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    get = attributes.get
    tool = get("gen_ai.tool.name") or get("unrepeat.tool.name")
    origins = _NONE if tool else {"name": _FROM_NAME}
    arguments, arguments_raw = _value(attributes, "unrepeat.arguments", "gen_ai.tool.call.arguments")
    result, result_raw = _value(attributes, "unrepeat.result", "gen_ai.tool.call.result")
    attempt = get("unrepeat.tool.attempt")
    effect, stage = get("unrepeat.tool.effect"), get("unrepeat.tool.stage")
    view = ToolCall(
        name=_text(tool or name.removeprefix("execute_tool ")),
        id=_text(get("gen_ai.tool.call.id")),
        attempt=attempt if isinstance(attempt, int) else 1,
        arguments=arguments,
        arguments_raw=arguments_raw,
        result=result,
        result_raw=result_raw,
        error=error,
        effect=effect if effect in ("read", "write", "external") else "unknown",
        stage="proposed" if stage == "proposed" else "executed",
    )
    return view, origins


def _value(attributes: Mapping[str, Any], own: str, conventional: str) -> tuple[Any, str]:
    """Return a value and, where it is text that was not written by us, that text.

    ``unrepeat.*`` holds JSON by definition. The conventional attribute may hold any text: it is read as JSON only
    where it is an object or array.
    """
    if own in attributes:
        return json_value(attributes[own]), ""
    value = attributes.get(conventional)
    if not isinstance(value, str):
        return value, ""
    parsed = parse_text(value) if value[:1] in ("{", "[") else value
    return parsed, value if parsed is not value else ""


def _retrieval(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    inferred = "unrepeat.documents" not in attributes and "gen_ai.retrieval.documents" not in attributes
    view = retrieval_of(attributes)
    return view, {"documents": _FROM_RESULT} if inferred and view.documents else _NONE


def _user_turn(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    for key, role in (("gen_ai.input.messages", "user"), ("gen_ai.output.messages", "user")):
        if key in attributes:
            return UserTurn(messages=store.indices(attributes[key], role)), _NONE
    said = json_value(attributes.get("unrepeat.result", attributes.get("unrepeat.arguments")))
    return UserTurn(messages=store.indices(said, "user")), {"messages": _FROM_RESULT}


def _approval(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    return section_view("approval", attributes), _NONE


def _evaluation(name: str, attributes: Mapping[str, Any], error: str, store: MessageStore) -> ViewAndOrigins:
    return evaluation_of(attributes), _NONE


_BOUNDARIES: dict[Any, _MakeView] = {
    "model": _model_call,
    "tool": _tool_call,
    "retrieval": _retrieval,
    "approval": _approval,
    "user": _user_turn,
}
_OPERATIONS: dict[Any, _MakeView | None] = {
    "execute_tool": _tool_call,
    "retrieval": _retrieval,
    **dict.fromkeys(("chat", "text_completion", "generate_content", "completion", "llm_call"), _model_call),
    # They may repeat the messages of the calls below them.
    **dict.fromkeys(("invoke_agent", "create_agent", "invoke_workflow", "embeddings", "chain")),
}
_TELLING: tuple[tuple[str, _MakeView], ...] = (
    ("unrepeat.documents", _retrieval),
    ("gen_ai.retrieval.documents", _retrieval),
    ("gen_ai.evaluation.name", _evaluation),
    ("gen_ai.tool.call.id", _tool_call),
    ("gen_ai.tool.name", _tool_call),
    ("gen_ai.input.messages", _model_call),
    ("gen_ai.output.messages", _model_call),
    ("gen_ai.response.model", _model_call),
)
"""What tells the kind of a span that names no operation. Token counts do not: an agent's span carries their sum."""


def _definitions(value: Any) -> tuple[dict[str, Any], ...]:
    value = structured(value)
    if isinstance(value, Mapping):
        value = [value]
    return tuple(dict(item) for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        value = structured(value)
        if value is None or value == "":
            return ()
    return tuple([_text(item) for item in value]) if isinstance(value, list) else (_text(value),)


def _text(value: Any) -> str:
    return value if type(value) is str else "" if value is None else str(value)
