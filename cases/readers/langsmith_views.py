"""Typed views of LangSmith runs: what LangChain's tracer writes, and the SDK's wrappers of model clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..message_parts import as_text, structured
from ..messages import to_messages
from ..trace import ModelCall, Origin, Prompt, Retrieval, ToolCall, View
from .genai import Origins
from .inherited import Above, system_above
from .langchain_values import (
    alone,
    arguments_of,
    documents_in,
    fields_of,
    flat_generations,
    generations_of,
    mapping,
    response_metadata,
    tool_message,
)
from .message_store import MessageStore
from .unrepeat_attributes import documents_of

Run = Mapping[str, Any]
Fields = Mapping[str, Any]

_MESSAGES = ("messages", "prompts", "input", "prompt", "contents")
_SYSTEM = ("system", "instructions")
_TOOLS = ("tools", "functions")
_MODELS = ("model", "model_name", "model_id", "deployment_name")
_NO_PARAMETER = {*_MESSAGES, *_SYSTEM, *_TOOLS, *_MODELS, "_type"}
_LS_PARAMS = {"ls_temperature": "temperature", "ls_max_tokens": "max_tokens", "ls_stop": "stop"}
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")

VIEWS = ("llm", "tool", "retriever")
"""The types of runs that get a typed view."""
IN_VIEW = frozenset((*_MESSAGES, *_SYSTEM, *_TOOLS))
"""What of the inputs of such a run its view holds in full."""
OUT_OF_VIEW = frozenset(("generations", "choices", "content", "message", "messages", "documents"))
"""What of its outputs."""


class Surroundings(NamedTuple):
    """What runs say about the model calls beside and below them."""

    above: Above
    """The runs above each, and the system prompts they were given."""
    prompts: Mapping[str, Prompt]
    """Prompt template that was filled in below a run, by its id."""


def kind_of(run: Run) -> str:
    """Return the type of a run: llm, tool, retriever, chain, prompt, parser, embedding."""
    return as_text(run.get("run_type"))


def metadata_of(run: Run) -> Fields:
    """Return what the user and the SDK noted about a run."""
    extra = run.get("extra")
    found = extra.get("metadata") if isinstance(extra, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def prompt_in(metadata: Fields) -> Prompt | None:
    """Return the prompt of the hub that metadata names."""
    parts = [as_text(metadata.get(key)) for key in ("lc_hub_owner", "lc_hub_repo")]
    name = "/".join(part for part in parts if part and part != "-")
    version = as_text(metadata.get("lc_hub_commit_hash"))
    return Prompt(name=name, version=version) if name or version else None


def view_of(
    run: Run, run_id: str, error: str, around: Surroundings, store: MessageStore
) -> tuple[View | None, Origins, list[tuple[str, View]]]:
    """Return the typed view of a run and the origins of what is not simply observed.

    Args:
        run: With everything that was sent about it.
        run_id: Its id.
        error: What it failed with, empty when it did not.
        around: What other runs say about it.
        store: Where its messages go.
    """
    kind = kind_of(run)
    if kind == "llm":
        return (*_model_call(run, run_id, around, store), [])
    if kind == "tool":
        return _tool_call(run, error), {}, []
    if kind == "retriever":
        return _retrieval(run), {}, []
    return None, {}, []


def _model_call(run: Run, run_id: str, around: Surroundings, store: MessageStore) -> tuple[ModelCall, Origins]:
    inputs, outputs, metadata = mapping(run.get("inputs")), mapping(run.get("outputs")), metadata_of(run)
    invocation = mapping(mapping(run.get("extra")).get("invocation_params"))
    request = {**invocation, **{key: value for key, value in inputs.items() if value is not None}}
    params = {key: value for key, value in request.items() if key not in _NO_PARAMETER and value is not None}
    for key, name in _LS_PARAMS.items():
        if metadata.get(key) is not None:
            params.setdefault(name, metadata[key])
    seed = params.pop("seed", None)
    answer = _answer(outputs)
    given = next((inputs[key] for key in _MESSAGES if inputs.get(key) is not None), None)
    system = next((inputs[key] for key in _SYSTEM if inputs.get(key)), None)
    origins: Origins = {}
    if system is None:
        system, origins = system_above(run_id, given, around.above)
    prompt = prompt_in(metadata)
    if prompt is None and (beside := around.prompts.get(around.above.parents.get(run_id, ""))):
        prompt, origins["prompt"] = beside, Origin(kind="inferred", note="the prompt run beside it")
    view = ModelCall(
        provider=as_text(metadata.get("ls_provider")),
        request_model=_first_text(request, _MODELS) or as_text(metadata.get("ls_model_name")),
        response_model=_response_model(outputs),
        params=params,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        tool_definitions=_tools(request),
        system_instructions=store.parts(system),
        prompt=prompt,
        input=store.indices(given, "user"),
        output=store.indices(answer, "assistant"),
        finish_reasons=_finish_reasons(answer),
        usage=_usage(run, outputs, metadata),
    )
    return view, origins


def _answer(outputs: Fields) -> Any:
    """Return the messages of an answer: generations, a provider's response, or whatever the function returned."""
    if "generations" in outputs:
        return generations_of(outputs)
    if isinstance(outputs.get("choices"), list):
        return {"choices": [_choice(each) for each in outputs["choices"]]}
    value = alone({key: item for key, item in outputs.items() if key != "usage_metadata"}, "output")
    value = fields_of(value)
    if not value:
        return None
    if isinstance(value, Mapping) and not any(message.parts for message in to_messages(value, role="assistant")):
        return {"role": "assistant", "parts": [{"type": "json", "content": value}]}
    return value


