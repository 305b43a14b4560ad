"""How one failure resembles another: facts that anybody can check, and an order that is written down.

A near miss is compared with a known case by what both traces show. Each fact that holds counts:

| fact | counts |
|---|---|
| an assertion of the known case is red on this trace too | 8, and 2 for each further one |
| the same, where it fixes values of its own run (an amount, a name) that every call must have | 2 |
| the call that failed here failed there with the same arguments | 7, and 1 to 4 where some of them are the same |
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
an assertion is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..cases.assertions import ASSERTION_ADAPTER, Assertion
from ..cases.trace import Session, Trace
from .features import SESSION, Features, argument_names, compiled, identifying, telling_violations
from .predicates import json_equal

LEAST = 4
"""Least count of facts for a resemblance."""


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
    yield from _same_call(this, known)
    yield from _shared("an instruction was followed that came in through {}", this.sources, known.sources, 3)
    yield from _shared("{} failed there too", this.tools, known.tools, 3)
    yield from _shared("{} stands behind both failures", this.documents, known.documents, 3)
    errors = sorted({tool for tool, _ in this.errors & known.errors})
    yield from _shared("{} gave the same error", errors, errors, 2)
    if this.failure.category not in ("", "unknown", "other") and this.failure.category == known.failure.category:
        yield Fact(f"both are {this.failure.category.replace('_', ' ')}", 2)
    if this.failure.barrier not in ("", "unknown") and this.failure.barrier == known.failure.barrier:
        yield Fact(f"both were caught by {this.failure.barrier}", 1)
    alike = sorted(argument_names(this.calls) & argument_names(known.calls))
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
    scorer = compiled(read) if read is not None else None
    return scorer is not None and bool(telling_violations(scorer, trace))


def _for_session(assertion: Assertion, theirs: Session | None, ours: Session | None) -> Assertion | None:
    """Return an assertion with the session it was written about replaced by this one; None where that is unknown."""
    written = assertion.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written.pop("trace", None)
    pairs = {} if theirs is None else {getattr(theirs, name): getattr(ours, name, "") for name in SESSION}
    pairs.pop("", None)
    try:
        return ASSERTION_ADAPTER.validate_python(_replaced(written, pairs))
    except (LookupError, ValidationError):
        return None


def _replaced(value: Any, pairs: dict[str, str]) -> Any:
    """Return a value with texts replaced.

    Raises:
        LookupError: One of them has nothing to stand for it.
    """
    if isinstance(value, str):
        if value in pairs and not pairs[value]:
            raise LookupError(value)
        return pairs.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(each, pairs) for key, each in value.items()}
    return [_replaced(each, pairs) for each in value] if isinstance(value, list) else value


def _same_call(this: Features, known: Features) -> Iterator[Fact]:
    """Yield the fact that a call failed in both with the same arguments, all of them or some."""
    found: list[tuple[int, str]] = []
    for call in this.calls:
        ours = identifying(call)
        for other in known.calls:
            theirs = identifying(other) if other.name == call.name else {}
            same = sorted(name for name in ours.keys() & theirs.keys() if json_equal(ours[name], theirs[name]))
            if ours and len(same) == len(ours) == len(theirs):
                found.append((7, f"{call.name} failed there with the same arguments"))
            elif told := [name for name in same if ours[name] not in this.subjects]:
                found.append((min(len(told), 4), f"{call.name} failed there with the same {' and '.join(told[:4])}"))
    for weight, words in sorted(found, reverse=True)[:1]:
        yield Fact(words, weight)
