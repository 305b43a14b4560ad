"""The list of models: those that the recording used."""

from __future__ import annotations

from typing import Any

from ...cases.trace import ModelCall, Trace
from .refusals import RefusedError
from .response import Response, json_response


def respond(trace: Trace, name: str, *, as_anthropic: bool) -> Response:
    """Return the models of a recording, or one of them.

    Args:
        trace: The recording.
        name: The model asked about; empty for the list.
        as_anthropic: Whether the client speaks Anthropic's protocol.

    Raises:
        RefusedError: The recording does not use the model.
    """
    views = [view for _, view in trace.views(ModelCall)]
    used = dict.fromkeys(each for view in views for each in (view.request_model, view.response_model) if each)
    made = _anthropic if as_anthropic else _openai
    if not name:
        return json_response(_listed([made(each) for each in used], as_anthropic))
    if name not in used:
        raise RefusedError(404, "model_not_found", f"expected a model that the recording uses, got {name[:80]!r}")
    return json_response(made(name))


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "recording"}


def _anthropic(name: str) -> dict[str, Any]:
    return {"id": name, "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _listed(models: list[dict[str, Any]], as_anthropic: bool) -> dict[str, Any]:
    if not as_anthropic:
        return {"object": "list", "data": models}
    ends = (models[0]["id"], models[-1]["id"]) if models else (None, None)
    return {"data": models, "has_more": False, "first_id": ends[0], "last_id": ends[1]}
