"""Programs of official clients and frameworks, replayed unchanged: nothing of ours but environment variables."""

from __future__ import annotations

import pytest
from tests.clients.conversations import SCRIPTS
from tests.clients.replaying import model_calls, recorded_trace, recording, replay

STREAMED = [name for name in SCRIPTS if any("frames" in each for each in recording(name)["exchanges"])]


@pytest.mark.slow
@pytest.mark.parametrize("program", SCRIPTS)
def test_program_is_answered_as_recorded(program):
    replayed = replay(recorded_trace(program), program)
    assert replayed.done.returncode == 0, replayed.done.stderr
    assert replayed.done.stdout == recording(program)["printed"]
    assert replayed.matches == [("exact", None)] * model_calls(program)
    assert not any(event.not_compared for event in replayed.playback.events)
    assert not replayed.calls.faults
    assert not replayed.playback.index.missing()


@pytest.mark.slow
@pytest.mark.parametrize("program", STREAMED)
def test_program_is_served_the_recorded_events_of_a_stream(program):
    replayed = replay(recorded_trace(program, frames=True), program)
    assert replayed.done.returncode == 0, replayed.done.stderr
    assert replayed.done.stdout == recording(program)["printed"]
    assert replayed.matches == [("exact", None)] * model_calls(program)
