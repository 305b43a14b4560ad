"""Runs small apps against the recorded refund conversation, in real child processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.replayers.recordings import APP, MODEL, TOOLS, refund_trace, write_app

from unrepeat.cases.trace import Trace
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import BoundaryKind, Divergence, Replay, Version
from unrepeat.replayers.system import Checkout, PythonSystem

CALL = "result = run(name, args)"
"""The line of the app that runs a tool."""
GUARDED = APP.replace(CALL, 'result = "refused" if name == "refund" else run(name, args)')
"""The app with a guard that refuses refunds."""
BOUNDARIES: dict[BoundaryKind, tuple[str, ...]] = {"model": ("model:complete",), "tool": ("tools:*",)}


def beginning_with(statements: str) -> str:
    """Return the app with statements at the start of its entry."""
    lines = "".join(f"    {line}\n" for line in statements.strip().splitlines())
    return APP.replace("def handle(text):\n", f"def handle(text):\n{lines}")


def instead_of_call(statements: str) -> str:
    """Return the app with other statements in the place of the line that runs a tool."""
    lines = "".join(f"            {line}\n" for line in statements.strip().splitlines())
    return APP.replace(f"            {CALL}\n", lines)


def replayed(
    folder: Path,
    *,
    app: str = APP,
    model: str = MODEL,
    tools: str = TOOLS,
    trace: Trace | None = None,
    modes: Modes | None = None,
    boundaries: Any = BOUNDARIES,
    reachable: Sequence[tuple[str, int]] = (),
    **system: Any,
) -> Replay:
    """Replay one version of the app against the recording."""
    recording = trace if trace is not None else refund_trace()
    checkout = Checkout(version=Version(label="v"), folder=write_app(folder, app=app, model=model, tools=tools))
    described = PythonSystem(name="desk", entry="app:handle", boundaries=boundaries, **system)
    return replay_python(recording, described, checkout, arguments=recording.input, modes=modes, reachable=reachable)


def calls(replay: Replay) -> list[tuple[str, str]]:
    """Return name and match of each tool call."""
    return [(event.name, event.match) for event in replay.events if event.kind == "tool"]


def headline(replay: Replay) -> Divergence:
    """Return the divergence that people are shown first; there must be one."""
    found = replay.headline()
    assert found is not None
    return found
