"""Command replay: any program in any language runs confined, and its boundaries are answered over connections."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases.errors import UnableToReplayError
from ..cases.trace import Trace
from .calls import Calls
from .clock import clock_environment, going_on, proven_way, shown_as
from .finish import Ending, Surroundings, environment, finished
from .given_input import argument_of, json_of, plain_of
from .isolation.cell import Cell, prepared
from .isolation.ladder import level_for
from .leftovers import told_of_leftovers
from .live import LiveModel
from .outside import Outside
from .playback import Modes, Playback
from .preloading import located
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
        ReplayError: The program could not be started. Also what a live model failed with.
        UnableToReplayError: Not at the isolation asked for, or the input cannot be handed over.
    """
    started = time.perf_counter()
    calls = Calls(Playback(trace, modes), model)
    outside = Outside(calls, trace, system.mcp)
    clock = calls.playback.modes.clock
    argv, fed = _handed(system, turns, case_id)
    with _started(system, checkout, outside, argv, clock.start(trace)) as program:
        run = run_program(program.process, fed, program.limits(system, calls))
        attempts, shown = program.cell.take_attempts(), program.clock.shown()
    if calls.failed is not None:
        raise calls.failed
    unfinished, unseen = told_of_leftovers(run.left_behind)
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
            unfinished=unfinished,
            faults=tuple(calls.faults),
            unseen=unseen + calls.unseen,
            clock=shown,
            clock_doubt=clock.doubt(shown),
            functions=outside.functions_with(system.boundaries),
            environment=environment(),
        ),
    )


@dataclass(slots=True)
class _Clock:
    """The time that a program is shown."""

    start_ns: int | None
    """None: it sees the real one."""
    report: Path
    """Where what shows the time in the program says that it does."""
    way: str = ""

    def showing(self, argv: Sequence[str], folder: Path, path: str) -> dict[str, str]:
        """Return what shows it to a program."""
        if self.start_ns is None:
            return {}
        told, self.way = clock_environment(self.start_ns, argv, folder, path=path, report=self.report)
        return told

    def shown(self) -> str:
        """Return what time a program that has run has seen, and how; empty: its own."""
        return shown_as(self.start_ns, proven_way(self.way, self.report)) if self.start_ns is not None else ""


@dataclass(frozen=True, slots=True)
class _Program:
    """A program at work."""

    process: subprocess.Popen[bytes]
    cell: Cell
    clock: _Clock

    def limits(self, system: CommandSystem, calls: Calls) -> Limits:
        return Limits(system.timeout_s, calls.stopped.is_set, lambda: calls.waited_s, self.cell.left_behind)


@contextlib.contextmanager
def _started(
    system: CommandSystem, checkout: Checkout, outside: Outside, argv: Sequence[str], start_ns: int | None
) -> Iterator[_Program]:
    """Start the program in a cell, with all that it may reach; nothing of it is left at the end."""
    level = level_for(system, python=False)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="app-", ignore_cleanup_errors=True)))
        cell = stack.enter_context(
            prepared(level, folder=checkout.folder, scratch=scratch, reads=system.reads, listeners=outside.listeners)
        )
        own = {**scrubbed_environment(str(scratch)), **system.env, **checkout.env}
        path = own.get("PATH", "")
        # Looked up once, and without the programs that stand for MCP servers: the command itself is never one of them.
        argv = [located(argv[0], checkout.folder, path), *argv[1:]]
        clock = _Clock(start_ns, scratch / "clock")
        env = _joined({**own, **outside.prepare(cell.ports, scratch, path)}, clock.showing(argv, checkout.folder, path))
        process = cell.start(
            argv,
            env=env,
            cwd=checkout.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        now = going_on(start_ns if start_ns is not None else time.time_ns())
        stack.enter_context(outside.serving(cell.sockets, now=now))
        yield _Program(process, cell, clock)


_LISTS = {"NODE_OPTIONS": " ", "PYTHONPATH": os.pathsep, "LD_PRELOAD": ":"}
"""Variables that name several things, and what is between those."""


def _joined(own: Mapping[str, str], further: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with further variables; of a list these come first."""
    joined = {
        name: _LISTS[name].join((value, own[name])) if name in _LISTS and own.get(name) else value
        for name, value in further.items()
    }
    return {**own, **joined}


def _handed(system: CommandSystem, turns: Sequence[Any], case_id: str) -> tuple[list[str], bytes]:
    """Return the command with the input in the place that it names, and what it reads on standard input.

    Raises:
        UnableToReplayError: The input cannot be handed over so.
    """
    if not any(_INPUT in each for each in system.command):
        if len(turns) > 1:
            return [*system.command], b"".join(json_of(turn, case_id) + b"\n" for turn in turns)
        return [*system.command], plain_of(turns[0], case_id) + b"\n"
    if len(turns) > 1:
        raise UnableToReplayError(
            f"expected one input for {_INPUT} in the command, got a conversation of {len(turns)} turns",
            where=f"system {system.name}: command",
            hint=f"Leave {_INPUT} out: each turn comes as a line of JSON on standard input then",
        )
    said = argument_of(turns[0], case_id)
    return [each.replace(_INPUT, said) for each in system.command], b""


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
