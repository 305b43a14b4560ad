"""What a barrier stopped, as assertions: the draft of a near miss, judged before the barrier.

A near miss did no harm, so its recording is green where incidents are red. What must not come up again is the
call that was proposed, the draft that was rejected, or what a correction changed in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..cases.trace import Trace, text_of
from .barriers import Stop, stops
from .calls import Call, Stage, excerpt, executed_calls, proposed_calls
from .output import dice, trigrams
from .predicates import json_equal
from .suspicions import TECHNICAL, Candidate, telling_arguments
from .targets import strings_in

_ALIKE = 0.3
"""Least share of trigrams that a corrected text has in common with its draft."""
_SENTENCES = 3
_LONGEST = 300
"""Longest sentence that is asserted, in characters."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")


def stopped_drafts(trace: Trace) -> Iterator[Candidate]:
    """Yield what each barrier of a recording stopped: the approver's own change of it first."""
    for stop in stops(trace):
        if stop.call is None:
            yield from _held_back(trace, stop)
            continue
        draft = _Draft(stop.call, stop.stage)
        if isinstance(stop.correction, Mapping):
            yield from draft.against(stop.correction, f"{stop.why}: ")
        yield draft.forbidden(), f"{stop.call.name} is what was stopped: {stop.why}"


def _held_back(trace: Trace, stop: Stop) -> Iterator[Candidate]:
    if stop.text_span:
        span = trace.span(stop.text_span)
        said = "\n".join(text_of(message) for message in trace.outputs(span.view))  # type: ignore[arg-type]  # a model call
        if span.name and said:
            yield {"type": "not-equals", "span": span.name, "value": said}, f"this text was held back: {stop.why}"


@dataclass(frozen=True, slots=True)
class CorrectedDrafts:
    """Finds what a correction changed."""

    correction: Any
    """What would have been right: arguments of a call, an output, or a text; redacted like the trace."""

    def __call__(self, trace: Trace) -> Iterator[Candidate]:
        """Yield what differs between the draft in a trace and the correction."""
        if isinstance(self.correction, Mapping):
            yield from self._of_mapping(trace, self.correction)
        elif isinstance(self.correction, str):
            yield from _of_text(trace, self.correction)

    def _of_mapping(self, trace: Trace, correction: Mapping[str, Any]) -> Iterator[Candidate]:
        tool, arguments = _as_call(correction)
        draft = _nearest_draft(trace, tool, arguments)
        output = trace.output if isinstance(trace.output, Mapping) and not tool else {}
        if draft is not None and len(arguments.keys() & draft.arguments.keys()) >= len(
            arguments.keys() & output.keys()
        ):
            yield from draft.against(arguments, "")
        else:
            yield from _changed_fields(output, correction, "$")


