"""The trace check: whether a request belongs to the replay, where the replay knows its trace.

A request of another trace is somebody else's. One that names none is taken to belong to the replay, since many
deployments hand no context on; where others of its sort do name the trace of the replay, that is doubtful.
"""

from __future__ import annotations

from collections import Counter

from ..calls import Calls
from .exchange import trace_in
from .refusals import MISS, RefusedError


class TraceCheck:
    """Tells the requests of one replay from others.

    Args:
        calls: Where a doubt is noted.
        trace_ids: The only traces that are answered; None for all.
    """

    def __init__(self, calls: Calls, trace_ids: frozenset[str] | None) -> None:
        self._calls = calls
        self._trace_ids = trace_ids
        self._named: set[str] = set()
        """Sorts of requests that named the trace of the replay."""
        self._nameless: Counter[str] = Counter()

    def check(self, sort: str, traceparent: str | None) -> None:
        """Refuse a request of another trace.

        Args:
            sort: What is asked, in words: requests of a sort come from one client, with a trace or without.
            traceparent: The header; None where there is none.

        Raises:
            RefusedError: It belongs to another trace.
        """
        if self._trace_ids is None:
            return
        if traceparent is None:
            self._nameless[sort] += 1
        else:
            trace_id, _ = trace_in(traceparent)
            if trace_id not in self._trace_ids:
                got = trace_id or "an invalid traceparent"
                raise RefusedError(MISS, "other_trace", f"belongs to another trace: {got}")
            self._named.add(sort)
        count = self._nameless[sort]
        if count and sort in self._named:
            why = "named no trace, where others named that of the replay: they may be somebody else's"
            self._calls.doubt(sort, f"{count} {sort} {why}")
