"""Replays a client program against the wire server with a recorded trace."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.clients.running import HERE, program_file, run
from tests.clients.traces import trace_of

from unrepeat.cases.trace import Trace
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Playback
from unrepeat.replayers.wire.server import environment, serving


@dataclass(frozen=True)
class Replayed:
    """A program that ran against a recorded world."""

    done: CompletedProcess[str]
    calls: Calls

    @property
    def playback(self) -> Playback:
        return self.calls.playback

    @property
    def matches(self) -> list[tuple[str, str | None]]:
        """How each call was matched, with the grade of its divergence where there is one."""
        grades = {divergence.seq: divergence.grade for divergence in self.playback.divergences}
        return [(event.match, grades.get(event.seq)) for event in self.playback.events]

    @property
    def fields(self) -> list[str]:
        """The fields in which requests differ from the recorded ones, in order."""
        return [field.path for divergence in self.playback.divergences for field in divergence.differences]


def recording(name: str) -> dict[str, Any]:
    """Return what was recorded of a program."""
    file = HERE / "recordings" / f"{name.replace('/', '-')}.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def recorded_trace(name: str, *, frames: bool = False) -> Trace:
    """Return the trace of a program, with the events of its streams or without."""
    return trace_of(recording(name)["exchanges"], frames=frames)


def model_calls(name: str) -> int:
    """Return how many steps a program's recording has: vectors and counts of tokens are facts, and no steps."""
    return sum(each["path"] in ("chat/completions", "responses", "messages") for each in recording(name)["exchanges"])


def replay(trace: Trace, program: str | Path, variables: Mapping[str, str] | None = None) -> Replayed:
    """Run a program against a recorded trace.

    Args:
        trace: What the world answers.
        program: The name of a program, or the file of a changed one.
        variables: Further environment variables.
    """
    calls = Calls(Playback(trace))
    with socket.create_server(("127.0.0.1", 0)) as listening, serving(calls, [listening]):
        known = environment(listening.getsockname()[1])
        file = program if isinstance(program, Path) else program_file(program)
        done = run(file, {**known, **(variables or {})})
    return Replayed(done, calls)
