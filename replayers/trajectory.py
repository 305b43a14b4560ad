"""Trajectory replay: the recorded conversation is driven again, nothing of the app runs.

Each recorded boundary call is made again in order, with what the overrides change: a system prompt, a
model, parameters, a tool's result. Messages that a model call receives are rebuilt from the answers served
before, so a changed tool result reaches the next model request as it would in the app.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..cases.trace import Message, ModelCall, Trace
from .boundary import RecordedCall
from .carried_answers import CarriedAnswers
from .finish import Ending, finished
from .playback import ALL_RECORDED, Modes, Playback
from .replay import BoundaryKind, Replay, Version
from .request import PreparedRequest, Request

Tool = Callable[[str, Any], Any]
"""A live tool: gets name and arguments, returns the result; a raised error is the tool's error."""


class ToolFailure(Exception):
    """A live tool's failure in its own words; of any other exception the type is named too."""


Guard = Callable[[str, Any], str | None]
"""A control in front of the tools: gets name and arguments, returns why the call is refused or None."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a trajectory replay changes against the recording."""

    prompt: str | None = None
    """Text of the system prompt."""
    model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    live_tool: Tool | None = None
    """Runs the tools that the modes name as live."""
    guard: Guard | None = None
    """Refuses calls before they reach their tool; the model reads the refusal as the tool's result."""

    @property
    def changes_model_request(self) -> bool:
        """Whether any model request will differ from the recorded one."""
        return self.prompt is not None or self.model is not None or bool(self.params)


RECORDING = Version(label="recording")
_NOTHING_CHANGED = Overrides()


def replay_trajectory(
    trace: Trace,
    *,
    case_id: str = "",
    overrides: Overrides | None = None,
    modes: Modes | None = None,
    version: Version = RECORDING,
) -> Replay:
    """Drive a recorded conversation again.

    Args:
        trace: The recording.
        case_id: Id of the case, for the result.
        overrides: What differs; nothing by default, which reproduces the recording.
        modes: How boundaries are answered.
        version: How people call this variant.

    Returns:
        The replay. Its output is the recorded one; it is judged only when every answer was valid to the end.
    """
    started = time.perf_counter()
    driver = _Driver(trace, overrides or _NOTHING_CHANGED, modes or ALL_RECORDED)
    driver.run()
    return finished(
        driver.playback,
        Ending("stopped" if driver.playback.stopped else "completed", driver.output()),
        case_id=case_id,
        version=version,
        replayer="trajectory",
        duration_s=time.perf_counter() - started,
    )


class _Driver:
    def __init__(self, trace: Trace, overrides: Overrides, modes: Modes) -> None:
        self.trace = trace
        self.overrides = overrides
        self.playback = Playback(trace, modes)
        self._carried = CarriedAnswers(self.playback.index.calls)

    def run(self) -> None:
        refused: set[int] = set()
        for call in self.playback.index.calls:
            if self._is_within(call, refused) or self._refused(call):
                refused.add(call.index)
                continue
            seq, reply = self.playback.ask(call.kind, _name(call), self._request(call), call.call_path)
            if reply.action == "stop":
                return
            answer: Any = reply.value
            if reply.action == "call":
                answer = self._run_live(seq, call.kind, call)
            if call.kind != "model" and self.playback.events[-1].outcome == "changed":
                self._carried.change(call, answer)

    def _is_within(self, call: RecordedCall, refused: set[int]) -> bool:
        """Whether a call was made inside of one that never reached its tool."""
        return call.parent is not None and call.parent.index in refused

    def _refused(self, call: RecordedCall) -> bool:
        """Let the guard see a proposed tool call; a refused one never reaches its tool."""
        guard = self.overrides.guard
        if guard is None or call.kind != "tool":
            return False
        refusal = guard(call.name, call.prepared.request.value)
        if refusal is not None:
            self._carried.change(call, refusal)
        return refusal is not None

    def _run_live(self, seq: int, kind: BoundaryKind, call: RecordedCall) -> Any:
        tool = self.overrides.live_tool
        if kind != "tool" or tool is None:
            self.playback.answered(seq, None, f"no live {kind} is at hand in a trajectory replay")
            return None
        try:
            # A copy: a tool that changes what it was given must not change what was asked.
            answer = tool(call.name, copy.deepcopy(call.prepared.request.value))
        except Exception as error:  # the tool's own failure is its answer
            message = str(error) if isinstance(error, ToolFailure) else f"{type(error).__name__}: {error}"
            self.playback.answered(seq, None, message)
            return message
        reply = self.playback.answered(seq, answer)
        return answer if reply.action == "keep" else reply.value

    def _request(self, call: RecordedCall) -> PreparedRequest:
        if call.kind != "model" or not isinstance(call.span.view, ModelCall):
            return call.prepared
        if not self._carried and not self.overrides.changes_model_request:
            return call.prepared
        value = dict(call.prepared.request.value)
        if self.overrides.model is not None:
            value["model"] = self.overrides.model
        value["params"] = {**(value.get("params") or {}), **self.overrides.params}
        messages = self._carried.into(call)
        if self.overrides.prompt is not None:
            messages, value = _with_prompt(messages, value, self.overrides.prompt)
        # Partial like the recording it was made from: what an override adds is a difference, not an unknown field.
        return PreparedRequest(Request(kind="model", value=value, messages=tuple(messages), partial=True))

    def output(self) -> Any:
        """Return the recorded output; it is judged only when every answer was valid to the end."""
        return self.trace.output


def _name(call: RecordedCall) -> str:
    return call.name if call.kind == "tool" else (call.span.name or call.name)


def _with_prompt(messages: list[Message], value: dict[str, Any], prompt: str) -> tuple[list[Message], dict[str, Any]]:
    text = {"type": "text", "content": prompt}
    system = [index for index, message in enumerate(messages) if message.role in ("system", "developer")]
    if system:
        replaced = list(messages)
        replaced[system[0]] = msgspec.structs.replace(messages[system[0]], parts=(text,))
        return replaced, value
    return messages, {**value, "system": [text]}
