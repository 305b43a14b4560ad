"""Playback: answers the boundary calls of a replayed system from a recording. Pure: no clock, no I/O.

The rules:

- A request that is the recorded one at its place gets the recorded answer; so does the same request at
  another place (graded ``order``). Those answers are valid.
- A live boundary answers for itself; its answer is valid, and compared with the recorded one. An answer that
  equals the recorded one under the system's form of comparison is handed on in its recorded wording.
- Any other request loses validity. From that answer on the run is *beyond the recording*: it goes on so
  that later recorded attempts can be seen, but nothing after it counts as decided by itself.
- A model, a reviewer or a user whose request changed "says the same again". A tool or a retrieval has no
  answer to a question it was not asked: ``on_miss`` decides between stopping and an error result.
- A recorded read is stale once the replay left out a write that the recording had made before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from ..cases.trace import ToolCall, Trace
from .boundary import RecordedCall, recorded_calls
from .clock import RECORDED_CLOCK, ClockMode
from .comparison import AnswerForm, answers_equal
from .divergence import request_differences, value_differences
from .matching import CallIndex, Found, only_reads
from .replay import BoundaryEvent, BoundaryKind, Divergence, Match, Mode
from .request import Conversation, PreparedRequest, prepare

OnMiss = Literal["fail", "error_result"]
_SAYS_THE_SAME_AGAIN = ("model", "approval", "user")
_NO_ANSWER = "the recording has no answer to this request"


@dataclass(frozen=True, slots=True)
class Turns:
    """What a user says, one answer a call; after the last one a replay stops."""

    answers: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Modes:
    """How each boundary is answered."""

    live: frozenset[str] = frozenset()
    """Boundaries that answer for themselves: kinds (``retrieval``) or names, ``*`` for any run of
    characters (``tool:get_*``)."""
    static: Mapping[str, Any] = field(default_factory=dict)
    """Fixed answers by kind or ``kind:name``; ``Turns`` hold one for each call."""
    recorded: frozenset[str] = frozenset()
    """Boundaries that stay recorded although their kind is live."""
    live_from_step: int | None = None
    """From this step on, what ``allowed_live`` names answers for itself."""
    allowed_live: frozenset[str] = frozenset()
    """What may become live at ``live_from_step``."""
    on_miss: OnMiss = "fail"
    answers: AnswerForm = "json"
    """How live answers are compared with recorded ones."""
    clock: ClockMode = RECORDED_CLOCK
    """What time the system sees."""

    def of(self, kind: BoundaryKind, name: str, seq: int = 1) -> Mode:
        """Return the mode of one boundary call; what is said of a name wins over what is said of its kind."""
        if not (self.static or self.live or self.allowed_live):
            return "recorded"
        for key in (f"{kind}:{name}", str(kind)):
            if _names(self.static, key):
                return "static"
            if _names(self.live, key):
                return "live"
            if _names(self.recorded, key):
                return "recorded"
            if self.live_from_step is not None and seq >= self.live_from_step and _names(self.allowed_live, key):
                return "live"
        return "recorded"

    def static_answer(self, kind: BoundaryKind, name: str) -> Any:
        """Return the fixed answer of a static boundary."""
        key = next(key for key in (f"{kind}:{name}", str(kind)) if _names(self.static, key))
        return next(value for pattern, value in self.static.items() if _fits(pattern, key))


ALL_RECORDED = Modes()
"""Every boundary is answered from the recording."""


def _names(patterns: Iterable[str], key: str) -> bool:
    return any(_fits(pattern, key) for pattern in patterns)


def _fits(pattern: str, key: str) -> bool:
    return pattern == key or (":" in pattern and ":" in key and fnmatchcase(key, pattern))


class Reply(msgspec.Struct, frozen=True):
    """What the caller at a boundary gets."""

    action: Literal["answer", "raise", "call", "keep", "stop"]
    """answer: this value; raise: this error; call: run the real function and report with ``answered``; keep:
    hand on what the real function gave; stop: the recording has no answer and the replay ends here."""
    value: Any = None
    error: str = ""


class _Asked(msgspec.Struct, frozen=True):
    """One boundary call while it is answered."""

    seq: int
    kind: BoundaryKind
    name: str
    mode: Mode
    request: PreparedRequest
    call_path: tuple[str, ...]
    occurrence: int
    found: Found
    counterpart: RecordedCall | None
    """The recorded call this one stands for; None for a call the recording does not have."""
    stale: str
    """The write this run left out before the recorded answer was given; empty when there is none."""

    @property
    def fits(self) -> bool:
        """Whether the recording has a valid answer to the request."""
        return self.found.match != "none" and not self.stale


class Playback:
    """One run of a system against one recorded trace."""

    def __init__(self, trace: Trace, modes: Modes | None = None) -> None:
        self.trace = trace
        self.modes = modes or ALL_RECORDED
        self.index = CallIndex(recorded_calls(trace))
        self.events: list[BoundaryEvent] = []
        self.divergences: list[Divergence] = []
        self.requests: list[PreparedRequest] = []
        """The request of each event, in order."""
        self.counterparts: list[RecordedCall | None] = []
        """The recorded call each event stands for, in order."""
        self.limit: int | None = None
        """Step of the first answer that was not valid."""
        self.stopped = ""
        """Why the replay had to stop; empty when it did not."""
        self._live: dict[int, _Asked] = {}
        self._said: Counter[int] = Counter()
        """How many of its answers a ``Turns`` has given, by its identity."""
        self._conversation = Conversation()

    def prepared(
        self, kind: BoundaryKind, arguments: Mapping[str, Any], takes: frozenset[str] | None = None
    ) -> PreparedRequest:
        """Return the request that a boundary call's arguments stand for, ready for ``ask``; see ``prepare``."""
        return prepare(kind, arguments, self._conversation, takes)

    def ask(
        self,
        kind: BoundaryKind,
        name: str,
        arguments: Mapping[str, Any] | PreparedRequest,
        call_path: Sequence[str] | None = (),
    ) -> tuple[int, Reply]:
        """Answer one boundary call.

        Args:
            kind: The boundary.
            name: The tool's name; for other boundaries it is only shown.
            arguments: The call's arguments by name, or a request that was prepared before.
            call_path: Enclosing boundary calls as ``kind:name``, outermost first; None when nobody knows: the
                request itself then tells which recorded call it is.

        Returns:
            The step number and the reply.
        """
        asked = self._asked(kind, name, arguments, None if call_path is None else tuple(call_path))
        reply, valid = self._reply(asked)
        self._note(asked)
        self._append(asked, reply, valid)
        if asked.mode == "static" and valid:
            self._compare(asked, reply.value)
        return asked.seq, reply

    def _asked(
        self,
        kind: BoundaryKind,
        name: str,
        arguments: Mapping[str, Any] | PreparedRequest,
        path: tuple[str, ...] | None,
    ) -> _Asked:
        request = arguments if isinstance(arguments, PreparedRequest) else self.prepared(kind, arguments)
        key = name if kind == "tool" else kind
        call_path = self.index.likely_path(kind, key, request) if path is None else path
        found, occurrence = self.index.find(kind, key, call_path, request)
        seq = len(self.events) + 1
        mode = self.modes.of(kind, name, seq)
        counterpart = None if found.grade == "unrecorded_call" else found.call
        stale = self._stale(kind, found) if mode == "recorded" else ""
        return _Asked(seq, kind, name, mode, request, call_path, occurrence, found, counterpart, stale)

    def _stale(self, kind: BoundaryKind, found: Found) -> str:
        """Return the write this run left out before the read whose recorded answer fits."""
        call = found.call
        if call is None or found.match == "none" or kind not in ("tool", "retrieval") or call.writes:
            return ""
        if kind == "tool" and not only_reads(call):
            return ""  # what a write answers is about itself
        skipped = self.index.skipped_writes_before(call)
        known = (write.name for write in skipped if kind == "tool" or write.writes)
        return next(known, "")

    def _reply(self, asked: _Asked) -> tuple[Reply, bool]:
        """Return the reply and whether its answer is valid for the request."""
        call = asked.counterpart
        if asked.mode != "recorded":
            if call is not None:
                self.index.served.add(call.index)
            if asked.mode == "static":
                return self._stated(asked)
            self._live[asked.seq] = asked
            return Reply("call"), True
        if call is not None and asked.found.match != "none":
            return _recorded_reply(call), asked.fits
        if call is not None and asked.kind in _SAYS_THE_SAME_AGAIN:
            self.index.served.add(call.index)
            return _recorded_reply(call), False
        refusable = call is not None or asked.kind in ("tool", "retrieval")
        if refusable and self.modes.on_miss == "error_result":
            return Reply("raise", error=_NO_ANSWER), False
        self.stopped = self.stopped or f"step {asked.seq}, {_words(asked)}: {_NO_ANSWER}{self._remedy(asked.kind)}"
        return Reply("stop", error=_NO_ANSWER), False

    def _stated(self, asked: _Asked) -> tuple[Reply, bool]:
        """Return what the case states as the answer; of turns the next one."""
        answer = self.modes.static_answer(asked.kind, asked.name)
        if not isinstance(answer, Turns):
            return Reply("answer", answer), True
        number, known = self._said[id(answer)], answer.answers
        self._said[id(answer)] += 1
        if number < len(known):
            return Reply("answer", known[number]), True
        why = f"the case states {len(known)} of the user's turns, and the system asked for one more"
        key = f"replay: {{boundaries: {{{asked.kind}: {{mode: static, turns: […]}}}}}}"
        self.stopped = self.stopped or f"step {asked.seq}, {_words(asked)}: {why}: add it in case.yaml, `{key}`"
        return Reply("stop", error=why), False

    def _remedy(self, kind: BoundaryKind) -> str:
        """Return what to do about calls of a kind that the recording has none of; empty where it has some."""
        if any(call.kind == kind for call in self.index.calls):
            return ""
        key = f"replay: {{boundaries: {{{kind}: {{mode: static, value: …}}}}}}"
        return f", nor any {kind} call: state the answer in case.yaml, `{key}`"

    def _append(self, asked: _Asked, reply: Reply, valid: bool) -> None:
        if not valid and self.limit is None:
            self.limit = asked.seq
        call = asked.counterpart
        match: Match = asked.found.match if asked.mode == "recorded" or call is not None else "not_compared"
        self.requests.append(asked.request)
        self.counterparts.append(call)
        self.events.append(
            BoundaryEvent(
                seq=asked.seq,
                kind=asked.kind,
                name=asked.name,
                mode=asked.mode,
                match=match,
                valid=self.limit is None,
                call_path=asked.call_path,
                occurrence=asked.occurrence,
                request=_shown_request(asked.request),
                answer=reply.value,
                error=reply.error,
                not_compared=asked.found.not_compared,
                recorded_span_id=call.span.span_id if call else "",
                span_id=f"r{asked.seq}",
                resumes=_resumes(asked),
            )
        )

    @property
    def open_steps(self) -> tuple[int, ...]:
        """The steps in which a live boundary was asked and has not answered yet."""
        return tuple(sorted(self._live))

    def is_open(self, seq: int) -> bool:
        """Whether a live boundary was asked in this step and has not answered yet."""
        return seq in self._live

    def answered(self, seq: int, answer: Any, error: str = "") -> Reply:
        """Store what a live boundary answered and compare it with the recording.

        Returns:
            ``keep``, or ``answer`` with the recorded wording where the two are equal but not identical.
        """
        asked = self._live.pop(seq)
        outcome = self._compare(asked, answer, error)
        call = asked.counterpart
        wording = call.answer() if call is not None and outcome == "same_normalised" and not error else None
        shown = answer if wording is None else wording
        self.events[seq - 1] = msgspec.structs.replace(self.events[seq - 1], answer=shown, error=error)
        return Reply("keep") if wording is None else Reply("answer", wording)

    def _compare(self, asked: _Asked, answer: Any, error: str = "") -> str:
        """Compare a live or static answer with the recorded one and report a difference."""
        call = asked.counterpart
        if call is None:
            return ""
        recorded_error = call.stated_error() if error else call.error()
        recorded = {"error": recorded_error} if recorded_error else call.answer()
        answer = {"error": error} if error else answer
        outcome: Literal["same", "same_normalised", "changed"] = "same"
        if not answers_equal(recorded, answer, "exact"):
            outcome = "same_normalised" if answers_equal(recorded, answer, self.modes.answers) else "changed"
        self.events[asked.seq - 1] = msgspec.structs.replace(self.events[asked.seq - 1], outcome=outcome)
        if outcome == "changed":
            message = f"{_words(asked)}: answered differently than in the recording"
            differences = value_differences(recorded, answer)
            self._diverge(asked, "changed_outcome", message, differences=differences)
        return outcome

    def _note(self, asked: _Asked) -> None:
        """Report how a request differs from the recording."""
        found, recorded = asked.found, asked.mode == "recorded"
        if asked.stale:
            message = f"{_words(asked)}: was recorded after the write {asked.stale}, which this run did not make"
            self._diverge(asked, "changed_request", message, loses_validity=True)
        elif found.grade is not None and not (asked.mode == "static" and asked.counterpart is None):
            misses = found.match == "none"
            differences = (
                request_differences(found.call.prepared.request, (found.compared or asked.request).request)
                if found.call is not None and misses
                else ()
            )
            self._diverge(
                asked, found.grade, _message(asked), differences=differences, loses_validity=misses and recorded
            )

    def _diverge(self, asked: _Asked, grade: Any, message: str, **more: Any) -> None:
        call = asked.found.call
        self.divergences.append(
            Divergence(
                seq=asked.seq,
                grade=grade,
                kind=asked.kind,
                name=asked.name,
                message=message,
                call_path=asked.call_path,
                recorded_span_id=call.span.span_id if call else "",
                **more,
            )
        )

    def recorded_text(self, seq: int) -> str:
        """Return the text a served tool result was recorded as, for a function that answers text; empty if none."""
        call = self.counterparts[seq - 1]
        view = call.span.view if call is not None and self.events[seq - 1].mode == "recorded" else None
        return view.result_raw if isinstance(view, ToolCall) else ""

    def finish(self) -> None:
        """Report the recorded calls that were never made; nothing is answered after this."""
        for call in self.index.missing():
            words = f"call of {call.name}" if call.kind == "tool" else f"{call.kind} call"
            self.divergences.append(
                Divergence(
                    seq=len(self.events),
                    grade="missing_call",
                    kind=call.kind,
                    name=call.name,
                    message=f"the recorded {words} was not made",
                    call_path=call.call_path,
                    recorded_span_id=call.span.span_id,
                )
            )


