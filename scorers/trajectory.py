"""Assertions on the sequence of tool calls: ``tool-order`` and ``trajectory``.

Both compare the calls of a trace with expected ones in the modes of agentevals (strict, unordered, subset,
superset) and ``in_order``; both explain the difference. Calls are paired by maximum matching, so that a
loose expectation never takes the only call that fits a narrow one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..cases.assertions import ArgsMode, ExpectedCall, OrderMode, ToolOrder, Trajectory
from ..cases.trace import Trace
from .calls import Call, call_matcher, calls_of, excerpt
from .predicates import compile_arguments
from .score import Scorer, Violation

VERSION = "1"
_LISTED = 5

_RULES: dict[str, str] = {
    "strict": "are exactly",
    "unordered": "are, in any order,",
    "subset": "are none besides",
    "superset": "include",
    "in_order": "include, in this order,",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """One expected call, compiled."""

    words: str
    matches: Callable[[Call], bool]


def compile_tool_order(assertion: ToolOrder) -> Scorer:
    """Compile ``tool-order`` (judged over the whole run)."""
    expected = _compile_expected(assertion.tools, assertion.tool_args_match_mode)
    return _order_scorer(assertion, expected)


def compile_trajectory(assertion: Trajectory) -> Scorer:
    """Compile ``trajectory`` (judged over the whole run)."""
    expected = _compile_expected(assertion.reference, assertion.tool_args_match_mode)
    return _order_scorer(assertion, expected)


def _order_scorer(assertion: ToolOrder | Trajectory, expected: list[Expected]) -> Scorer:
    def find(trace: Trace) -> tuple[Violation, ...]:
        return explain(expected, calls_of(trace, assertion.stage), assertion.mode)

    words = ", ".join(each.words for each in expected) or "none"
    return Scorer(
        type=assertion.type,
        version=VERSION,
        property="whole_run",
        find=find,
        describe=f"the calls {_RULES[assertion.mode]} {words} ({assertion.stage})",
        params=assertion,
    )


def _compile_expected(entries: Sequence[str | ExpectedCall], mode: ArgsMode) -> list[Expected]:
    compiled = []
    for entry in entries:
        call = ExpectedCall(tool=entry) if isinstance(entry, str) else entry
        if call.args is None:
            compiled.append(Expected(call.tool, call_matcher(call.tool, None)))
            continue
        check = None if mode == "ignore" else compile_arguments(call.args, mode)
        compiled.append(Expected(f"{call.tool}({excerpt(call.args)})", call_matcher(call.tool, check)))
    return compiled


def explain(expected: list[Expected], calls: list[Call], mode: OrderMode) -> tuple[Violation, ...]:
    """Compare calls with expected ones and explain the difference.

    Args:
        expected: The reference, in order.
        calls: The calls of the trace, in order.
        mode: How they must relate.

    Returns:
        Nothing when they relate so; else the difference, one violation for each call too many or missing
        (strict: the first difference).
    """
    if mode == "strict":
        return _first_difference(expected, calls)
    if mode == "in_order":
        return _first_out_of_order(expected, calls)
    pairs = _pair(expected, calls)
    missing = [each.words for index, each in enumerate(expected) if index not in pairs]
    taken = set(pairs.values())
    extra = [call for index, call in enumerate(calls) if index not in taken]
    violations = [] if mode == "superset" else [_unexpected(call) for call in extra]
    if missing and mode != "subset":
        violations.append(Violation(reason=f"missing: {_list(missing)}"))
    return tuple(violations)


def _first_difference(expected: list[Expected], calls: list[Call]) -> tuple[Violation, ...]:
    for number, (want, call) in enumerate(zip(expected, calls, strict=False), 1):
        if not want.matches(call):
            reason = f"call {number}: expected {want.words}, got {call}{_balance(expected, calls)}"
            return (Violation(reason=reason, span_ids=(call.span_id,)),)
    if len(calls) > len(expected):
        extra = calls[len(expected) :]
        reason = f"after the {len(expected)} expected calls came {_list([str(call) for call in extra])}"
        return (Violation(reason=reason, span_ids=tuple(call.span_id for call in extra)),)
    if len(calls) < len(expected):
        missing = [each.words for each in expected[len(calls) :]]
        spans = (calls[-1].span_id,) if calls else ()
        return (Violation(reason=f"the calls end before {_list(missing)}", span_ids=spans),)
    return ()


def _balance(expected: list[Expected], calls: list[Call]) -> str:
    """Say what is missing and extra over the whole run, so that a mere change of order shows as one."""
    pairs = _pair(expected, calls)
    missing = [each.words for index, each in enumerate(expected) if index not in pairs]
    taken = set(pairs.values())
    extra = [str(call) for index, call in enumerate(calls) if index not in taken]
    if not missing and not extra:
        return "; the calls are the same, their order is not"
    parts = [f"missing in all: {_list(missing)}"] if missing else []
    return "; ".join(["", *parts, *([f"extra in all: {_list(extra)}"] if extra else [])])


def _first_out_of_order(expected: list[Expected], calls: list[Call]) -> tuple[Violation, ...]:
    position = 0
    for number, want in enumerate(expected, 1):
        start = position
        while position < len(calls) and not want.matches(calls[position]):
            position += 1
        if position == len(calls):
            early = [call for call in calls[:start] if want.matches(call)]
            place = f"only before it: {early[-1]}" if early else "nowhere"
            after = f" after {expected[number - 2].words}" if number > 1 else ""
            spans = (early[-1].span_id,) if early else ()
            return (Violation(reason=f"expected {want.words}{after}, found {place}", span_ids=spans),)
        position += 1
    return ()


def _pair(expected: list[Expected], calls: list[Call]) -> dict[int, int]:
    """Pair expectations with calls, as many as possible (augmenting paths)."""
    fits = [[at for at, call in enumerate(calls) if want.matches(call)] for want in expected]
    owner: dict[int, int] = {}
    for start in range(len(expected)):
        _augment(start, fits, owner)
    return {want: at for at, want in owner.items()}


def _augment(start: int, fits: list[list[int]], owner: dict[int, int]) -> None:
    """Search a free call for an expectation, moving others (breadth first: no recursion on long runs)."""
    came_from: dict[int, tuple[int, int | None]] = {}
    queue: list[tuple[int, int | None]] = [(start, None)]
    for want, through in queue:
        for at in fits[want]:
            if at in came_from:
                continue
            came_from[at] = (want, through)
            if at not in owner:
                _reassign(at, came_from, owner)
                return
            queue.append((owner[at], at))


def _reassign(free: int, came_from: dict[int, tuple[int, int | None]], owner: dict[int, int]) -> None:
    at: int | None = free
    while at is not None:
        want, previous = came_from[at]
        owner[at] = want
        at = previous


def _unexpected(call: Call) -> Violation:
    return Violation(reason=f"unexpected: {call}", span_ids=(call.span_id,))


def _list(words: list[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"{', '.join(words[:_LISTED])}{more}"
