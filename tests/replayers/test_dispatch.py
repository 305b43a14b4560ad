"""Functions that run tools by name, as boundaries."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.replayers.recordings import APP, refund_trace, write_app

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.python_app import check_app, replay_python
from unrepeat.replayers.replay import Version
from unrepeat.replayers.system import Checkout, PythonSystem

RUNNER = "def execute(name, arguments, trace_id=None):\n    raise RuntimeError('the real tool was called')\n"


def system(pattern: str) -> PythonSystem:
    return PythonSystem(name="desk", entry="app:handle", boundaries={"model": ("model:complete",), "tool": (pattern,)})


def checkout(folder: Path) -> Checkout:
    app = APP.replace("getattr(tools, name)(**args)", "tools.execute(name, args, trace_id='x')")
    return Checkout(version=Version(label="v1"), folder=write_app(folder, app=app, tools=RUNNER))


def test_call_of_a_dispatcher_is_matched_by_the_tool_it_runs(tmp_path: Path) -> None:
    trace = refund_trace()
    replay = replay_python(trace, system("tools:execute(name, arguments)"), checkout(tmp_path), arguments=trace.input)
    tools = [(event.name, event.match) for event in replay.events if event.kind == "tool"]
    assert tools == [("get_order", "exact"), ("refund", "exact")]


def test_dispatcher_without_the_named_parameters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="execute has the parameters name, arguments, trace_id, not tool, args"):
        check_app(system("tools:execute(tool, args)"), checkout(tmp_path))