def _choice(choice: Any) -> Any:
    """Return a choice with its finish reason as text; a JavaScript stream leaves the last chunk in its place."""
    reason = choice.get("finish_reason") if isinstance(choice, Mapping) else None
    return {**choice, "finish_reason": reason.get("finish_reason")} if isinstance(reason, Mapping) else choice


def _finish_reasons(answer: Any) -> tuple[str, ...]:
    reasons = (message.finish_reason for message in to_messages(answer, role="assistant"))
    return tuple([reason for reason in reasons if reason])


def _tools(request: Fields) -> tuple[dict[str, Any], ...]:
    sent: list[Any] = next((request[key] for key in _TOOLS if isinstance(request.get(key), list)), [])
    return tuple([dict(item) for item in sent if isinstance(item, Mapping)])


def _response_model(outputs: Fields) -> str:
    said = [outputs, mapping(outputs.get("llm_output")), mapping(outputs.get("message"))]
    said += [response_metadata(message) for message in _lc_messages(outputs)]
    return next((name for each in said if (name := _first_text(each, _MODELS))), "")


def _usage(run: Run, outputs: Fields, metadata: Fields) -> dict[str, Any]:
    """Return the tokens that somebody counted, the provider before LangSmith."""
    messages = [fields_of(message) for message in _lc_messages(outputs)]
    counted = [mapping(message).get("usage_metadata") for message in messages]
    stated: list[Any] = [outputs.get("usage_metadata"), outputs.get("usage"), *counted, metadata.get("usage_metadata")]
    stated.append(mapping(outputs.get("llm_output")).get("token_usage"))
    stated.append({key: run[key] for key in _TOKENS if run.get(key)})
    return next((dict(each) for each in stated if isinstance(each, Mapping) and each), {})


def _lc_messages(outputs: Fields) -> list[Any]:
    return [each["message"] for each in flat_generations(outputs) if isinstance(each.get("message"), Mapping)]


def _tool_call(run: Run, error: str) -> ToolCall:
    arguments, arguments_raw = arguments_of(run.get("inputs"))
    output = alone(run.get("outputs"), "output")
    message = tool_message(output)
    result = structured(message["content"] if message else output)
    extra = mapping(run.get("extra"))
    failed = message is not None and message.get("status") == "error"
    return ToolCall(
        name=as_text(run.get("name")),
        id=as_text((message or {}).get("tool_call_id") or extra.get("tool_call_id")),
        arguments=arguments,
        arguments_raw=arguments_raw,
        result=None if result == {} else result,
        result_raw=output if isinstance(output, str) and result is not output else "",
        error=error or (as_text(message["content"]) if message and failed else ""),
    )


def _retrieval(run: Run) -> Retrieval:
    return Retrieval(
        query=alone(run.get("inputs"), "query"),
        data_source=as_text(metadata_of(run).get("ls_vector_store_provider")),
        documents=documents_of(documents_in(run.get("outputs"))),
    )


def _first_text(fields: Fields, keys: tuple[str, ...]) -> str:
    return next((value for key in keys if isinstance(value := fields.get(key), str) and value), "")
