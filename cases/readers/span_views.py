"""Typed views of spans from their attributes, in whichever convention a span speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trace import View
from . import genai, openinference
from .genai import Origins, side_views
from .message_store import MessageStore
from .unrepeat_attributes import sections

_CONTENT = frozenset(
    (
        *("unrepeat.boundary", "unrepeat.arguments", "gen_ai.input.messages", "gen_ai.output.messages"),
        *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.retrieval.documents"),
    )
)
"""With one of these a span speaks GenAI (or ours), even when it speaks OpenInference too."""


def views_of(
    name: str, attributes: Mapping[str, Any], error: str, store: MessageStore
) -> tuple[View | None, Origins, list[tuple[str, View]]]:
    """Return the typed view of a span, origins, and the views it has beside; see `genai.views_of`."""
    if openinference.KIND not in attributes or not _CONTENT.isdisjoint(attributes):
        return genai.views_of(name, attributes, error, store)
    view, origins = openinference.view_of(name, attributes, error, store)
    if view is None:
        return genai.views_of(name, attributes, error, store)
    return view, origins, side_views(attributes, sections(attributes))
