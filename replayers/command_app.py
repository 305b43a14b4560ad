"""Command replay: any program in any language runs confined, and its boundaries are answered over connections."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..cases.trace import Trace
from .calls import Calls
from .clock import clock_environment, going_on, shown_as
from .finish import Ending, Surroundings, environment, finished
from .isolation.cell import Cell, prepared
from .isolation.ladder import level_for
from .live import LiveModel
from .outside import LISTENERS, Outside
from .playback import Modes, Playback
from .program import Limits, Run, read_answer, run_program
from .replay import Replay
from .scrubbed import scrubbed_environment
from .system import Checkout, CommandSystem

_INPUT = "{input}"


def replay_command(
    trace: Trace,
    system: CommandSystem,
    checkout: Checkout,
    *,
    turns: Sequence[Any],
    case_id: str = "",
    modes: Modes | None = None,
    preset: str = "code-change",
    model: LiveModel | None = None,
) -> Replay:
    """Run one version of a program against a recorded trace.

    Args:
        trace: The recording.
        system: The program.
        checkout: The version to run.
        turns: What the program is given: one input, or a line of JSON for each turn of a conversation.
        case_id: Id of the case, for the result.
        modes: How boundaries are answered.
        preset: The preset's name, for the result.
        model: Answers the model boundary where the modes have it live.

    Raises:
        ReplayError: The program could not be started, or not at the isolation asked for: nothing was learned
            about the version. Also what a live model failed with.
    """
    started = time.perf_counter()
    calls = Calls(Playback(trace, modes), model)
    outside = Outside(calls, trace, system.mcp)
    clock = calls.playback.modes.clock
    with _started(system, checkout, outside, turns, clock.start(trace)) as program:
        run = run_program(program.process, _fed(system, turns), program.limits(system, calls))
        attempts = program.cell.attempts()
    if calls.failed is not None:
        raise calls.failed
    return finished(
        calls.playback,
        _ending(run, calls, system),
        case_id=case_id,
        version=checkout.version,
        replayer="command",
        duration_s=time.perf_counter() - started,
        preset=preset,
        around=Surroundings(
            isolation=program.cell.level,
            refused=attempts + outside.refused,
            unfinished=run.left_behind,
            faults=tuple(calls.faults),
            unseen=calls.unseen,
            clock=program.clock,
            clock_doubt=clock.doubt(program.clock),
            functions=outside.functions_with(system.boundaries),
            environment=environment(),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Program:
    """A program at work."""

    process: subprocess.Popen[bytes]
    cell: Cell
    clock: str
    """What time it sees, and how; empty: its own."""

    def limits(self, system: CommandSystem, calls: Calls) -> Limits:
        return Limits(system.timeout_s, calls.stopped.is_set, lambda: calls.waited_s, self.cell.left_behind)


@contextlib.contextmanager
def _started(
    system: CommandSystem, checkout: Checkout, outside: Outside, turns: Sequence[Any], start_ns: int | None
) -> Iterator[_Program]:
    """Start the program in a cell, with all that it may reach; nothing of it is left at the end."""
    level = level_for(system, python=False)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="app-", ignore_cleanup_errors=True)))
        cell = stack.enter_context(
            prepared(level, folder=checkout.folder, scratch=scratch, reads=system.reads, listeners=LISTENERS)
        )
        argv = _arguments(system, turns)
        told, how = clock_environment(start_ns, argv, checkout.folder) if start_ns is not None else ({}, "")
        own = _environment(system, checkout, outside, cell, scratch)
        process = cell.start(
            argv,
            env=_joined(own, told),
            cwd=checkout.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        now = going_on(start_ns if start_ns is not None else time.time_ns())
        stack.enter_context(outside.serving(cell.sockets, now=now))
        yield _Program(process, cell, shown_as(start_ns, how) if start_ns is not None else "")


def _environment(
    system: CommandSystem, checkout: Checkout, outside: Outside, cell: Cell, scratch: Path
) -> dict[str, str]:
    own = {**scrubbed_environment(str(scratch)), **system.env, **checkout.env}
    return {**own, **outside.environment(cell.ports, scratch, own.get("PATH", ""))}


_LISTS = {"NODE_OPTIONS": " ", "LD_PRELOAD": ":"}
"""Variables that name several things, and what is between those."""


def _joined(own: Mapping[str, str], further: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with further variables; a list goes on after the program's own."""
    joined = {
        name: _LISTS[name].join((own[name], value)) if name in _LISTS and own.get(name) else value
        for name, value in further.items()
    }
    return {**own, **joined}


def _arguments(system: CommandSystem, turns: Sequence[Any]) -> list[str]:
    """Return the command with the input in the place that it names."""
    return [each.replace(_INPUT, _text(turns[0])) for each in system.command]


def _fed(system: CommandSystem, turns: Sequence[Any]) -> bytes:
    """Return what the program reads on standard input: nothing where an argument has the input."""
    if len(turns) > 1:
        return b"".join(orjson.dumps(turn) + b"\n" for turn in turns)
    return b"" if any(_INPUT in each for each in system.command) else _text(turns[0]).encode() + b"\n"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _ending(run: Run, calls: Calls, system: CommandSystem) -> Ending:
    """Return how the replay ended; what a program does after its recording had no answer is not its own doing."""
    if calls.playback.stopped:
        return Ending("stopped", error=calls.playback.stopped)
    if calls.endless:
        return Ending("crashed", error=calls.endless)
    if run.timed_out:
        return Ending("timed_out", error=f"the program had not ended within {system.timeout_s:g} s")
    if run.failure:
        return Ending("crashed", error=run.failure)
    return Ending("completed", read_answer(run.output, system.output))
