"""The same programs as commands of a system: confined, with all that a replay puts around them."""

from __future__ import annotations

import shutil
import sys

import pytest
from tests.clients.conversations import SCRIPTS
from tests.clients.replaying import model_calls, recorded_trace, recording
from tests.clients.running import HERE, program_file

from unrepeat.replayers.command_app import replay_command
from unrepeat.replayers.replay import Version
from unrepeat.replayers.system import Checkout, CommandSystem


@pytest.mark.slow
@pytest.mark.parametrize("program", SCRIPTS)
def test_program_is_replayed_as_a_command(program):
    file = program_file(program)
    runtime = (sys.executable, "-P") if file.suffix == ".py" else (shutil.which("node") or "node",)
    system = CommandSystem(
        name="client", command=(*runtime, str(file.relative_to(HERE))), env={"PYTHONUTF8": "1"}, timeout_s=120
    )
    checkout = Checkout(version=Version(label="v"), folder=HERE)
    replay = replay_command(recorded_trace(program), system, checkout, turns=[""])
    assert replay.outcome == "completed", replay.error
    assert str(replay.trace.output) == recording(program)["printed"].strip()
    assert [event.match for event in replay.events] == ["exact"] * model_calls(program)
    assert not replay.divergences
    assert (replay.refused, replay.faults) == ((), ())
    assert replay.unfinished == ()
