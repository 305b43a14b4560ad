"""How one failure resembles another: facts that anybody can check, and an order that is written down.

A near miss is compared with a known case by what both traces show. Each fact that holds counts:

| fact | counts |
|---|---|
| an assertion of the known case is red on this trace too | 8, and 2 for each further one |
| the same, where it fixes values of its own run (an amount, a name) that every call must have | 2 |
| the call that failed here failed there with the same arguments | 5 |
| the instruction that was followed came in through the same tool or document | 3 |
| the same tool failed | 3 |
| the same document stands behind the failure | 3 |
| a tool failed with the same error | 2 |
| the same category of failure | 2 |
| the same barrier caught it | 1 |
| the failing calls have the same names of arguments | 1 |
| assertions of the same type are red | 1 |

A case resembles another from `LEAST` on: one strong fact, or several weak ones. Among those, more comes first, then
the case with the fewer assertions (the more specific statement), then the id.

An assertion of a known case is read for this trace before it is run: the user, tenant and conversation of the
session it was written about stand for those of this one. Where this trace does not say whose session it is, such
an assertion is left out. A violation counts only where it points at something that happened: that an answer lacks a
text or a call was not made is true of most traces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from ..cases.assertions import ASSERTION_ADAPTER, Assertion
from ..cases.errors import UnrepeatError
from ..cases.trace import Retrieval, Session, ToolCall, Trace
from .barriers import stops
from .calls import Call, Stage, calls_of
from .predicates import json_equal
from .registry import compile_assertion, find_violations
from .score import Scorer, ScorerFailure, Violation
from .suspicions import TECHNICAL, telling_arguments

LEAST = 4
"""Least count of facts for a resemblance."""
_NEGATIVE_OUTPUT = ("not-contains", "not-regex", "not-equals")
"""Types whose violations are about what an output says, although they point at no span."""
_ERROR_SHAPE = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")
_LONGEST_ERROR = 200


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


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing in which two failures agree."""

    words: str
    """In words of ours and in names: of tools, arguments, documents and assertions."""
    weight: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """A known case that a failure resembles."""

    case: str
    facts: tuple[Fact, ...]
    """The strongest first."""

    @property
    def weight(self) -> int:
        """The count of all facts."""
        return sum(fact.weight for fact in self.facts)


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
        return tuple(filter(None, map(_compiled, self.failure.assertions or self.failure.proposed)))

    @cached_property
    def red(self) -> tuple[tuple[Scorer, Trace, Violation], ...]:
        """Each violation of the failure's own assertions on its own traces."""
        return tuple(
            (scorer, trace, violation)
            for trace in self.failure.traces
            for scorer in self.scorers
            for violation in _telling(scorer, trace)
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


def compare(this: Features, known: Iterable[Features]) -> tuple[Likeness, ...]:
    """Return the known cases that a failure resembles, the nearest first.

    Args:
        this: The failure.
        known: The cases to compare it with; itself, by id, is left out.
    """
    found: list[tuple[Likeness, int]] = []
    for other in known:
        if other.failure.id != this.failure.id:
            facts = sorted(facts_of(this, other), key=lambda fact: -fact.weight)
            found.append((Likeness(other.failure.id, tuple(facts)), len(other.failure.assertions)))
    found.sort(key=lambda pair: (-pair[0].weight, pair[1], pair[0].case))
    return tuple(likeness for likeness, _ in found if likeness.weight >= LEAST)


def facts_of(this: Features, known: Features) -> Iterator[Fact]:
    """Yield each fact in which two failures agree; see the table above."""
    weight = 8
    for name, own in _shared_red(this, known):
        fixes = ", but it fixes values of its own run" if own else ""
        yield Fact(f"its assertion {name} is red on this trace too{fixes}", 2 if own else weight)
        weight = weight if own else 2
    same = _same_call(this.calls, known.calls)
    if same:
        yield Fact(f"{same} failed there with the same arguments", 5)
    yield from _shared("an instruction was followed that came in through {}", this.sources, known.sources, 3)
    yield from _shared("{} failed there too", this.tools, known.tools, 3)
    yield from _shared("{} stands behind both failures", this.documents, known.documents, 3)
    errors = sorted({tool for tool, _ in this.errors & known.errors})
    yield from _shared("{} gave the same error", errors, errors, 2)
    if this.failure.category not in ("", "unknown", "other") and this.failure.category == known.failure.category:
        yield Fact(f"both are {this.failure.category.replace('_', ' ')}", 2)
    if this.failure.barrier not in ("", "unknown") and this.failure.barrier == known.failure.barrier:
        yield Fact(f"both were caught by {this.failure.barrier}", 1)
    alike = sorted(_argument_names(this.calls) & _argument_names(known.calls))
    if alike:
        yield Fact(f"the failing calls have the arguments {', '.join(alike[0])}", 1)
    yield from _shared("{} is red on both", this.types, known.types, 1)


def _shared(words: str, left: Iterable[str], right: Iterable[str], weight: int) -> Iterator[Fact]:
    both = sorted(set(left) & set(right))
    if both:
        yield Fact(words.format(" and ".join(both[:3])), weight)


def _shared_red(this: Features, known: Features) -> Iterator[tuple[str, bool]]:
    """Yield the name of each assertion of the known case that is red here, and whether it is about its run only."""
    for index, assertion in enumerate(known.failure.assertions):
        if any(_red_here(assertion, known.failure.traces, trace) for trace in this.failure.traces):
            named = f"“{assertion.name}”" if assertion.name else f"{index + 1} ({assertion.type}{_about(assertion)})"
            yield named, assertion.type == "tool-args" and _fixes_values(assertion.args)


def _fixes_values(predicate: Any) -> bool:
    """Tell whether a predicate compares with a text or number, which another run would not have."""
    if isinstance(predicate, dict):
        return any(_fixes_values(each) for key, each in predicate.items() if key not in ("regex", "not_regex", "type"))
    if isinstance(predicate, list):
        return any(map(_fixes_values, predicate))
    return predicate is not None and not isinstance(predicate, bool)


def _about(assertion: Assertion) -> str:
    tool = getattr(assertion, "tool", "")
    return f" {tool}" if isinstance(tool, str) and tool else ""


def _red_here(assertion: Assertion, theirs: Sequence[Trace], trace: Trace) -> bool:
    read = _for_session(assertion, next((each.session for each in theirs if each.session), None), trace.session)
    scorer = _compiled(read) if read is not None else None
    return scorer is not None and bool(_telling(scorer, trace))


def _for_session(assertion: Assertion, theirs: Session | None, ours: Session | None) -> Assertion | None:
    """Return an assertion with the session it was written about replaced by this one; None where that is unknown."""
    written = assertion.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written.pop("trace", None)
    pairs = {} if theirs is None else {getattr(theirs, name): getattr(ours, name, "") for name in _SESSION}
    pairs.pop("", None)
    replaced = _replaced(written, pairs)
    if replaced is None:
        return None
    try:
        return ASSERTION_ADAPTER.validate_python(replaced)
    except ValidationError:
        return None


_SESSION = ("user_id", "tenant_id", "conversation_id")


def _replaced(value: Any, pairs: dict[str, str]) -> Any:
    """Return a value with texts replaced; None where one of them has nothing to stand for it."""
    if isinstance(value, str):
        return pairs.get(value, value) or None
    if isinstance(value, dict):
        inner = {key: _replaced(each, pairs) for key, each in value.items()}
        lost = any(inner[key] is None and each is not None for key, each in value.items())
        return None if lost else inner
    if isinstance(value, list):
        items = [_replaced(each, pairs) for each in value]
        return None if any(new is None and old is not None for new, old in zip(items, value, strict=True)) else items
    return value


def _compiled(assertion: Assertion) -> Scorer | None:
    try:
        return compile_assertion(assertion)
    except UnrepeatError:
        return None


def _telling(scorer: Scorer, trace: Trace) -> tuple[Violation, ...]:
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


def _same_call(left: Sequence[Call], right: Sequence[Call]) -> str:
    """Return the tool of a call that both made with the same telling arguments, at least one; else nothing."""
    for call in left:
        arguments = _identifying(call)
        if arguments and any(each.name == call.name and json_equal(_identifying(each), arguments) for each in right):
            return call.name
    return ""


def _identifying(call: Call) -> dict[str, Any]:
    return {name: value for name, value in telling_arguments(call).items() if not TECHNICAL.search(name)}


def _argument_names(calls: Sequence[Call]) -> set[tuple[str, ...]]:
    return {tuple(sorted(call.arguments)) for call in calls if isinstance(call.arguments, dict) and call.arguments}
