"""Assertions on tool calls: ``tool-called``, ``tool-args``, ``tool-count``, ``idempotent-writes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..cases.assertions import IdempotentWrites, ToolArgs, ToolCalled, ToolCount
from ..cases.trace import Trace, Write
from .calls import Call, call_matcher, calls_of, excerpt, executed_calls, name_matcher, writing_calls
from .predicates import MISSING, compile_arguments, json_equal, lookup
from .score import Property, Scorer, Violation

VERSION = "1"


def compile_tool_called(assertion: ToolCalled) -> Scorer:
    """Compile ``tool-called`` (liveness) or ``not-tool-called`` (safety)."""
    matches = _matcher(assertion)
    words = _wording(assertion)

    def forbidden(trace: Trace) -> tuple[Violation, ...]:
        return tuple(
            Violation(reason=f"{call} was {assertion.stage}", span_ids=(call.span_id,))
            for call in calls_of(trace, assertion.stage)
            if matches(call)
        )

    def required(trace: Trace) -> tuple[Violation, ...]:
        calls = calls_of(trace, assertion.stage)
        if any(matches(call) for call in calls):
            return ()
        return (Violation(reason=f"{words} was never {assertion.stage}{_others(assertion.tool, calls)}"),)

    negative = assertion.type == "not-tool-called"
    return Scorer(
        type=assertion.type,
        version=VERSION,
        property="safety" if negative else "liveness",
        find=forbidden if negative else required,
        describe=f"{words} is {'not ' if negative else ''}called ({assertion.stage})",
        params=assertion,
    )


def compile_tool_args(assertion: ToolArgs) -> Scorer:
    """Compile ``tool-args``: every call of the tool has such arguments."""
    matches = _matcher(assertion)
    named = name_matcher(assertion.tool)

    def find(trace: Trace) -> tuple[Violation, ...]:
        return tuple(
            Violation(reason=f"{call} was {assertion.stage} without {_given(assertion)}", span_ids=(call.span_id,))
            for call in calls_of(trace, assertion.stage)
            if named(call.name) and not matches(call)
        )

    return Scorer(
        type=assertion.type,
        version=VERSION,
        property="safety",
        find=find,
        describe=f"every call of {assertion.tool} has {_given(assertion)} ({assertion.stage})",
        params=assertion,
    )


def compile_tool_count(assertion: ToolCount) -> Scorer:
    """Compile ``tool-count``: safety with only a maximum, liveness with only a minimum, else whole run."""
    matches = _matcher(assertion)
    least = assertion.equals if assertion.equals is not None else (assertion.min or 0)
    most = assertion.equals if assertion.equals is not None else assertion.max
    words = f"{_wording(assertion)} is called {_bounds(assertion)} ({assertion.stage})"

    def find(trace: Trace) -> tuple[Violation, ...]:
        found = [call for call in calls_of(trace, assertion.stage) if matches(call)]
        if least <= len(found) and (most is None or len(found) <= most):
            return ()
        spans = [call.span_id for call in found]
        # The first call too many decides it; those before were permitted.
        decisive = spans[most:] + spans[:most] if most is not None and len(found) > most else spans
        reason = f"{_wording(assertion)} was {assertion.stage} {len(found)} times, not {_bounds(assertion)}"
        return (Violation(reason=reason, span_ids=tuple(decisive)),)

    return Scorer(
        type=assertion.type,
        version=VERSION,
        property=_count_property(assertion),
        find=find,
        describe=words,
        params=assertion,
    )


def compile_idempotent_writes(assertion: IdempotentWrites) -> Scorer:
    """Compile ``idempotent-writes``: no write is made twice with the same (key) arguments."""
    key = assertion.key
    same_what = f"the same {', '.join(key)}" if key else "the same arguments"

    def find(trace: Trace) -> tuple[Violation, ...]:
        writes = _candidate_writes(trace, assertion)
        seen: dict[Any, list[Call]] = {}
        violations = []
        for call in writes:
            alike = seen.setdefault(_texts(call, key), [])
            first = next((each for each in alike if _same(each, call, key)), None)
            if first is None or _is_retry(first, call, assertion.retry_key) or _deduplicated(trace, first, call):
                alike.append(call)
                continue
            failed = ", the first of which failed" if first.view and first.view.error else ""
            reason = f"{call} was executed twice with {same_what}{failed}"
            violations.append(Violation(reason=reason, span_ids=(call.span_id, first.span_id)))
        return tuple(violations)

    return Scorer(
        type=assertion.type,
        version=VERSION,
        property="safety",
        find=find,
        describe=f"no write{_of_tools(assertion.tools)} is executed twice with {same_what}{_unless_a_retry(assertion)}",
        params=assertion,
    )


def _matcher(assertion: ToolCalled | ToolArgs | ToolCount) -> Callable[[Call], bool]:
    mode = assertion.tool_args_match_mode
    compared = mode != "ignore" and (assertion.args or mode != "superset")
    return call_matcher(assertion.tool, compile_arguments(assertion.args, mode) if compared else None)


def _wording(assertion: ToolCalled | ToolCount) -> str:
    return f"{assertion.tool} with {_given(assertion)}" if assertion.args else assertion.tool


def _given(assertion: ToolCalled | ToolArgs | ToolCount) -> str:
    mode = assertion.tool_args_match_mode
    only = {"exact": "exactly ", "subset": "at most "}.get(mode, "")
    return f"{only}{excerpt(assertion.args)}"


def _others(tool: str, calls: list[Call]) -> str:
    named = name_matcher(tool)
    others = [call for call in calls if named(call.name)]
    return f"; nearest: {others[-1]}" if others else ""


def _bounds(assertion: ToolCount) -> str:
    if assertion.equals is not None:
        return f"exactly {assertion.equals} times"
    least = f"at least {assertion.min}" if assertion.min is not None else ""
    most = f"at most {assertion.max}" if assertion.max is not None else ""
    return f"{' and '.join(filter(None, (least, most)))} times"


def _count_property(assertion: ToolCount) -> Property:
    if assertion.equals is not None or (assertion.min is not None and assertion.max is not None):
        return "whole_run"
    return "safety" if assertion.min is None else "liveness"


def _candidate_writes(trace: Trace, assertion: IdempotentWrites) -> list[Call]:
    if assertion.tools is None:
        return writing_calls(trace, None)
    tests = [name_matcher(tool) for tool in assertion.tools]
    return [call for call in executed_calls(trace) if any(test(call.name) for test in tests)]


def _texts(call: Call, key: list[str] | None) -> Any:
    """Return what equal calls have in common and hashes: numbers are left out, as 1 equals 1.0."""
    if key is not None:
        found = [lookup(call.arguments, each) for each in key]
        return (call.name, *(each if isinstance(each, str) else None for each in found))
    members = call.arguments.items() if isinstance(call.arguments, dict) else ()
    return (call.name, *sorted((name, each) for name, each in members if isinstance(each, str)))


def _same(first: Call, second: Call, key: list[str] | None) -> bool:
    if first.name != second.name:
        return False
    if key is None:
        return json_equal(first.arguments or {}, second.arguments or {})
    pairs = [(lookup(first.arguments, each), lookup(second.arguments, each)) for each in key]
    absent = all(left is MISSING and right is MISSING for left, right in pairs)
    return not absent and all(left is right or json_equal(left, right) for left, right in pairs)


def _is_retry(first: Call, second: Call, retry_key: str | None) -> bool:
    """Tell whether both calls carry the same value of the argument that makes them one."""
    if retry_key is None:
        return False
    left, right = (lookup(call.arguments, retry_key) for call in (first, second))
    return left not in (MISSING, None, "") and json_equal(left, right)


def _deduplicated(trace: Trace, first: Call, second: Call) -> bool:
    """Tell whether the downstream system was given the same idempotency key for both."""
    left, right = (_idempotency_keys(trace, call.span_id) for call in (first, second))
    return bool(left) and left == right


def _idempotency_keys(trace: Trace, span_id: str) -> set[str]:
    return {
        view.idempotency_key for span, view in trace.views(Write) if span.parent_id == span_id and view.idempotency_key
    }


def _unless_a_retry(assertion: IdempotentWrites) -> str:
    return f", unless with the same {assertion.retry_key}" if assertion.retry_key else ""


def _of_tools(tools: list[str] | None) -> str:
    return f" of {', '.join(tools)}" if tools else ""
