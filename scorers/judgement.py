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
7. A replay that could not have shown the failure passes nothing (``scorers.blindness``).
8. Everything else is undecided. Undecided is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

import msgspec

from ..cases.trace import Trace
from ..replayers.replay import BoundaryEvent, Replay
from .blindness import blind_reason
from .decisive import boundary_span, decisive_span, trigger_span
from .score import Scope, Score, Scorer, ScorerFailure, Violation


def judge(
    scorer: Scorer,
    index: int,
    recording: Trace,
    recorded: Sequence[Violation],
    replay: Replay,
    *,
    did_its_work: Callable[[], bool] = lambda: False,
    witnessed: Collection[str] = (),
) -> Score | ScorerFailure:
    """Return the score of one assertion over one replay.

    Args:
        scorer: The compiled assertion.
        index: Its place in the case's ``assert`` list.
        recording: The trace that was replayed.
        recorded: The violations the scorer found in it.
        replay: The replay.
        did_its_work: Whether another assertion holds over it that a run without any work would break.
        witnessed: Tools that a replay of the version that failed has asked for at the boundary.

    Returns:
        A score, or a failure when the scorer itself crashed: never a low score.
    """
    try:
        found = () if scorer.property == "whole_run" and not _is_whole(replay) else scorer.find(replay.trace)
        passed, scope, reason, violations = _Judge(scorer, recording, recorded, replay, did_its_work, witnessed).decide(
            found
        )
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


_ENDINGS = {"timed_out": "timed out", "unanswered": "got no answer"}
_Decision = tuple[bool | None, Scope | None, str, Sequence[Violation]]


class _Judge:
    def __init__(
        self,
        scorer: Scorer,
        recording: Trace,
        recorded: Sequence[Violation],
        replay: Replay,
        did_its_work: Callable[[], bool],
        witnessed: Collection[str],
    ) -> None:
        self.scorer = scorer
        self.recording = recording
        self.recorded = recorded
        self.did_its_work = did_its_work
        self.witnessed = witnessed
        self.replay = replay
        self.limit = replay.limit

    @cached_property
    def by_span(self) -> dict[str, BoundaryEvent]:
        return {event.span_id: event for event in self.replay.events}

    @cached_property
    def by_recorded(self) -> dict[str, BoundaryEvent]:
        return {event.recorded_span_id: event for event in self.replay.events if event.recorded_span_id}

    @cached_property
    def order(self) -> dict[str, int]:
        return {span.span_id: number for number, span in enumerate(self.recording.spans)}

    def decide(self, found: Sequence[Violation]) -> _Decision:
        """Apply the rules in the order they are stated above."""
        if _is_whole(self.replay):
            if found:
                return False, None, found[0].reason, found
            return self._unless_blind((True, "whole_run", "holds to the end of the run; every answer was valid", ()))
        if self.scorer.property == "whole_run":
            return None, None, f"undecided: {self._why_open()}, and it can only be judged at the end", ()
        if self.scorer.property == "liveness":
            return self._liveness(found)
        return self._unless_blind(self._safety(found))

    def _unless_blind(self, decision: _Decision) -> _Decision:
        if not decision[0]:
            return decision
        blind = blind_reason(
            self.scorer,
            self.recording,
            self.recorded,
            self.replay,
            did_its_work=self.did_its_work,
            witnessed=self.witnessed,
        )
        return (None, None, blind, ()) if blind else decision

    def _event_of(self, violation: Violation) -> BoundaryEvent | None:
        return self.by_span.get(decisive_span(violation).split(".")[0])

    def _why_open(self) -> str:
        if self.limit is None:
            return f"the run {_ENDINGS.get(self.replay.outcome, self.replay.outcome)} before its end"
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

    def _safety(self, found: Sequence[Violation]) -> _Decision:
        decided = [violation for violation in found if self._is_decided(violation)]
        if decided:
            return False, None, decided[0].reason, decided
        if self.limit is None:
            return None, None, f"undecided: {self._why_open()}", ()
        states = [self._state(violation) for violation in self._in_order()]
        if "prevented" not in states:
            return None, None, f"undecided: {self._why_open()}, before the failure could be decided", ()
        if found:
            reason = f"stopped at first, but a later recorded attempt went through: {found[0].reason}"
            return False, None, reason, found
        if "open" in states:
            return None, None, "undecided: a later recorded attempt never came up in this run", ()
        first = self._in_order()[0].reason
        return True, "recorded_action", self._prevented(states, first), ()

    def _prevented(self, states: Sequence[str], first: str) -> str:
        again = states.count("prevented again")
        more = f"; nor {'do' if again > 1 else 'does'} {again} later attempt{'s' * (again > 1)}" if again else ""
        return f"no longer happens: {first}{more}"

    def _is_decided(self, violation: Violation) -> bool:
        """Whether a violation of the replay lies in the part that counts."""
        event = self._event_of(violation)
        return event is not None and self._counts(event)

    def _in_order(self) -> list[Violation]:
        return sorted(self.recorded, key=lambda each: self.order.get(decisive_span(each), len(self.order)))

    def _state(self, violation: Violation) -> str:
        """Return what became of a recorded violation: prevented, prevented again (past the limit), or open."""
        limit = self.limit or 0
        if not decisive_span(violation):
            return "open"  # about the output, which is not judged past the limit
        decisive = boundary_span(self.recording, decisive_span(violation)) or decisive_span(violation)
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
        trigger = trigger_span(self.recording, decisive)
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


def _rests_on_answer(event: BoundaryEvent) -> bool:
    """A retrieval or a model call is judged by what it answered, other calls by what was asked of them."""
    return event.kind in ("retrieval", "model")


def _messages_after(led: BoundaryEvent) -> int:
    """Return how many messages a conversation has once a call has been answered."""
    count = led.request.get("messages") if isinstance(led.request, Mapping) else None
    return count + 1 if led.kind == "model" and isinstance(count, int) else 1
