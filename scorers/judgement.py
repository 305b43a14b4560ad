"""Judgement: what an assertion's score over a replay may be called, in one place for all scorers.

The rules (``1-product.md``, verdicts and the scope of proof):

1. A replay is judged up to the first answer that is not valid (``Replay.limit``). What a boundary call
   *asked* counts up to and including that step; what a boundary *answered* counts before it.
2. A violation that is decided there fails the assertion.
3. With answers valid to the end, an assertion without violations passes: scope ``whole_run``.
4. Past the limit, an assertion over the whole run (final output, exact counts) is undecided.
5. Past the limit, something good that had already happened passes: scope ``recorded_action``.
6. Past the limit, something bad that did not happen passes with scope ``recorded_action`` only if each
   recorded violation was *prevented*: the recorded answer that led to it was served validly, every answer
   until the system moved on was valid, and no violation followed. It moved on when it went on with the same
   conversation; a question to a model that the recording does not have (another prompt, a judge) is not that.
   Later recorded attempts, where the model "says the same again", must have come up and been prevented too;
   one that goes through fails.
7. A replay that could not have shown the failure passes nothing: its function is no boundary of this version,
   what was written is not known, isolation refused what the system tried beside its boundaries, code of the
   system was still at work when it returned or is left for later, or the run made no call at all where the
   recording has some.
8. A call that would fail the assertion in its recorded spelling was respelled, not prevented: undecided.
9. Everything else is undecided. Undecided is never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile

import msgspec

from ..cases.trace import ToolCall, Trace, Write
from ..replayers.boundary import kind_of
from ..replayers.replay import BoundaryEvent, Replay
from .calls import proposed_calls
from .respelling import as_recorded
from .score import Scope, Score, Scorer, ScorerFailure, Violation


def judge(
    scorer: Scorer, index: int, recording: Trace, recorded: Sequence[Violation], replay: Replay
) -> Score | ScorerFailure:
    """Return the score of one assertion over one replay.

    Args:
        scorer: The compiled assertion.
        index: Its place in the case's ``assert`` list.
        recording: The trace that was replayed.
        recorded: The violations the scorer found in it.
        replay: The replay.

    Returns:
        A score, or a failure when the scorer itself crashed: never a low score.
    """
    try:
        found = () if scorer.property == "whole_run" and not _is_whole(replay) else scorer.find(replay.trace)
        passed, scope, reason, violations = _Judge(scorer, recording, replay).decide(found, recorded)
    except Exception as error:  # a scorer's crash is data; the verdict becomes `error`
        return ScorerFailure(
            type=scorer.type,
            error=f"{type(error).__name__}: {error}",
            assertion=index,
            scorer_version=scorer.version,
        )
    return Score(
        type=scorer.type,
        passed=passed,
        reason=reason,
        assertion=index,
        scope=scope,
        violations=tuple(violations),
        span_ids=tuple(dict.fromkeys(span for each in violations for span in each.span_ids)),
        scorer_version=scorer.version,
        name=getattr(scorer.params, "name", ""),
    )


_Decision = tuple[bool | None, Scope | None, str, Sequence[Violation]]


class _Judge:
    def __init__(self, scorer: Scorer, recording: Trace, replay: Replay) -> None:
        self.scorer = scorer
        self.recording = recording
        self.replay = replay
        self.limit = replay.limit

    @cached_property
    def by_span(self) -> dict[str, BoundaryEvent]:
        return {event.span_id: event for event in self.replay.events}

    @cached_property
    def by_recorded(self) -> dict[str, BoundaryEvent]:
        return {event.recorded_span_id: event for event in self.replay.events if event.recorded_span_id}

    @cached_property
    def writing_tools(self) -> set[str]:
        return _writing_tools(self.recording)

    @cached_property
    def reading_tools(self) -> set[str]:
        return {view.name for _, view in self.recording.views(ToolCall) if view.effect == "read"}

    @cached_property
    def order(self) -> dict[str, int]:
        return {span.span_id: number for number, span in enumerate(self.recording.spans)}

    def decide(self, found: Sequence[Violation], recorded: Sequence[Violation]) -> _Decision:
        """Apply the rules in the order they are stated above."""
        blind = self._blind(recorded) or ("" if found else self._respelled())
        if _is_whole(self.replay):
            if found:
                return False, None, found[0].reason, found
            if blind:
                return None, None, blind, ()
            return True, "whole_run", "holds to the end of the run; every answer was valid", ()
        if self.scorer.property == "whole_run":
            return None, None, f"undecided: {self._why_open()}, and it can only be judged at the end", ()
        if self.scorer.property == "liveness":
            return self._liveness(found)
        passed, scope, reason, violations = self._safety(found, recorded)
        return (None, None, blind, ()) if passed and blind else (passed, scope, reason, violations)

    def _blind(self, recorded: Sequence[Violation]) -> str:
        """Return why this replay could not have shown the failure at all; empty when it could."""
        if not self.replay.events and any(map(kind_of, self.recording.spans)):
            return "undecided: the run made no call at all, where the recording has some; it may not have done its work"
        if len(self.replay.refused) > self.replay.refused_at_start:
            tried = self.replay.refused[self.replay.refused_at_start]
            return f"undecided: the system tried {tried}, which is no boundary and was refused"
        if self.replay.unfinished:
            return f"undecided: {self.replay.unfinished[0]} was still at work when the system returned"
        if self.replay.unseen:
            return f"undecided: {self.replay.unseen[0]}"
        if self.scorer.property == "safety":
            for decisive in filter(None, map(_decisive, recorded)):
                unseen = self._unseen(decisive)
                if unseen:
                    return f"undecided: the recording shows it in span {decisive}, which {unseen}"
        if self.scorer.type == "writes":
            for event in self.replay.events:
                if event.kind == "tool" and not _answered_as_recorded(event) and self._may_write(event.name):
                    wrote = f"what {event.name} wrote in step {event.seq} is not known"
                    return f"undecided: {wrote}; it was not answered as recorded"
        return ""

    def _respelled(self) -> str:
        """Return which call only spells its arguments differently than the recorded failure; empty for none."""
        differs = any(event.kind == "tool" and event.match != "exact" for event in self.replay.events)
        if self.scorer.property != "safety" or not differs:
            return ""
        spelled = as_recorded(self.replay.trace, self.recording)
        if spelled is None:
            return ""
        for event in filter(None, map(self._event_of, self.scorer.find(spelled))):
            call = f"step {event.seq} calls {event.name} with arguments spelled differently than recorded"
            return f"undecided: {call}, which may do the same"
        return ""

    def _event_of(self, violation: Violation) -> BoundaryEvent | None:
        return self.by_span.get(_decisive(violation).split(".")[0])

    def _unseen(self, decisive: str) -> str:
        """Return why a replay of this version cannot show a span; empty when it can."""
        boundary = _boundary_span(self.recording, decisive)
        if not boundary:
            return "no boundary call of a replay makes"
        span, functions = self.recording.span(boundary), self.replay.functions
        kind = kind_of(span)
        if self.replay.replayer != "python" or f"{kind}:*" in functions:
            return ""  # nothing of the app ran, or tools of any name are seen
        if isinstance(span.view, ToolCall) and f"tool:{span.view.name}" not in functions:
            return f"is a call of {span.view.name}: no boundary function of this version has that name"
        if not any(each.startswith(f"{kind}:") for each in functions):
            return f"is a {kind} call: this version has no boundary function for those"
        return ""

    def _may_write(self, tool: str) -> bool:
        """Whether a tool may write in a way that only the recording would have shown."""
        if not self.writing_tools:
            return False  # judged by the calls themselves, and those are seen
        return tool in self.writing_tools or tool not in self.reading_tools

    def _why_open(self) -> str:
        if self.limit is None:
            return f"the run {self.replay.outcome} before its end"
        return f"answers were valid up to step {self.limit - 1} of {len(self.replay.events)}"

    def _liveness(self, found: Sequence[Violation]) -> _Decision:
        if not found and not self.scorer.find(self._counted()):
            return True, "recorded_action", f"already held; {self._why_open()}", ()
        return None, None, f"undecided: not seen yet; {self._why_open()}", ()

    def _counted(self) -> Trace:
        """Return the replay's trace cut to the part that counts."""
        counted = {event.span_id for event in self.replay.events if self._counts(event)}
        spans = tuple(span for span in self.replay.trace.spans if span.span_id.split(".")[0] in counted)
        return msgspec.structs.replace(self.replay.trace, spans=spans, output=None)

    def _counts(self, event: BoundaryEvent) -> bool:
        if self.limit is None:
            return True
        return event.seq < self.limit if _rests_on_answer(event) else event.seq <= self.limit

    def _safety(self, found: Sequence[Violation], recorded: Sequence[Violation]) -> _Decision:
        decided = [violation for violation in found if self._is_decided(violation)]
        if decided:
            return False, None, decided[0].reason, decided
        if self.limit is None:
            return None, None, f"undecided: {self._why_open()}", ()
        states = [self._state(violation) for violation in self._in_order(recorded)]
        if "prevented" not in states:
            return None, None, f"undecided: {self._why_open()}, before the failure could be decided", ()
        if found:
            reason = f"stopped at first, but a later recorded attempt went through: {found[0].reason}"
            return False, None, reason, found
        if "open" in states:
            return None, None, "undecided: a later recorded attempt never came up in this run", ()
        first = self._in_order(recorded)[0].reason
        return True, "recorded_action", self._prevented(states, first), ()

    def _prevented(self, states: Sequence[str], first: str) -> str:
        again = states.count("prevented again")
        more = f"; nor {'do' if again > 1 else 'does'} {again} later attempt{'s' * (again > 1)}" if again else ""
        return f"no longer happens: {first}{more}"

    def _is_decided(self, violation: Violation) -> bool:
        """Whether a violation of the replay lies in the part that counts."""
        event = self._event_of(violation)
        return event is not None and self._counts(event)

    def _in_order(self, recorded: Sequence[Violation]) -> list[Violation]:
        return sorted(recorded, key=lambda each: self.order.get(_decisive(each), len(self.order)))

    def _state(self, violation: Violation) -> str:
        """Return what became of a recorded violation: prevented, prevented again (past the limit), or open."""
        limit = self.limit or 0
        if not _decisive(violation):
            return "open"  # about the output, which is not judged past the limit
        decisive = _boundary_span(self.recording, _decisive(violation)) or _decisive(violation)
        counterpart = self.by_recorded.get(decisive)
        if counterpart is not None:
            if counterpart.kind == "approval" and not self._came_up(violation, counterpart.seq):
                return "open"
            rests = counterpart.seq + 1 if _rests_on_answer(counterpart) else counterpart.seq
            if rests <= limit:
                return "prevented"
        state = self._state_by_trigger(decisive, limit)
        # The same call, made later on: it may stand for this attempt or for a later one that is the same.
        return "prevented again" if counterpart is not None and state == "open" else state

    def _state_by_trigger(self, decisive: str, limit: int) -> str:
        """Return what became of a violation by what happened after the answer that led to it."""
        trigger = _trigger(self.recording, decisive)
        if trigger == "":
            return "prevented" if self._next_model_step(0, decisive, 1) <= limit else "open"
        led = self.by_recorded.get(trigger)
        if led is not None and led.outcome == "changed":
            return "open"  # what was answered there is not what led to the recorded violation
        if led is None:
            return "prevented again" if self.replay.outcome == "completed" else "open"
        if led.seq >= limit:
            return "prevented again" if self._moved_on(led.seq) else "open"
        return "prevented" if self._next_model_step(led.seq, decisive, _messages_after(led)) <= limit else "open"

    def _came_up(self, violation: Violation, seq: int) -> bool:
        """Whether the call that an approval is for was made, or the system moved on without it."""
        return self._moved_on(seq) or any(span in self.by_recorded for span in violation.span_ids[1:])

    def _next_model_step(self, seq: int, decisive: str, shared: int) -> int:
        """Return the step at which the system moved on after a step: its next model call, or its end.

        Args:
            seq: The step.
            decisive: The recorded call it moved on from.
            shared: How many messages the next request must have in common with the recorded one: fewer are
                another conversation, such as that of a model which judges the call before it is made.
        """
        later = (
            event.seq for event in self.replay.events if event.seq > seq and self._goes_on(event, decisive, shared)
        )
        return next(later, self._end())

    def _goes_on(self, event: BoundaryEvent, decisive: str, shared: int) -> bool:
        if event.kind != "model" or self.order.get(event.recorded_span_id, -1) < self.order.get(decisive, 0):
            return False
        return event.match != "none" or event.resumes >= shared or self.replay.replayer == "trajectory"

    def _end(self) -> int:
        if self.replay.outcome == "completed":
            return len(self.replay.events) + 1
        return len(self.replay.events) + 2

    def _moved_on(self, seq: int) -> bool:
        """Whether a step was followed by another model call or by the regular end of the run."""
        return self.replay.outcome == "completed" or any(
            event.seq > seq and event.kind == "model" for event in self.replay.events
        )