def _as_call(correction: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return tool and arguments of a correction that is a whole call; else no tool and the mapping itself."""
    inner = correction.get("arguments", correction.get("args"))
    name = correction.get("tool", correction.get("name"))
    if isinstance(inner, Mapping) and (name is None or isinstance(name, str)):
        return name or "", inner
    return "", correction


@dataclass(frozen=True, slots=True)
class _Draft:
    call: Call
    stage: Stage

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.call.arguments if isinstance(self.call.arguments, Mapping) else {}

    def forbidden(self) -> dict[str, Any]:
        """Return the assertion that this draft does not come up."""
        telling = telling_arguments(self.call)
        kept = {name: value for name, value in telling.items() if not TECHNICAL.search(name)} or telling
        return {"type": "not-tool-called", "tool": self.call.name, **_given(kept), "stage": self.stage}

    def against(self, correction: Mapping[str, Any], because: str) -> Iterator[Candidate]:
        """Yield the assertions that the draft is as corrected, and that it is not as it was."""
        changed = {
            name: value
            for name, value in correction.items()
            if name and "." not in name and not json_equal(self.arguments.get(name), value)
        }
        if not changed:
            return
        was = {name: self.arguments[name] for name in changed if name in self.arguments}
        instead = f"instead of {excerpt(was)}" if was else "which the draft left out"
        yield (
            {"type": "tool-args", "tool": self.call.name, **_given(changed), "stage": self.stage},
            f"{because}{self.call.name} should have had {excerpt(changed)} {instead}",
        )
        if was:
            yield (
                {"type": "not-tool-called", "tool": self.call.name, **_given(was), "stage": self.stage},
                f"{because}{self.call.name} was drafted with {excerpt(was)}",
            )


def _drafts(trace: Trace) -> Iterator[_Draft]:
    for call in proposed_calls(trace):
        yield _Draft(call, "proposed")
    for call in executed_calls(trace):
        yield _Draft(call, "executed")


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    equal = {name: {"eq": value} if isinstance(value, Mapping) else value for name, value in arguments.items()}
    return {"args": equal} if equal else {}


def _nearest_draft(trace: Trace, tool: str, correction: Mapping[str, Any]) -> _Draft | None:
    """Return the call that a correction is about: of the tool it names, sharing most keys, stopped, the last."""
    stopped = {stop.call.span_id for stop in stops(trace) if stop.call is not None}
    fitting = [
        (len(correction.keys() & draft.arguments.keys()), draft.call.span_id in stopped, draft.call.position, draft)
        for draft in _drafts(trace)
        if correction.keys() & draft.arguments.keys() and tool in ("", draft.call.name)
    ]
    return max(fitting, key=lambda each: each[:3])[3] if fitting else None


def _changed_fields(output: Mapping[str, Any], correction: Mapping[str, Any], path: str) -> Iterator[Candidate]:
    """Yield each field of a structured output that a correction changed."""
    for name, value in correction.items():
        if name not in output or json_equal(output[name], value):
            continue
        place = f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{_quoted(name)}]"
        if isinstance(value, Mapping) and isinstance(output[name], Mapping):
            yield from _changed_fields(output[name], value, place)
        else:
            expected = {"eq": value} if isinstance(value, Mapping) else value
            why = f"{place} of the output should have been {excerpt(value) or 'null'}"
            yield {"type": "json-path", "path": place, "value": expected}, why


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _of_text(trace: Trace, correction: str) -> Iterator[Candidate]:
    """Yield what a corrected text no longer says, and what it says in addition."""
    drafts = [*_texts_of_calls(trace), *((text, None, "") for text in strings_in(trace.output, names=False))]
    grams = trigrams(correction)
    alike = [(dice(trigrams(text), grams), place, text, call, name) for place, (text, call, name) in enumerate(drafts)]
    share, _, text, call, name = max(alike, key=lambda each: each[:2], default=(0.0, 0, "", None, ""))
    if share < _ALIKE:
        return
    gone = _sentences_beyond(text, correction)
    if call is not None and gone:
        unwanted = {name: {"contains": gone[0]}}
        assertion = {"type": "not-tool-called", "tool": call.call.name, "args": unwanted, "stage": call.stage}
        yield assertion, f"the correction of {name} leaves this out"
    elif gone:
        yield {"type": "not-contains", "value": gone, "mode": "any"}, "the corrected text leaves this out"
    added = _sentences_beyond(correction, text)
    if call is None and added:
        yield {"type": "contains", "value": added}, "the corrected text adds this"


def _texts_of_calls(trace: Trace) -> Iterator[tuple[str, _Draft | None, str]]:
    for draft in _drafts(trace):
        for name, value in draft.arguments.items():
            if isinstance(value, str) and " " in value and name and "." not in name:
                yield value, draft, name


def _sentences_beyond(text: str, other: str) -> list[str]:
    """Return the first sentences of a text that another one does not have."""
    known = " ".join(other.split())
    parts = (part.strip() for part in _SENTENCE.split(text))
    beyond = [part for part in parts if part and len(part) <= _LONGEST and " ".join(part.split()) not in known]
    return beyond[:_SENTENCES]
