"""Assertions that are red on a recording, for a person to accept: what ``unrepeat import`` offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..cases.assertions import ASSERTION_ADAPTER
from ..cases.errors import UnrepeatError
from ..cases.trace import Trace
from . import suspicions
from .registry import compile_assertion, find_violations
from .score import Scorer, ScorerFailure, Violation

MOST = 8
"""Most proposals offered; beyond that nobody reads them."""
_MOST_OF_A_KIND = 3

Kind = Callable[[Trace], Iterator[suspicions.Candidate]]
"""Looks for one kind of failure in a trace."""

_KINDS: tuple[Kind, ...] = (
    suspicions.against_decisions,
    suspicions.followed_instructions,
    suspicions.leaked_secrets,
    suspicions.other_subjects,
    suspicions.bad_documents,
    suspicions.blind_approvals,
    suspicions.repeated_writes,
    suspicions.foreign_arguments,
    suspicions.failed_calls,
    suspicions.loops,
    suspicions.unapproved_writes,
)
"""Most convincing first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An assertion offered for a case."""

    assertion: dict[str, Any]
    """As case.yaml would hold it."""
    why: str
    """What in the recording suggests it."""
    red_because: Violation
    """The violation that makes it red on the recording."""


def propose(traces: Sequence[Trace], before: Sequence[Kind] = ()) -> tuple[Proposal, ...]:
    """Propose assertions that are red on at least one of the recorded traces.

    Args:
        traces: The traces of one case.
        before: What to look for first, such as the drafts that the barrier of a near miss stopped.

    Returns:
        At most eight, the most convincing first; where nothing looks wrong by itself, the calls that look like
        writing. Empty when there are none of those either.
    """
    collected = _Collected(traces)
    for kind in (*before, *_KINDS):
        collected.take(kind, _MOST_OF_A_KIND)
    if not collected.proposals:
        collected.take(suspicions.writing_calls_at_all, MOST)
    return tuple(collected.proposals[:MOST])


class _Collected:
    def __init__(self, traces: Sequence[Trace]) -> None:
        self.proposals: list[Proposal] = []
        self._traces = traces
        self._seen: list[dict[str, Any]] = []

    def take(self, kind: Kind, most: int) -> None:
        taken = 0
        for trace in self._traces:
            for assertion, why in kind(trace):
                if assertion in self._seen or taken == most:
                    continue
                self._seen.append(assertion)
                red = _red(assertion, trace)
                if red is not None:
                    self.proposals.append(Proposal(assertion, why, red))
                    taken += 1


def _red(assertion: dict[str, Any], trace: Trace) -> Violation | None:
    """Return the first violation of an assertion; None when it holds or cannot be judged."""
    scorer = _compiled(assertion)
    found = find_violations(scorer, trace, 0) if scorer else ()
    return None if isinstance(found, ScorerFailure) or not found else found[0]


def _compiled(assertion: dict[str, Any]) -> Scorer | None:
    try:
        return compile_assertion(ASSERTION_ADAPTER.validate_python(assertion))
    except (ValidationError, UnrepeatError):
        return None
