"""What is compared of a failure: which assertions are red on it, the calls that failed, what stands behind it.

A violation counts only where it points at something that happened: that an answer lacks a text or a call was not made
is true of most traces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..cases.assertions import Assertion
from ..cases.errors import UnrepeatError
from ..cases.trace import Retrieval, ToolCall, Trace
from .barriers import stops
from .calls import Call, Stage, calls_of
from .registry import compile_assertion, find_violations
from .score import Scorer, ScorerFailure, Violation
from .suspicions import TECHNICAL, telling_arguments

SESSION = ("user_id", "tenant_id", "conversation_id")
"""Fields of a session that say whose it is."""
_NEGATIVE_OUTPUT = ("not-contains", "not-regex", "not-equals")
"""Types whose violations are about what an output says, although they point at no span."""
_ERROR_SHAPE = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")
_LONGEST_ERROR = 200
_MOST = 20
"""Violations of one assertion in one trace that are looked at."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure to compare: its traces, what is asserted about it, and what people say of it."""

    id: str
    traces: tuple[Trace, ...]
    assertions: tuple[Assertion, ...] = ()
    """What people state about it."""
    proposed: tuple[Assertion, ...] = ()
    """What stands for it where nobody has stated anything yet."""
    category: str = ""
    barrier: str = ""


class Features:
    """What is compared of one failure; each part is computed when it is first needed.

    Args:
        failure: The failure.
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure

    @cached_property
    def scorers(self) -> tuple[Scorer, ...]:
        """The assertions that can be compiled."""
        return tuple(filter(None, map(compiled, self.failure.assertions or self.failure.proposed)))

    @cached_property
    def red(self) -> tuple[tuple[Scorer, Trace, Violation], ...]:
        """Each violation of the failure's own assertions on its own traces."""
        return tuple(
            (scorer, trace, violation)
            for trace in self.failure.traces
            for scorer in self.scorers
            for violation in telling_violations(scorer, trace)[:_MOST]
        )

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls that failed: those that violations point at, and those that a barrier stopped."""
        found = [call for scorer, trace, each in self.red for call in _calls_at(trace, each, scorer)]
        found += [stop.call for trace in self.failure.traces for stop in stops(trace) if stop.call is not None]
        return tuple({(call.name, call.span_id): call for call in found}.values())

    @cached_property
    def tools(self) -> frozenset[str]:
        """Their names."""
        return frozenset(call.name for call in self.calls if call.name)

    @cached_property
    def documents(self) -> frozenset[str]:
        """Ids of the documents that violations rest on."""
        spans = {span_id for _, _, each in self.red for span_id in each.span_ids}
        return frozenset(
            document.id
            for trace in self.failure.traces
            for span, view in trace.views(Retrieval)
            if span.span_id in spans
            for document in view.documents
            if document.id
        )

    @cached_property
    def sources(self) -> frozenset[str]:
        """Tools and documents through which an instruction came in that was followed."""
        found: set[str] = set()
        for scorer, trace, violation in self.red:
            if scorer.type == "injection-resisted" and len(violation.span_ids) > 1:
                view = trace.span(violation.span_ids[1]).view
                found |= {view.name} if isinstance(view, ToolCall) else set()
                found |= {each.id for each in view.documents if each.id} if isinstance(view, Retrieval) else set()
        return frozenset(found)

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Whose sessions these are: what their calls have in common says nothing."""
        sessions = [trace.session for trace in self.failure.traces if trace.session]
        return tuple(getattr(session, name) for session in sessions for name in SESSION)

    @cached_property
    def errors(self) -> frozenset[tuple[str, str]]:
        """Tool and error, without the numbers and quoted values in it."""
        return frozenset(
            (view.name, _ERROR_SHAPE.sub("…", view.error[:_LONGEST_ERROR]))
            for trace in self.failure.traces
            for _, view in trace.views(ToolCall)
            if view.error
        )

    @cached_property
    def types(self) -> frozenset[str]:
        """Types of the assertions that are red."""
        return frozenset(scorer.type for scorer, _, _ in self.red)


def compiled(assertion: Assertion) -> Scorer | None:
    """Return the scorer of an assertion; None where it cannot be compiled."""
    try:
        return compile_assertion(assertion)
    except UnrepeatError:
        return None


def telling_violations(scorer: Scorer, trace: Trace) -> tuple[Violation, ...]:
    """Return the violations that point at something that happened."""
    found = find_violations(scorer, trace, 0)
    if isinstance(found, ScorerFailure):
        return ()
    return tuple(each for each in found if each.span_ids or scorer.type in _NEGATIVE_OUTPUT)


def _calls_at(trace: Trace, violation: Violation, scorer: Scorer) -> Iterator[Call]:
    """Yield the call that a violation is about: the one that decides it, else one that the assertion names."""
    stage: Stage = getattr(scorer.params, "stage", "executed")
    tool = getattr(scorer.params, "tool", "")
    decisive = violation.decided_at or next(iter(violation.span_ids), "")
    calls = [call for call in calls_of(trace, stage) if call.span_id in violation.span_ids]
    at = [call for call in calls if call.span_id == decisive]
    named = [call for call in at or calls if call.name == tool]
    yield from (named or at)[:1]


def identifying(call: Call) -> dict[str, Any]:
    """Return the arguments that tell a call from others, without those that the system makes up."""
    return {name: value for name, value in telling_arguments(call).items() if not TECHNICAL.search(name)}


def argument_names(calls: Sequence[Call]) -> set[tuple[str, ...]]:
    """Return the names of the arguments of each call."""
    return {tuple(sorted(call.arguments)) for call in calls if isinstance(call.arguments, dict) and call.arguments}
