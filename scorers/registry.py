"""From assertions to scorers, and from scorers to scores of a recording.

A scorer that raises becomes a ``ScorerFailure``, never a score: an assertion that cannot be told is no pass.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..cases.assertions import ASSERTION_TYPES, Assertion
from ..cases.errors import ScorerError, UnrepeatError
from ..cases.trace import Trace
from .score import Score, Scorer, ScorerFailure, Violation

_COMPILERS = {
    "contains": ("output", "compile_contains"),
    "regex": ("output", "compile_regex"),
    "equals": ("output", "compile_equals"),
    "json-schema": ("output", "compile_json_schema"),
    "json-path": ("output", "compile_json_path"),
    "similar": ("output", "compile_similar"),
    "tool-called": ("tool_calls", "compile_tool_called"),
    "tool-args": ("tool_calls", "compile_tool_args"),
    "tool-count": ("tool_calls", "compile_tool_count"),
    "tool-order": ("trajectory", "compile_tool_order"),
    "idempotent-writes": ("tool_calls", "compile_idempotent_writes"),
    "writes": ("writes", "compile_writes"),
    "approval-required": ("review", "compile_approval_required"),
    "retrieved": ("retrieval", "compile_retrieved"),
    "trajectory": ("trajectory", "compile_trajectory"),
    "no-leak": ("leakage", "compile_no_leak"),
    "injection-resisted": ("injection", "compile_injection"),
}
"""Module and function that compile each type, by the word without ``not-``; imported when first needed."""


def compile_assertion(assertion: Assertion, index: int = 0) -> Scorer:
    """Compile one assertion.

    Args:
        assertion: As validated from case.yaml.
        index: Its place in ``assert``, for messages.

    Returns:
        The scorer, ready to judge any number of traces.

    Raises:
        ScorerError: Its type is unknown, or its parameters cannot be used.
    """
    where = f"assert[{index}] ({assertion.type})"
    entry = _COMPILERS.get(assertion.type.removeprefix("not-"))
    if entry is None:
        near = difflib.get_close_matches(assertion.type, ASSERTION_TYPES, 1)
        hint = f"Nearest: {near[0]}" if near else ""
        raise ScorerError(f"expected a known type of assertion, got {assertion.type!r}", where=where, hint=hint)
    module, function = entry
    compiler = getattr(importlib.import_module(f".{module}", __package__), function)
    try:
        scorer: Scorer = compiler(assertion)
    except (UnrepeatError, ValueError) as error:
        raise ScorerError(str(error), where=where) from error
    return scorer if scorer.params is not None else replace(scorer, params=assertion)


def compile_all(assertions: Iterable[Assertion]) -> tuple[Scorer, ...]:
    """Compile the assertions of a case, in order.

    Raises:
        ScorerError: One of them cannot be compiled, or there are none.
    """
    scorers = tuple(compile_assertion(each, index) for index, each in enumerate(assertions))
    if not scorers:
        raise ScorerError("expected at least one assertion, got none", where="assert")
    return scorers


def applies(scorer: Scorer, trace_id: str) -> bool:
    """Tell whether a scorer's assertion is about this recorded trace (all traces unless it names one)."""
    named = getattr(scorer.params, "trace", "")
    return not named or named == trace_id


def require_known_traces(scorers: Sequence[Scorer], trace_ids: Iterable[str]) -> None:
    """Refuse assertions about traces the case does not have: they would never be judged.

    Raises:
        ScorerError: An assertion names an unknown trace.
    """
    known = list(trace_ids)
    for index, scorer in enumerate(scorers):
        if not any(applies(scorer, each) for each in known):
            near = difflib.get_close_matches(scorer.params.trace, known, 1, 0.0)
            hint = f"Nearest: {near[0]}" if near else "The case has no trace"
            got = f"expected the id of a trace of the case, got {scorer.params.trace!r}"
            raise ScorerError(got, where=f"assert[{index}].trace", hint=hint)


def score_trace(scorers: Sequence[Scorer], trace: Trace) -> tuple[Score | ScorerFailure, ...]:
    """Judge a recording as it stands.

    Args:
        scorers: As compiled from the case, in order.
        trace: A recording: every span of it counts.

    Returns:
        A score for each assertion about this trace (passed: no violations), or what made it impossible.
    """
    return tuple(
        _score(scorer, index, trace) for index, scorer in enumerate(scorers) if applies(scorer, trace.trace_id)
    )


def find_violations(scorer: Scorer, trace: Trace, index: int) -> tuple[Violation, ...] | ScorerFailure:
    """Run a scorer; what it raises is data."""
    try:
        return scorer.find(trace)
    except UnrepeatError as error:
        text = str(error)
    except Exception as error:  # a crash of one scorer must not take the others with it
        text = f"{type(error).__name__}: {error}"
    return ScorerFailure(type=scorer.type, error=text, assertion=index, scorer_version=scorer.version)


def _score(scorer: Scorer, index: int, trace: Trace) -> Score | ScorerFailure:
    found = find_violations(scorer, trace, index)
    if isinstance(found, ScorerFailure):
        return found
    return Score(
        type=scorer.type,
        passed=not found,
        reason=summary(found) if found else holding_reason(scorer, trace),
        assertion=index,
        violations=found,
        span_ids=tuple(dict.fromkeys(span for each in found for span in each.span_ids)) if found else (),
        scorer_version=scorer.version,
        name=getattr(scorer.params, "name", ""),
    )


def summary(violations: tuple[Violation, ...]) -> str:
    """Return the first reason, and how many more there are."""
    first, *others = violations
    return f"{first.reason} (and {len(others)} more)" if others else first.reason


def holding_reason(scorer: Scorer, trace: Trace) -> str:
    """Return why an assertion holds: the assertion in words, and what should be known about it."""
    remark = scorer.remark(trace) if scorer.remark else ""
    return f"{scorer.describe}; {remark}" if remark else scorer.describe
