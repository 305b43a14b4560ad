"""Matching: which recorded call answers a request.

Served by call path plus occurrence, checked by canonical key, indexed: the cost of a look-up does not grow
with the number of recorded calls. Never by position alone (parallel branches swap answers), never by the
last user message (misses a changed system prompt), never by tool name in order (answers swap unnoticed).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec

from .boundary import RecordedCall
from .divergence import nearest
from .replay import BoundaryKind, Grade, Match
from .request import PreparedRequest, RequestKey

_NOTHING: tuple[str, ...] = ()
_Key = tuple[BoundaryKind, str, tuple[str, ...]]


class Found(msgspec.Struct, frozen=True):
    """What the recording has for a request."""

    call: RecordedCall | None
    """The call whose answer fits; or, when nothing fits, the call to compare with."""
    match: Match
    """exact or noise when the answer is valid for the request; none when it is not."""
    grade: Grade | None
    """Grade of the divergence; None when there is nothing to report."""
    not_compared: tuple[str, ...] = ()
    """Fields of the request that the recording does not have, so that they were not compared."""
    compared: PreparedRequest | None = None
    """The request cut to the fields that were compared, where that is not all of it."""


class CallIndex:
    """The recorded calls of one trace, by call path and occurrence and by canonical key."""

    def __init__(self, calls: Sequence[RecordedCall]) -> None:
        self.calls = list(calls)
        self._by_path: dict[_Key, list[RecordedCall]] = defaultdict(list)
        self._by_request: dict[tuple[BoundaryKind, str, RequestKey], list[RecordedCall]] | None = None
        self._occurrences: dict[_Key, int] = {}
        self.served: set[int] = set()
        self._made = 0
        """How many calls were made so far."""
        self._written_at = 0
        """The last of them that may have changed the world."""
        self._answered_at: dict[int, int] = {}
        """When each recorded call first gave its answer."""
        self._writes = [call for call in self.calls if call.kind == "tool" and not only_reads(call)]
        """Calls that write, or may: what does not state its effect and is not named like a read."""
        for call in self.calls:
            self._by_path[call.kind, call.name, call.call_path].append(call)

    def find(
        self, kind: BoundaryKind, name: str, call_path: tuple[str, ...], request: PreparedRequest
    ) -> tuple[Found, int]:
        """Return what the recording has for the next call on this path, and the call's occurrence there.

        Counts the occurrence and marks a fitting call as served.
        """
        key = (kind, name, call_path)
        occurrence = self._occurrences.get(key, 0)
        self._occurrences[key] = occurrence + 1
        on_path = self._by_path.get(key, ())
        expected = on_path[occurrence] if occurrence < len(on_path) else None
        found = self._fitting(expected, kind, name, request)
        self._made += 1
        if kind == "tool" and (found.call is None or not only_reads(found.call)):
            self._written_at = self._made
        if found.call is not None and found.match != "none":
            self.served.add(found.call.index)
            self._answered_at.setdefault(found.call.index, self._made)
        return found, occurrence

    def likely_path(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> tuple[str, ...]:
        """Return the call path of a request that came without one: that of the next call on each path of the kind
        and name whose messages have the longest beginning in common with it, the earliest recorded among equals.
        """
        following = [
            calls[self._occurrences.get(key, 0)]
            for key, calls in self._by_path.items()
            if key[:2] == (kind, name) and self._occurrences.get(key, 0) < len(calls)
        ]
        if len(following) < 2:
            return following[0].call_path if following else ()
        return max(following, key=lambda call: (*_in_common(request, call.prepared), -call.index)).call_path

    def _fitting(self, expected: RecordedCall | None, kind: BoundaryKind, name: str, request: PreparedRequest) -> Found:
        cut, left_out = request, _NOTHING
        if expected is not None and expected.index in self.served:
            expected = None  # its answer was given to the same request elsewhere: this one is a further call
        elif expected is not None and request is not expected.prepared:
            cut, left_out = request.comparable(expected.prepared)
        if expected is not None and cut.exact == expected.prepared.exact:
            return Found(expected, "exact", None, left_out)
        same = self._same_request(kind, name, request)
        if same is not None:
            return same
        if expected is not None:
            if kind == "model" and cut.noise == expected.prepared.noise:
                return Found(expected, "noise", "noise", left_out)
            return Found(expected, "none", "changed_request", left_out, cut)
        same_name = [call for call in self.calls if call.kind == kind and call.name == name]
        return Found(nearest(request, same_name), "none", "unrecorded_call")

    def _same_request(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> Found | None:
        """Return a recorded call with the very same request, made at another place of the recording.

        A model, a person or a write answered twice is a new event; a read asked again has the answer it had.
        """
        if self._by_request is None:
            self._by_request = defaultdict(list)
            for call in self.calls:
                self._by_request[call.kind, call.name, call.prepared.exact].append(call)
        twins = self._by_request.get((kind, name, request.exact), ())
        unserved = next((call for call in twins if call.index not in self.served), None)
        if unserved is not None:
            return Found(unserved, "exact", "order")
        if twins and kind in ("tool", "retrieval") and self._still_holds(twins[-1]):
            return Found(twins[-1], "exact", "changed_request_same_answer_valid")
        return None

    def _still_holds(self, read: RecordedCall) -> bool:
        """Whether a read that was answered before still has that answer: nothing was called since that may write."""
        return only_reads(read) and self._answered_at.get(read.index, 0) > self._written_at

    def expected_arguments(self, kind: BoundaryKind, name: str, call_path: tuple[str, ...]) -> Mapping[str, Any]:
        """Return the recorded arguments of the next call on a path; empty when there is none."""
        key = (kind, name if kind == "tool" else kind, call_path)
        on_path = self._by_path.get(key, ())
        occurrence = self._occurrences.get(key, 0)
        if occurrence >= len(on_path):
            return {}
        request = on_path[occurrence].prepared.request
        value = request.value if isinstance(request.value, Mapping) else {}
        return {**value, **(value.get("params") or {})} if kind == "model" else value

    def missing(self) -> list[RecordedCall]:
        """Return the recorded calls that were neither made nor part of a call that was answered as recorded."""
        return [call for call in self.calls if not self._covered(call)]

    def skipped_writes_before(self, call: RecordedCall) -> list[RecordedCall]:
        """Return the writes the recording made before a call and this replay has not made: the world differs."""
        earlier = takewhile(lambda write: write.index < call.index, self._writes)
        return [write for write in earlier if not self._covered(write)]

    def _covered(self, call: RecordedCall) -> bool:
        current: RecordedCall | None = call
        while current is not None:
            if current.index in self.served:
                return True
            current = current.parent
        return False


def _in_common(request: PreparedRequest, recorded: PreparedRequest) -> tuple[bool, int]:
    """Return whether two requests are the same but for fields not recorded, and how many first messages they share."""
    pairs = zip(request.message_keys, recorded.message_keys, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return request.comparable(recorded)[0].exact == recorded.exact, shared


_READING = re.compile(r"(?:get|list|search|find|read|look_?up|fetch|describe|view)(?:_|(?=[A-Z])|$)")
"""How tools that only look something up are commonly named; asked only where the trace does not state the effect."""
_WRITING = re.compile(
    r"(?:^|_)(?:create|update|upsert|insert|replace|delete|remove|set|add|send|write|save|cancel|pay|or|and)(?:_|$)"
    r"|(?:Or|And)[A-Z]"
)
"""What in such a name says that it does more than that: ``get_or_create``, ``find_and_replace``."""


def only_reads(call: RecordedCall) -> bool:
    """Whether a call is stated, or by its name known, to change nothing."""
    effect = getattr(call.span.view, "effect", "unknown")
    return call.kind == "retrieval" or effect == "read" or (effect == "unknown" and _named_like_a_read(call.name))


def _named_like_a_read(name: str) -> bool:
    reading = _READING.match(name)
    return reading is not None and _WRITING.search(name[reading.end() :]) is None
