"""Python replay: a callable of the app runs in a child process, its boundary functions answered from here."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..cases.errors import ReplayError
from ..cases.trace import ToolCall, Trace
from .boundary import RecordedCall, kind_of
from .calls import Answered, Calls
from .child_messages import NO_MESSAGE
from .child_process import ChildProcess, running
from .clock import shown_as
from .finish import Ending, Surroundings, environment, finished
from .live import LiveModel
from .playback import Modes, Playback
from .replay import Replay
from .system import Checkout, PythonSystem

if TYPE_CHECKING:
    from .outside import Outside

_MAX_REFUSED = 100
_GRACE_S = 5.0
"""How long threads and handlers of the end may go on after the entry has returned."""


@dataclass(slots=True)
class _Seen:
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


def replay_python(  # noqa: PLR0913 - what one replay consists of
    trace: Trace,
    system: PythonSystem,
    checkout: Checkout,
    *,
    arguments: Any,
    case_id: str = "",
    modes: Modes | None = None,
    preset: str = "code-change",
    model: LiveModel | None = None,
    reachable: Sequence[tuple[str, int]] = (),
    then: Sequence[Any] = (),
) -> Replay:
    """Run one version of a Python system against a recorded trace.

    Args:
        trace: The recording.
        system: What to run and which functions are boundaries.
        checkout: The version to run.
        arguments: What the entry is called with; see ``child.entry.call_entry``.
        case_id: Id of the case, for the result.
        modes: How boundaries are answered.
        preset: The preset's name, for the result.
        model: Answers the model boundary where the modes have it live; else the app's own function runs.
        reachable: Hosts and ports of this machine that the guard lets the app connect to.
        then: What the entry is called with after that, one turn of the conversation after the other. The output is
            the list of what it answered then.

    Raises:
        ReplayError: The system could not be started at all (its module does not import, a boundary names
            no function): nothing was learned about the version.
    """
    started = time.perf_counter()
    playback = Playback(trace, modes)
    clock = playback.modes.clock
    start_ns = clock.start(trace)
    calls, seen = Calls(playback, model), _Seen()
    outside = _outside(system, trace, calls)
    with running(system, checkout, calls, outside) as child:
        served = [("127.0.0.1", port) for port in child.ports]
        setup = _setup(system, checkout, arguments, recorded_tools(trace), (*reachable, *served))
        child.send({**setup, "clock_ns": start_ns, "turns": [arguments, *then]})
        ending = _serve(child, calls, seen, system)
        if ending.outcome == "completed" and system.allow_subprocess:
            seen.unfinished += tuple(f"the process {name}" for name in child.cell.left_behind())
        seen.refused += child.cell.attempts()
    if calls.failed is not None:
        raise calls.failed
    functions, refused = set(seen.functions), tuple(seen.refused)
    if outside is not None:
        functions |= set(outside.functions_with({}))
        refused += outside.refused
    shown = shown_as(start_ns, seen.clock) if start_ns is not None and seen.clock else ""
    return finished(
        playback,
        ending,
        case_id=case_id,
        version=checkout.version,
        replayer="python",
        duration_s=time.perf_counter() - started,
        preset=preset,
        around=Surroundings(
            isolation=child.cell.level,
            refused=refused,
            refused_at_start=seen.refused_at_start,
            unfinished=seen.unfinished,
            unseen=seen.unseen,
            functions=tuple(sorted(functions)),
            clock=shown,
            clock_doubt=clock.doubt(shown),
            environment=environment(),
        ),
    )


def _outside(system: PythonSystem, trace: Trace, calls: Calls) -> Outside | None:
    """Return what the app reaches over connections; None where its boundaries are functions, and it reaches nothing."""
    asks = any(kind_of(span) == "model" for span in trace.spans)
    if not system.mcp and (system.boundaries.get("model") or not asks):
        return None
    from .outside import Outside  # a web server, slow to import

    return Outside(calls, trace, system.mcp)


def check_app(
    system: PythonSystem, checkout: Checkout, tools: Collection[str] = ()
) -> dict[str, dict[str, list[str] | None]]:
    """Start a version without calling its entry, and look up its boundary functions.

    Args:
        system: What to start and which functions are boundaries.
        checkout: The version.
        tools: Names of recorded tools, none of which may be a function of the version and no boundary.

    Returns:
        The parameters of each function found, by boundary and name; None for a function that takes any.

    Raises:
        ReplayError: It does not start, or a boundary names no function.
    """
    with running(system, checkout) as child:
        child.send({**_setup(system, checkout, None, tools), "check": True})
        while isinstance(message := child.receive(), dict):
            if message["op"] in ("unusable", "failed"):
                raise _not_started(system, message)
            if message["op"] == "ready":
                found: dict[str, dict[str, list[str] | None]] = message["boundaries"]
                return found
        raise ReplayError(f"expected an app that starts, got: {message.error}", where=f"system {system.name}")


def recorded_tools(trace: Trace) -> set[str]:
    """Return the names of the tools that a recording shows at work."""
    return {view.name for span, view in trace.views(ToolCall) if kind_of(span) == "tool"}


def _not_started(system: PythonSystem, message: Mapping[str, Any]) -> ReplayError:
    where = f"system {system.name} ({system.entry})"
    if message["op"] == "unusable":
        return ReplayError(message["error"], where=where, hint=message["hint"])
    return ReplayError(
        f"expected an app that starts, got {message['error']}",
        where=where,
        hint=f"check python, paths and boundaries in unrepeat.toml, then run `unrepeat doctor`\n{message['traceback']}",
    )


def _setup(
    system: PythonSystem,
    checkout: Checkout,
    arguments: Any,
    tools: Collection[str],
    reachable: Sequence[tuple[str, int]] = (),
) -> dict[str, Any]:
    """Return the first message to the child.

    Args:
        system: What to run.
        checkout: The version of it.
        arguments: What the entry is called with.
        tools: Names of the recorded tools.
        reachable: Hosts and ports where the harness listens for the app's clients.
    """
    return {
        "entry": system.entry,
        "boundaries": {kind: list(patterns) for kind, patterns in system.boundaries.items()},
        "paths": [str((checkout.folder / path).resolve()) for path in system.paths],
        "turns": [arguments],
        "allow_subprocess": system.allow_subprocess,
        "tools": sorted(name for name in tools if not may_run_for_real(system.allow_live, name)),
        "reachable": [list(each) for each in reachable],
        "clock_ns": None,
        "check": False,
    }


def may_run_for_real(allow_live: Collection[str], tool: str) -> bool:
    """Whether a system allows a tool to run for real in a replay."""
    return any(each == "tool" or fnmatchcase(f"tool:{tool}", each) for each in allow_live)


def _serve(child: ChildProcess, calls: Calls, seen: _Seen, system: PythonSystem) -> Ending:
    """Answer the child until it ends, one way or another."""
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
    seen: _Seen,
    system: PythonSystem,
) -> Ending | None:
    """Do what one message asks for; return the ending if it is the last one."""
    playback = calls.playback
    match message["op"]:
        case "failed" | "unusable" if not seen.is_ready:
            raise _not_started(system, message)
        case "ready" if not seen.is_ready:
            seen.is_ready = True
            seen.refused_at_start = len(seen.refused)
            seen.functions = _functions(system, message["boundaries"])
            seen.clock = message["clock"]
        case "call":
            child.send(_answer(calls, message))
        case "answered" if reply := calls.answered(message["seq"], message["answer"], message["error"]):
            child.send({"action": reply.action, "value": reply.value})
        case "refused":
            if len(seen.refused) < _MAX_REFUSED:
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


def _after_return(ending: Ending, seen: _Seen) -> Ending:
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
