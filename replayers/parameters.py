"""Parameters of model requests: the providers' names for one thing, and the name that traces use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "n": "choice.count",
}
"""OpenAI's names by the names of OpenTelemetry's GenAI conventions, which are Anthropic's too."""
_CONCERNED = frozenset({*_NAMES, *_NAMES.values(), "tool_choice"} - {"max_tokens"})


def named_alike(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters under the names that traces use.

    A name is left where the other one is used as well: a request that says both is another request.
    """
    if _CONCERNED.isdisjoint(params):
        return dict(params)
    renamed = {
        _NAMES[key] if key in _NAMES and _NAMES[key] not in params else key: value for key, value in params.items()
    }
    if isinstance(renamed.get("stop_sequences"), str):
        renamed["stop_sequences"] = [renamed["stop_sequences"]]
    if renamed.get("choice.count") == 1:
        del renamed["choice.count"]
    if "tool_choice" in renamed:
        renamed["tool_choice"] = _tool_choice(renamed["tool_choice"])
    return renamed


def _tool_choice(choice: Any) -> Any:
    """Return which tool is to be called in one form: OpenAI nests its name, Anthropic says its words as objects."""
    if not isinstance(choice, Mapping):
        return choice
    fields = {key: value for key, value in choice.items() if value is not None}
    function = fields.pop("function", None)
    if isinstance(function, Mapping):
        fields |= function
    match fields.get("type"):
        case "function" | "tool" if "name" in fields:
            return {key: value for key, value in fields.items() if key != "type"}
        case "auto" | "none" | "required" | "any" as word if len(fields) == 1:
            return "required" if word == "any" else word
        case _:
            return fields


def with_output_type(params: Mapping[str, Any], recorded: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return parameters with the ``output_type`` that a trace states in place of the format that was asked for."""
    if "output_type" not in recorded or "output_type" in params:
        return params
    text = params.get("text")
    asked = params.get("response_format", text.get("format") if isinstance(text, Mapping) else None)
    kind = str(asked.get("type") or "text") if isinstance(asked, Mapping) else "text"
    words = {kind, "json" if kind.startswith("json") else kind}
    stated = recorded["output_type"]
    return {**params, "output_type": stated if stated in words else kind}
