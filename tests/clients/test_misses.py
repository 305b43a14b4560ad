"""What the recording has no answer to ends a program with its client's own error, at once and asked only once."""

from __future__ import annotations

import pytest
from tests.clients.replaying import model_calls, recording, replay
from tests.clients.traces import trace_of

AGENTS = [
    "python/openai_chat",
    "python/openai_chat_async_stream",
    "python/anthropic_messages",
    "python/langchain_openai_agent",
    "python/langgraph_react",
    "python/pydantic_ai_chat_stream",
    "python/openai_agents_stream",
    "node/openai_chat",
    "node/openai_responses",
    "node/anthropic_stream",
    "node/ai_generate_text",
    "node/ai_stream_text",
]
ERRORS = ["python/openai_error", "python/anthropic_error", "node/openai_error", "node/anthropic_error"]


@pytest.mark.slow
@pytest.mark.parametrize("program", AGENTS)
def test_call_beyond_the_recording_ends_the_program(program):
    kept = recording(program)["exchanges"][:-1]
    replayed = replay(trace_of(kept), program)
    assert replayed.done.returncode == 1
    assert replayed.matches == [*[("exact", None)] * (model_calls(program) - 1), ("none", "unrecorded_call")]
    assert "the recording has no answer to this request" in replayed.done.stderr
    assert replayed.calls.stopped.is_set()


@pytest.mark.slow
@pytest.mark.parametrize("program", ERRORS)
@pytest.mark.parametrize("status", [429, 500, 529])
def test_recorded_outage_is_told_once(program, status):
    (exchange,) = recording(program)["exchanges"]
    replayed = replay(trace_of([exchange | {"status": status}]), program)
    assert replayed.done.stdout == recording(program)["printed"].replace("400", str(status))
    assert replayed.matches == [("exact", None)]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["node/ai_generate_text"])
def test_recorded_attempts_of_a_client_that_tries_again_are_served_in_turn(program):
    exchanges = recording(program)["exchanges"]
    outage = exchanges[0] | {"status": 429, "response": {"error": {"message": "Slow down."}}}
    replayed = replay(trace_of([outage, *exchanges]), program)
    assert replayed.done.stdout == recording(program)["printed"]
    assert replayed.matches == [("exact", None)] * (len(exchanges) + 1)
