"""Conversations side by side, in an order that is never the same: each gets its own answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from socket import create_server

import pytest
from tests.clients.conversations import AT_ONCE
from tests.clients.replaying import recorded_trace, recording, replay
from tests.clients.running import program_file, run
from tests.clients.traces import trace_of

from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Playback
from unrepeat.replayers.wire.server import environment, serving


@pytest.mark.slow
@pytest.mark.parametrize("program", AT_ONCE)
def test_each_conversation_gets_its_own_answers(program):
    replayed = replay(recorded_trace(program), program)
    assert replayed.done.stdout == recording(program)["printed"]
    assert {match for match, _ in replayed.matches} == {"exact"}
    assert {grade for _, grade in replayed.matches} <= {None, "order"}
    assert replayed.playback.limit is None


@pytest.mark.slow
@pytest.mark.parametrize("program", ["node/anthropic_messages"])
def test_programs_of_two_languages_share_one_recording(program):
    both = ["python/openai_chat", program]
    exchanges = [recording(each)["exchanges"] for each in both]
    mixed = [each for pair in zip(*exchanges, strict=False) for each in pair] + exchanges[1][len(exchanges[0]) :]
    calls = Calls(Playback(trace_of(mixed)))
    with create_server(("127.0.0.1", 0)) as listening, serving(calls, [listening]), ThreadPoolExecutor() as running:
        variables = environment(listening.getsockname()[1])
        done = list(running.map(lambda each: run(program_file(each), variables), both))
    assert [each.stdout for each in done] == [recording(each)["printed"] for each in both]
    assert {event.match for event in calls.playback.events} == {"exact"}
    assert calls.playback.limit is None
