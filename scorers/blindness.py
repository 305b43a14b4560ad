"""Why a replay could not have shown the failure, so that a pass over it would prove nothing.

Asked of every assertion that would pass, in this order:

1. The run made no call at all where the recording has some: it may not have done its work.
2. Isolation refused what the system tried beside its boundaries, or the harness could not understand what it asked, or
   code of the system was still at work when it returned, or is left for later, or it may not have seen the time that
   the case states.
3. The tool that an assertion forbids is called by nothing: neither the recording nor the version has one of that name.
4. The recorded failure lies in a span that no boundary call of this version makes; or a program answered a tool call
   by itself with what the tool had answered, so that it has run the tool where nobody sees it. Of a deployment, which
   nothing holds back, no answer of its own will do for a tool that was not seen at its boundary before.
5. What a tool wrote is not known, since it was not answered as recorded.
6. A call would fail the assertion in its recorded spelling: ``"AC-1 "`` for ``"AC-1"``, or under arguments of other
   names. A system on the other side may take both for the same.
7. The run reached its end, but the step that led to the failure never came up, and no other assertion of the case
   says that the system did its work: an error that the system swallowed looks the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from ..cases.trace import ToolCall, Trace, Write
from ..replayers.boundary import kind_of
from ..replayers.replay import BoundaryEvent, Replay
from .calls import name_matcher, proposed_calls
from .decisive import boundary_span, decisive_span, trigger_span
from .own_answers import own_answers
from .respelling import as_recorded
from .score import Scorer, Violation

NEVER_CAME_UP = (
    "the step that led to the failure never came up; assert also what the system should do instead, such as an answer"
)


def blind_reason(
    scorer: Scorer,
    recording: Trace,
    recorded: Sequence[Violation],
    replay: Replay,
    *,
    did_its_work: Callable[[], bool],
    witnessed: Collection[str] = (),
) -> str:
    """Return why a replay could not have shown the failure at all; empty when it could.

    Args:
        scorer: The assertion that would pass.
        recording: The trace that was replayed.
        recorded: The violations the scorer found in it.
        replay: The replay.
        did_its_work: Whether another assertion of the case holds that a run without any work would break.
        witnessed: Tools that a replay of the version that failed has asked for at the boundary.
    """
    sight = _Sight(scorer, recording, recorded, replay, witnessed)
    asked = [sight.idle, sight.hindered]
    if scorer.property == "safety":
        asked += [
            sight.unknown_tool,
            sight.unseen,
            sight.done_inside,
            sight.unknown_writes,
            sight.respelled,
            sight.never_came_up,
        ]
    found = next(filter(None, (ask() for ask in asked)), "")
    if not found or (found == NEVER_CAME_UP and did_its_work()):
        return ""
    return f"undecided: {found}"


class _Sight:
    def __init__(
        self,
        scorer: Scorer,
        recording: Trace,
        recorded: Sequence[Violation],
        replay: Replay,
        witnessed: Collection[str],
    ) -> None:
        self.witnessed = witnessed
        self.scorer = scorer
        self.recording = recording
        self.replay = replay
        self.decisive = [span for span in map(decisive_span, recorded) if span]

    def idle(self) -> str:
        if not self.replay.events and any(map(kind_of, self.recording.spans)):
            return "the run made no call at all, where the recording has some; it may not have done its work"
        return ""

    def hindered(self) -> str:
        if len(self.replay.refused) > self.replay.refused_at_start:
            tried = self.replay.refused[self.replay.refused_at_start]
            return f"the system tried {tried}, which is no boundary and was refused"
        if self.replay.faults:
            return f"the system asked the harness in no form it understands: {self.replay.faults[0]}"
        if self.replay.unfinished:
            return f"{self.replay.unfinished[0]} was still at work when the system returned"
        return self.replay.unseen[0] if self.replay.unseen else self.replay.clock_doubt

    def unknown_tool(self) -> str:
        tool = getattr(self.scorer.params, "tool", "")
        if not tool or not self.scorer.type.startswith("not-"):
            return ""
        known, matches = self._tools(), name_matcher(tool)
        if not known or "*" in known:
            return ""
        return "" if any(map(matches, known)) else f"neither the recording nor this version has a tool {tool}"

    def _tools(self) -> set[str]:
        """Return the names of the tools there are; ``*`` among them where any name is one."""
        names = {each.removeprefix("tool:") for each in self.replay.functions if each.startswith("tool:")}
        names |= {view.name for _, view in self.recording.views(ToolCall)}
        return names | {call.name for call in proposed_calls(self.recording)}

    def unseen(self) -> str:
        for span in self.decisive:
            why = self._unseen(span)
            if why:
                return f"the recording shows it in span {span}, which {why}"
        return ""

    def _unseen(self, decisive: str) -> str:
        """Return why a replay of this version cannot show a span; empty when it can."""
        boundary = boundary_span(self.recording, decisive)
        if not boundary:
            return "no boundary call of a replay makes"
        span, functions = self.recording.span(boundary), self.replay.functions
        kind = kind_of(span)
        if self.replay.replayer == "trajectory" or f"{kind}:*" in functions:
            return ""  # nothing of the app ran, or tools of any name are seen
        if isinstance(span.view, ToolCall) and f"tool:{span.view.name}" not in functions:
            return f"is a call of {span.view.name}: no boundary {self._what()} of this version has that name"
        if not any(each.startswith(f"{kind}:") for each in functions):
            return f"is a {kind} call: this version has no boundary {self._what()} for those"
        return ""

    def done_inside(self) -> str:
        """Return which tool the system may have run by itself, as far as that would break the assertion."""
        matters = name_matcher(getattr(self.scorer.params, "tool", "") or "*")
        own = [each for each in own_answers(self.recording, self.replay) if matters(each.tool)]
        known = next((each.tool for each in own if each.is_recorded), "")
        if known:
            return (
                f"the system told its model what {known} had answered, and did not ask for it: it ran {known} by "
                "itself, where nobody sees it; have it ask the harness"
            )
        seen = {event.name for event in self.replay.events if event.kind == "tool"}.union(self.witnessed)
        unseen = next((each.tool for each in own if each.tool not in seen), "")
        if self.replay.isolation == "external" and unseen:
            return (
                f"nothing shows that the deployment asks for {unseen} where it can be seen; prove it together with the "
                "deployment that failed: --baseline URL"
            )
        return ""

    def _what(self) -> str:
        """Return what a boundary is made of: others than callables name what they ask the harness for."""
        return "function" if self.replay.replayer == "python" else "name"

    def unknown_writes(self) -> str:
        if self.scorer.type != "writes":
            return ""
        for event in self.replay.events:
            if event.kind == "tool" and not _answered_as_recorded(event) and self._may_write(event.name):
                return f"what {event.name} wrote in step {event.seq} is not known; it was not answered as recorded"
        return ""

    def _may_write(self, tool: str) -> bool:
        """Whether a tool may write in a way that only the recording would have shown."""
        owners = {boundary_span(self.recording, span.span_id) for span, _ in self.recording.views(Write)}
        calls = list(self.recording.views(ToolCall))
        writing = {view.name for span, view in calls if span.span_id in owners}
        if not writing:
            return False  # judged by the calls themselves, and those are seen
        return tool in writing or tool not in {view.name for _, view in calls if view.effect == "read"}

    def respelled(self) -> str:
        changed = {event.span_id: event for event in self.replay.events if _asks_a_tool_otherwise(event)}
        if not changed:
            return ""
        for call in self._failing_calls():
            for violation in self.scorer.find(as_recorded(self.replay.trace, call, changed)):
                event = changed.get(decisive_span(violation).split(".")[0])
                if event is not None:
                    return f"step {event.seq} calls {event.name} with the recorded arguments in another spelling"
        return ""

    def _failing_calls(self) -> Iterator[ToolCall]:
        """Yield the recorded tool calls that broke the assertion, those with equal arguments once."""
        seen: list[Any] = []
        for span in self.decisive:
            boundary = boundary_span(self.recording, span)
            view = self.recording.span(boundary).view if boundary else None
            if isinstance(view, ToolCall) and (view.name, view.arguments) not in seen:
                seen.append((view.name, view.arguments))
                yield view

    def never_came_up(self) -> str:
        if self.replay.limit is not None or not self.decisive:
            return ""
        met = {event.recorded_span_id for event in self.replay.events}
        for span in self.decisive:
            boundary = boundary_span(self.recording, span) or span
            trigger = trigger_span(self.recording, boundary)
            if trigger and trigger not in met and boundary not in met:
                return NEVER_CAME_UP
        return ""


def _asks_a_tool_otherwise(event: BoundaryEvent) -> bool:
    return event.kind == "tool" and event.match != "exact"


def _answered_as_recorded(event: BoundaryEvent) -> bool:
    return event.mode == "recorded" and event.match != "none"
