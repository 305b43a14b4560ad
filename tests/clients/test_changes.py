"""A changed program of each client: the change is found, by its field, and no answer to it counts as valid."""

from __future__ import annotations

import re

import pytest
from tests.clients.replaying import recorded_trace, replay
from tests.clients.running import changed_program

AGENTS = [
    "python/openai_chat",
    "python/openai_responses_async_stream",
    "python/anthropic_async_stream",
    "python/langchain_openai_agent",
    "python/langgraph_react",
    "python/pydantic_ai_openai",
    "python/openai_agents_sdk",
    "node/openai_chat",
    "node/openai_responses",
    "node/anthropic_stream",
    "node/ai_generate_text",
    "node/ai_stream_text",
]
CHANGES = {
    "system prompt": ("customers of the shop", "customers of the bank", r"/messages/0/content|/system/0"),
    "tool schema": ("Look up an order.", "Look up any order.", r"/tools/\d/description"),
    "tool result": ("delivered", "returned", r"/messages/\d/content/0/response"),
}
SAMPLING = {
    "python/anthropic_async_stream": ("max_tokens=500", "max_tokens=900", "/params/max_tokens"),
    "python/pydantic_ai_openai": ('"temperature": 0.2', '"temperature": 0.9', "/params/temperature"),
    "node": ("temperature: 0.2", "temperature: 0.9", "/params/temperature"),
    "python": ("temperature=0.2", "temperature=0.9", "/params/temperature"),
}


def check(program, old, new, path, folder):
    replayed = replay(recorded_trace(program), changed_program(program, old, new, folder))
    first = replayed.playback.divergences[0]
    assert (first.grade, first.loses_validity) == ("changed_request", True)
    assert [each for each in first.differences if re.fullmatch(path, each.path)] == list(first.differences)
    assert [event.valid for event in replayed.playback.events[first.seq - 1 :]] == [False] * (
        len(replayed.playback.events) - first.seq + 1
    )


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("program", AGENTS)
def test_change_of_a_program_is_found(program, change, tmp_path):
    check(program, *CHANGES[change], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("program", AGENTS)
def test_change_of_a_sampling_parameter_is_found(program, tmp_path):
    change = SAMPLING.get(program) or SAMPLING[program.partition("/")[0]]
    check(program, *change, tmp_path)
