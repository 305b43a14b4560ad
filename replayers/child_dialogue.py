"""The dialogue with the child process of a Python replay: what it asks is answered, what it tells is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cases.errors import ReplayError
from .boundary import RecordedCall
from .calls import Answered, Calls
from .child_messages import NO_MESSAGE
from .child_process import ChildProcess
from .finish import Ending
from .playback import Playback
from .system import PythonSystem

_MAX_REFUSED = 100
_GRACE_S = 5.0
"""How long threads and handlers of the end may go on after the entry has returned."""


@dataclass(slots=True)
class Seen:
    """What the child told besides its calls."""

    refused: list[str] = field(default_factory=list)
    refused_at_start: int = 0
    functions: tuple[str, ...] = ()
    clock: str = ""
    """How the app is shown the time, in words; empty: it sees its own."""
    unfinished: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    is_ready: bool = False
    """Whether the app is imported and its boundaries are replaced."""
    is_ending: bool = False
    """Whether its threads have ended, and the process has come to what it has left for its end."""
    returned: Ending | None = None
    """What the entry returned; the app may still be at work in threads."""


def serve(child: ChildProcess, calls: Calls, seen: Seen, system: PythonSystem) -> Ending:
    """Answer the child until it ends, one way or another.

    Args:
        child: The process.
        calls: Answers the boundary calls.
        seen: Takes in what the child tells besides.
        system: What it runs.

    Returns:
        How the app ended.

    Raises:
        ReplayError: It did not even start.
    """
    playback = calls.playback
    while True:
        message = child.receive()
        if isinstance(message, Ending):
            endless = calls.endless  # asked over connections, of which no message tells
            ended = Ending("crashed", error=endless) if endless else _after_return(message, seen)
            return _stopped_or(playback, ended)
        if calls.endless:
            return _stopped_or(playback, Ending("crashed", error=calls.endless))
        ending = _handle(message, child, calls, seen, system)
        if ending is not None:
            return ending


def _handle(
    message: Mapping[str, Any],
    child: ChildProcess,
    calls: Calls,
    seen: Seen,
    system: PythonSystem,
) -> Ending | None:
    """Do what one message asks for; return the ending if it is the last one."""
    playback = calls.playback
    match message["op"]:
        case "failed" | "unusable" if not seen.is_ready:
            raise not_started(system, message)
        case "ready" if not seen.is_ready:
            seen.is_ready = True
            # Asked before the app goes on: what comes later is its own work.
            seen.refused += child.cell.take_attempts()
            seen.refused_at_start = len(seen.refused)
            seen.functions = _functions(system, message["boundaries"])
            seen.clock = message["clock"]
            child.send({"action": "begin"})
        case "call":
            child.send(_answer(calls, message))
        case "answered" if reply := calls.answered(message["seq"], message["answer"], message["error"]):
            child.send({"action": reply.action, "value": reply.value})
        case "refused":
            if len(seen.refused) - seen.refused_at_start < _MAX_REFUSED:  # early ones are not to hide later ones
                seen.refused.append(f"{message['what']} at {message['place']}")
        case "returned" if seen.is_ready and seen.returned is None:
            seen.returned = Ending("completed", message["output"])
            seen.unfinished, seen.unseen = tuple(message["unfinished"]), tuple(message["unseen"])
            child.hurry(_GRACE_S)
        case "ending" if seen.returned is not None and not seen.is_ending:
            seen.is_ending = True
        case "ended" if seen.returned is not None and seen.is_ending:
            return _stopped_or(playback, seen.returned)
        case "stopped" if playback.stopped:
            return Ending("stopped", error=playback.stopped)
        case "crashed":
            return _stopped_or(playback, Ending("crashed", error=message["error"] + "\n" + message["traceback"]))
        case _:
            return Ending("crashed", error=NO_MESSAGE)
    return None


def _after_return(ending: Ending, seen: Seen) -> Ending:
    """Return the ending of a system whose entry had returned before: what it did then is its own doing too."""
    if seen.returned is None:
        return ending
    if ending.outcome != "timed_out":
        return Ending(ending.outcome, error=f"the system returned, but then {ending.error}")
    if seen.is_ending:
        seen.unseen += (
            f"what the system does at the end of its process had not ended {_GRACE_S:g} s after it returned",
        )
        return seen.returned
    return Ending("timed_out", error=f"the system returned, but a thread was still running {_GRACE_S:g} s later")


def _functions(system: PythonSystem, found: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the boundary functions a version has; a dispatcher stands for tools of any name."""
    names = {f"{kind}:{name}" for kind, each in found.items() for name in each}
    names |= {f"{kind}:*" for kind, each in system.boundaries.items() if any("(" in pattern for pattern in each)}
    return tuple(sorted(names))


def _stopped_or(playback: Playback, ending: Ending) -> Ending:
    """What an app does after the recording had no more answers (returns, crashes) is not its own doing."""
    return Ending("stopped", error=playback.stopped) if playback.stopped else ending


def _answer(calls: Calls, message: Mapping[str, Any]) -> dict[str, Any]:
    takes = message["takes"]
    answered = calls.ask(
        message["kind"],
        message["name"],
        message["arguments"],
        message["path"],
        takes=None if takes is None else frozenset(map(str, takes)),
        defaults=message["defaults"],
    )
    reply = answered.reply
    answer = {"action": reply.action, "seq": answered.seq, "name": message["name"], "value": reply.value}
    served = _served(calls, answered)
    late = served.stated_error() if served is not None and reply.action == "answer" else ""
    ended_ns = served.span.end_ns if served is not None and calls.playback.modes.clock.mode == "recorded" else None
    return {**answer, "error": reply.error, "text": answered.text, "late_error": late, "ended_ns": ended_ns}


def _served(calls: Calls, answered: Answered) -> RecordedCall | None:
    """Return the recorded call whose answer is served: its stream may end with an error, and so late it is then."""
    return answered.recorded if calls.playback.events[answered.seq - 1].mode == "recorded" else None


def not_started(system: PythonSystem, message: Mapping[str, Any]) -> ReplayError:
    """Return the error that the child's message of a failed start amounts to."""
    where = f"system {system.name} ({system.entry})"
    if message["op"] == "unusable":
        return ReplayError(message["error"], where=where, hint=message["hint"])
    keys = "python, paths and boundaries"
    if message["error"].startswith("ModuleNotFoundError"):
        keys = "python, paths and interpreter (the Python that has the system's packages)"
    return ReplayError(
        f"expected an app that starts, got {message['error']}",
        where=where,
        hint=f"check {keys} in unrepeat.toml, then run `unrepeat doctor`\n{message['traceback']}",
    )