def _resumes(asked: _Asked) -> int:
    """Return how far a changed model request goes on with the recorded conversation; see ``BoundaryEvent``."""
    call, made = asked.counterpart, asked.found.compared or asked.request
    if asked.kind != "model" or call is None or asked.found.match != "none" or call.prepared.head != made.head:
        return 0
    old, new = call.prepared.request.messages, made.request.messages
    differing = [
        number
        for number, keys in enumerate(zip(call.prepared.message_keys, made.message_keys, strict=False))
        if keys[0] != keys[1]
    ]
    told = all(new[number].role == old[number].role == "tool" for number in differing)
    if differing and told and len(old) == len(new):
        return len(new)
    return differing[0] if differing and new[differing[0]].role == old[differing[0]].role else 0


def _recorded_reply(call: RecordedCall) -> Reply:
    error = call.error()
    return Reply("raise", error=error) if error else Reply("answer", call.answer())


def _shown_request(request: PreparedRequest) -> Any:
    """Return the request as stored with the event; a model's messages are kept in the replay's trace."""
    if request.request.kind == "model":
        return {**request.request.value, "messages": len(request.request.messages)}
    return request.request.value


def _words(asked: _Asked) -> str:
    return f"call of {asked.name}" if asked.kind == "tool" else f"{asked.kind} call"


def _message(asked: _Asked) -> str:
    words = _words(asked)
    match asked.found.grade:
        case "order":
            return f"{words}: made at another place than in the recording, same request"
        case "noise":
            return f"{words}: differs only in identifiers, times of day or how JSON is spelled"
        case "changed_request_same_answer_valid":
            return f"{words}: asked again; a read has the answer it had"
        case "unrecorded_call":
            return f"{words}: the recording has no such call"
        case _:
            return f"{words}: the request differs from the recorded one"
