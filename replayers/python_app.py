"""Python replay: a callable of the app runs in a child process, its boundary functions answered from here."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..cases.errors import ReplayError
from ..cases.trace import ToolCall, Trace
from .boundary import kind_of
from .calls import Calls
from .child_dialogue import Seen, not_started, serve
from .child_process import running
from .clock import shown_as
from .finish import Surroundings, environment, finished
from .leftovers import told_of_leftovers
from .live import LiveModel
from .playback import Modes, Playback
from .replay import Replay
from .system import Checkout, PythonSystem

if TYPE_CHECKING:
    from .outside import Outside


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
    calls, seen = Calls(playback, model), Seen()
    outside = _outside(system, trace, calls)
    with running(system, checkout, calls, outside) as child:
        served = [("127.0.0.1", port) for port in child.ports]
        setup = _setup(system, checkout, arguments, recorded_tools(trace), (*reachable, *served))
        child.send({**setup, "clock_ns": start_ns, "turns": [arguments, *then]})
        ending = serve(child, calls, seen, system)
        if ending.outcome == "completed" and system.allow_subprocess:
            left, doubt = told_of_leftovers(child.cell.left_behind())
            seen.unfinished += left
            seen.unseen += doubt
        seen.refused += child.cell.take_attempts()
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
            faults=tuple(calls.faults),
            unfinished=seen.unfinished,
            unseen=seen.unseen + calls.unseen,
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
                raise not_started(system, message)
            if message["op"] == "ready":
                found: dict[str, dict[str, list[str] | None]] = message["boundaries"]
                return found
        raise ReplayError(f"expected an app that starts, got: {message.error}", where=f"system {system.name}")


def recorded_tools(trace: Trace) -> set[str]:
    """Return the names of the tools that a recording shows at work."""
    return {view.name for span, view in trace.views(ToolCall) if kind_of(span) == "tool"}


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