def _is_whole(replay: Replay) -> bool:
    """Whether a replay ran to its end on valid answers."""
    return replay.limit is None and replay.outcome == "completed"


def _decisive(violation: Violation) -> str:
    return violation.decided_at or next(iter(violation.span_ids), "")


def _rests_on_answer(event: BoundaryEvent) -> bool:
    """A retrieval or a model call is judged by what it answered, other calls by what was asked of them."""
    return event.kind in ("retrieval", "model")


def _messages_after(led: BoundaryEvent) -> int:
    """Return how many messages a conversation has once a call has been answered."""
    count = led.request.get("messages") if isinstance(led.request, Mapping) else None
    return count + 1 if led.kind == "model" and isinstance(count, int) else 1


def _boundary_span(trace: Trace, span_id: str) -> str:
    """Return the boundary call a span belongs to: itself, or the nearest one it hangs below (a write).

    Returns:
        A span id; empty when there is none.
    """
    by_id = {span.span_id: span for span in trace.spans}
    seen: set[str] = set()
    current = span_id
    while current in by_id and current not in seen:
        if kind_of(by_id[current]) is not None:
            return current
        seen.add(current)
        current = by_id[current].parent_id
    return ""


def _writing_tools(trace: Trace) -> set[str]:
    """Return the names of the tools below which the recording has writes."""
    owners = {_boundary_span(trace, span.span_id) for span, _ in trace.views(Write)}
    return {view.name for span, view in trace.views(ToolCall) if span.span_id in owners}


def _answered_as_recorded(event: BoundaryEvent) -> bool:
    return event.mode == "recorded" and event.match != "none"


def _trigger(trace: Trace, span_id: str) -> str:
    """Return the boundary call whose answer led to a span: the model call that proposed it, else the one before.

    Returns:
        A span id; empty when the system's input itself led to it.
    """
    before = [span for span in takewhile(lambda span: span.span_id != span_id, trace.spans) if kind_of(span)]
    target = next((span for span in trace.spans if span.span_id == span_id), None)
    if target is not None and isinstance(target.view, ToolCall):
        earlier = {span.span_id for span in before}
        asked = [call for call in proposed_calls(trace) if call.span_id in earlier and call.name == target.view.name]
        same_id = [call for call in asked if call.id and call.id == target.view.id]
        if same_id or asked:
            return (same_id or asked)[-1].span_id
    return before[-1].span_id if before else ""
