"""A system prompt that was given to a span above the model calls, as agents do that talk to a model by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..messages import to_messages
from ..trace import Origin


class Above(NamedTuple):
    """What the spans above the model calls of a trace were given."""

    parents: Mapping[str, str]
    """Id of the span above, by id."""
    systems: Mapping[str, tuple[Any, str]]
    """System prompt in the input of a span that is no model call, and that span's name, by its id."""


def system_above(span_id: str, given: Any, above: Above) -> tuple[Any, dict[str, Origin]]:
    """Return the system prompt for a model call that has none itself, with its origin; None where there is none.

    Args:
        span_id: The call.
        given: Its messages.
        above: What the spans above it were given.
    """
    if not above.systems or any(message.role in ("system", "developer") for message in to_messages(given)):
        return None, {}
    at, seen = above.parents.get(span_id, ""), {span_id}
    while at and at not in seen:
        if at in above.systems:
            system, name = above.systems[at]
            return system, {"system_instructions": Origin(kind="inferred", note=f"input of the span {name}")}
        seen.add(at)
        at = above.parents.get(at, "")
    return None, {}
