"""Matching: which recorded call answers a request.

Served by call path plus occurrence, checked by canonical key, indexed: the cost of a look-up does not grow
with the number of recorded calls. Never by position alone (parallel branches swap answers), never by the
last user message (misses a changed system prompt), never by tool name in order (answers swap unnoticed).
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec

from ..cases.trace import Message
from .boundary import RecordedCall
from .canonical import message_key
from .divergence import nearest
from .likely_paths import LikelyPaths, PathKey, shared_beginning
from .replay import BoundaryKind, Grade, Match
from .request import PreparedRequest, RequestKey

_NOTHING: tuple[str, ...] = ()
_LOOKED_AHEAD = 50
"""With how many recorded calls a request is compared that is no recorded one."""


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
        self._by_path: dict[PathKey, list[RecordedCall]] = defaultdict(list)
        self._by_name: dict[tuple[BoundaryKind, str], list[RecordedCall]] = {}
        """Filled when it is first needed."""
        self._by_request: dict[tuple[BoundaryKind, str, RequestKey], deque[RecordedCall]] | None = None
        self._by_messages: dict[tuple[bytes, ...], deque[RecordedCall]] = {}
        """Model calls by the keys of their messages; filled when it is first needed."""
        self._first_unserved: dict[PathKey, int] = {}
        self._occurrences: dict[PathKey, int] = {}
        self.served: set[int] = set()
        self._made = 0
        """How many calls were made so far."""
        self._written_at = 0
        """The last of them that may have changed the world."""
        self._answered_at: dict[int, int] = {}
        """When each recorded call first gave its answer."""
        self._writes = deque(call for call in self.calls if call.kind == "tool" and not only_reads(call))
        """Calls that write, or may: what does not state its effect and is not named like a read. Without the first
        ones, where they were made."""
        for call in self.calls:
            key = (call.kind, call.name, call.call_path)
            self._by_path[key].append(call)
        self._likely = LikelyPaths(self._by_path, self._occurrences)

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
        found = self._fitting(expected, key, request)
        self._made += 1
        if kind == "tool" and (found.call is None or not only_reads(found.call)):
            self._written_at = self._made
        if found.call is not None and found.match != "none":
            self.served.add(found.call.index)
            self._answered_at.setdefault(found.call.index, self._made)
        return found, occurrence

    def likely_path(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> tuple[str, ...]:
        """Return the call path of a request that came without one: that of the earliest call not made yet that was
        asked the same; else the likeliest (`LikelyPaths`).
        """
        twin = self._unserved_twin(kind, name, request) if self._likely.are_several(kind, name) else None
        return twin.call_path if twin is not None else self._likely.path_of(kind, name, request)

    def _fitting(self, expected: RecordedCall | None, key: PathKey, request: PreparedRequest) -> Found:
        cut, left_out = request, _NOTHING
        if expected is not None and expected.index in self.served:
            expected = None  # its answer was given to the same request elsewhere: this one is a further call
        elif expected is not None and request is not expected.prepared:
            cut, left_out = request.comparable(expected.prepared)
        if expected is not None and cut.exact == expected.prepared.exact:
            return Found(expected, "exact", None, left_out)
        kind, name, _ = key
        same = self._same_request(kind, name, request)
        if same is not None:
            return same
        if expected is not None and kind == "model" and cut.noise == expected.prepared.noise:
            return Found(expected, "noise", "noise", left_out)
        stands_for = self._goes_on_with(key, request, expected) if kind == "model" else expected
        if stands_for is not None:
            cut, left_out = request.comparable(stands_for.prepared)
            return Found(stands_for, "none", "changed_request", left_out, cut)
        return Found(nearest(request, self._called(kind, name)), "none", "unrecorded_call")

    def _called(self, kind: BoundaryKind, name: str) -> Sequence[RecordedCall]:
        """Return the recorded calls of a kind and name."""
        if not self._by_name:
            for call in self.calls:
                self._by_name.setdefault((call.kind, call.name), []).append(call)
        return self._by_name.get((kind, name), ())

    def _goes_on_with(
        self, key: PathKey, request: PreparedRequest, expected: RecordedCall | None
    ) -> RecordedCall | None:
        """Return the call that a changed model request stands for: that of its place, or of the conversation it goes
        on with. Conversations that run side by side below one path are made in any order.
        """
        on_path, first = self._by_path.get(key, ()), self._first_unserved.get(key, 0)
        while first < len(on_path) and on_path[first].index in self.served:
            first += 1
        self._first_unserved[key] = first
        unserved = [each for each in on_path[first : first + _LOOKED_AHEAD] if each.index not in self.served]
        best = max(unserved, key=lambda each: (shared_beginning(request, each.prepared), -each.index), default=None)
        if expected is None:
            return best if best is not None and shared_beginning(request, best.prepared) > 1 else None
        if best is None or shared_beginning(request, best.prepared) <= shared_beginning(request, expected.prepared):
            return expected
        return best

    def _same_request(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> Found | None:
        """Return a recorded call with the very same request, made at another place of the recording.

        A model, a person or a write answered twice is a new event; a read asked again has the answer it had.
        """
        unserved = self._unserved_twin(kind, name, request)
        if unserved is not None:
            return Found(unserved, "exact", "order", request.comparable(unserved.prepared)[1])
        twins = self._twins(kind, name, request)
        if twins and kind in ("tool", "retrieval") and self._still_holds(twins[-1]):
            return Found(twins[-1], "exact", "changed_request_same_answer_valid")
        return None

    def _unserved_twin(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> RecordedCall | None:
        """Return the earliest call not made yet that was asked the same, fields that were not recorded aside."""
        if kind != "model":
            twins = self._twins(kind, name, request)
            while len(twins) > 1 and twins[0].index in self.served:
                twins.popleft()
            return next((call for call in twins if call.index not in self.served), None)
        if not self._by_messages:
            for call in self._called(kind, name):
                self._by_messages.setdefault(call.prepared.message_keys, deque()).append(call)
        for keys in _spellings(request):
            twins = self._by_messages.get(keys, deque())
            while twins and twins[0].index in self.served:
                twins.popleft()
            for call in twins:
                if call.index not in self.served and request.comparable(call.prepared)[0].exact == call.prepared.exact:
                    return call
        return None

    def _twins(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> deque[RecordedCall]:
        """Return the calls with the very same request; the last of them also where all were made."""
        if self._by_request is None:
            self._by_request = {}
            for call in self.calls:
                self._by_request.setdefault((call.kind, call.name, call.prepared.exact), deque()).append(call)
        return self._by_request.get((kind, name, request.exact), deque())

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

    def skipped_writes_before(self, call: RecordedCall) -> Iterator[RecordedCall]:
        """Yield the writes the recording made before a call and this replay has not made: the world differs."""
        while self._writes and self._covered(self._writes[0]):  # for good: what was made is not unmade
            self._writes.popleft()
        earlier = takewhile(lambda write: write.index < call.index, self._writes)
        return (write for write in earlier if not self._covered(write))

    def _covered(self, call: RecordedCall) -> bool:
        current: RecordedCall | None = call
        while current is not None:
            if current.index in self.served:
                return True
            current = current.parent
        return False


def _spellings(request: PreparedRequest) -> Iterator[tuple[bytes, ...]]:
    """Yield the keys of a request's messages, and those with the system prompt in its other place."""
    keys, system = request.message_keys, request.request.value.get("system")
    yield keys
    if system:
        yield (message_key(Message(role="system", parts=tuple(system))), *keys)
    elif keys:
        yield keys[1:]


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
