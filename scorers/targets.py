"""What an output assertion looks at: the final output, or the outputs of spans by name."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from ..cases.errors import ScorerError
from ..cases.trace import (
    Approval,
    Message,
    ModelCall,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    text_of,
    tool_calls_of,
)
from .score import Property, Scorer, Violation

_OUTPUT_ATTRIBUTES = ("unrepeat.output", "unrepeat.result", "output.value", "gen_ai.output.messages")
_MAX_DEPTH = 500


@dataclass(frozen=True, slots=True)
class Target:
    """One output that is judged."""

    value: Any
    """Text or JSON."""
    span_ids: tuple[str, ...] = ()
    """The span it is the output of; empty for the final output."""


def output_scorer(
    assertion: Any,
    *,
    flaw: Callable[[Any], str],
    describe: str,
    negative: bool = False,
    version: str,
) -> Scorer:
    """Make the scorer of an assertion on outputs.

    Args:
        assertion: The model; its ``span`` names the spans to look at.
        flaw: Says what is wrong with an output; empty when nothing is.
        describe: What must hold of the output, in words.
        negative: Whether an absent output cannot be judged, instead of breaking the assertion.
        version: Version of the scorer.
    """
    place = f"output of {assertion.span}" if assertion.span else "output"

    def find(trace: Trace) -> tuple[Violation, ...]:
        targets = outputs_of(trace, assertion.span)
        if not targets:
            return _absent(trace, place, negative)
        found = [(flaw(target.value), target.span_ids) for target in targets]
        if negative and not any(words for words, _ in found):
            for target in targets:
                refuse_unreadable(target.value)
        return tuple(Violation(reason=f"the {place} {words}", span_ids=ids) for words, ids in found if words)

    kind: Property = "safety" if negative and assertion.span else "whole_run"
    return Scorer(
        type=assertion.type,
        version=version,
        property=kind,
        find=find,
        describe=f"the {place} {describe}",
        rests_on="" if assertion.span else "output",
        params=assertion,
    )


def _absent(trace: Trace, place: str, negative: bool) -> tuple[Violation, ...]:
    if negative:
        raise ScorerError(f"expected the {place}, got none recorded; cannot tell", where=f"trace {trace.trace_id}")
    return (Violation(reason=f"the {place} is not recorded"),)


def outputs_of(trace: Trace, span_name: str) -> list[Target]:
    """Return the outputs to judge: of the spans of that name, or the final one where no name is given."""
    if not span_name:
        return [Target(trace.output)] if has_output(trace) else []
    named = [span for span in trace.spans if span.name == span_name]
    values = [(span, output_of_span(trace, span)) for span in named]
    return [Target(value, (span.span_id,)) for span, value in values if value is not None]


def has_output(trace: Trace) -> bool:
    """Tell whether a final output is recorded; null counts only where it is marked as observed."""
    if trace.output is not None:
        return True
    origin = trace.origins.get("output")
    return origin is not None and origin.kind == "observed"


def output_of_span(trace: Trace, span: Span) -> Any:
    """Return what a span gave back, as text or JSON; None when it is not recorded."""
    view = span.view
    if isinstance(view, ModelCall) and view.output:
        return "\n".join(_said(message) for message in trace.outputs(view))
    if isinstance(view, ToolCall) and (view.result is not None or view.result_raw or view.error):
        return view.result if view.result is not None else view.result_raw or view.error
    if isinstance(view, Retrieval) and view.documents:
        return [document.content for document in view.documents]
    if isinstance(view, Approval) and view.decision:
        return {"decision": view.decision, "explanation": view.explanation}
    given = (span.attributes.get(name) for name in _OUTPUT_ATTRIBUTES)
    return next((value for value in given if value is not None), None)


def _said(message: Message) -> str:
    calls = [canonical_text(part) for part in tool_calls_of(message)]
    return "\n".join(filter(None, [text_of(message), *calls]))


def canonical_text(value: Any) -> str:
    """Return a value as text: texts as they are, JSON with sorted keys and without spaces."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):  # integers beyond 64 bits, lone surrogates
        return msgspec.json.encode(value, order="sorted").decode("utf-8", "replace")


def texts_of(value: Any) -> list[str]:
    """Return the texts in which an output is searched: itself, and for JSON each text in it, unescaped."""
    if isinstance(value, str):
        return [value]
    texts = [*strings_in(value, names=False), *decoded_in(value)]
    pieces = ["".join(texts)] if len(texts) > 1 else []  # an answer in pieces says what they say together
    return [canonical_text(value), *texts, *pieces]


def strings_in(value: Any, names: bool = True) -> Iterator[str]:
    """Yield every text in a JSON value in order, names of members included unless told otherwise."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            for name, each in reversed(current.items()):
                stack.extend((each, name) if names else (each,))
        elif isinstance(current, (list, tuple)):
            stack.extend(reversed(current))


def decoded_in(value: Any) -> Iterator[str]:
    """Yield each text that stands as bytes in the JSON form of what an app handed over."""
    for tagged in _tagged(value):
        if "__bytes__" in tagged:
            with contextlib.suppress(ValueError):
                yield base64.b64decode(str(tagged["__bytes__"])).decode()


def refuse_unreadable(value: Any) -> None:
    """Refuse an output that says more than its JSON form holds: a negative check would pass for no reason.

    Raises:
        ScorerError: It holds an object of which nothing is known, a function, bytes that are no text, or what was
            nested too deeply.
    """
    for tagged in _tagged(value):
        known = set(tagged) - {"__type__"}
        if not known or known & _UNREADABLE or ("__bytes__" in known and not any(decoded_in(tagged))):
            what = tagged.get("__type__") or ", ".join(sorted(known)).strip("_")
            raise ScorerError(
                f"expected an output that can be read whole, got {what} in it; cannot tell",
                hint="Let the entry return text or JSON",
            )


_UNREADABLE = {"__callable__", "__repeated__", "__partial__"}
_TAGS = {"__type__", "__bytes__", *_UNREADABLE}


def _tagged(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects that stand for what JSON lacks; see ``replayers.child.json_form``."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            if not _TAGS.isdisjoint(current):
                yield current
            stack.extend(current.values())
        elif isinstance(current, (list, tuple)):
            stack.extend(current)


def as_json(value: Any) -> Any:
    """Return an output as JSON, parsed where it is text.

    Raises:
        ValueError: It is text that is not JSON.
    """
    return msgspec.json.decode(value) if isinstance(value, str) else value


def refuse_nan(value: Any) -> None:
    """Refuse an output with a NaN in it: it equals nothing, so a negative check would pass for no reason.

    Raises:
        ScorerError: There is one.
    """
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, float) and math.isnan(current):
            raise ScorerError("expected an output to compare, got NaN in it; cannot tell")
        if isinstance(current, dict):
            stack.extend(current.values())
        elif isinstance(current, (list, tuple)):
            stack.extend(current)
