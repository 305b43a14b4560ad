"""A Python app that asks its model with an official client: no boundary function is named for it."""

from __future__ import annotations

import pytest
from tests.replayers.apps import calls, headline, replayed
from tests.replayers.recordings import TOOLS

pytest.importorskip("openai")

SYNC = """
import json
from openai import OpenAI
import tools

def handle(text):
    client = OpenAI()
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    while True:
        answer = client.chat.completions.create(model="m1", messages=messages).choices[0].message
        messages.append(answer.model_dump(exclude_none=True))
        if not answer.tool_calls:
            return answer.content
        for call in answer.tool_calls:
            result = getattr(tools, call.function.name)(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

SYSTEM = "You are a desk."
"""
ASYNC = (
    SYNC.replace("import OpenAI", "import AsyncOpenAI")
    .replace("OpenAI()\n", "AsyncOpenAI()\n", 1)
    .replace("AsyncAsync", "Async")
    .replace("def handle", "async def handle")
    .replace("client.chat", "(await client.chat")
    .replace("messages=messages).choices", "messages=messages)).choices")
)
BY_TOOLS = {"tool": ("tools:*",)}


@pytest.mark.parametrize("app", [SYNC, ASYNC], ids=["sync", "async"])
def test_official_client_is_answered_from_the_recording(tmp_path, app):
    replay = replayed(tmp_path, app=app, boundaries=BY_TOOLS)
    assert (replay.outcome, replay.trace.output) == ("completed", "Done, refunded."), replay.error
    assert [event.match for event in replay.events] == ["exact"] * 5
    assert not replay.divergences
    assert not replay.refused
    assert not replay.faults
    assert "model:*" in replay.functions


def test_changed_prompt_is_found(tmp_path):
    replay = replayed(tmp_path, app=SYNC.replace("You are a desk.", "You are kind."), boundaries=BY_TOOLS)
    assert headline(replay).differences[0].path == "/messages/0/content"


def test_guard_around_a_tool_is_judged_like_with_functions(tmp_path):
    app = SYNC.replace("result = getattr", 'result = "refused" if call.function.name == "refund" else getattr')
    replay = replayed(tmp_path, app=app, boundaries=BY_TOOLS)
    assert calls(replay) == [("get_order", "exact")]
    assert replay.limit == 4


def test_further_question_to_the_model_stops_the_replay_soon(tmp_path):
    app = SYNC.replace("return answer.content", "messages.append({'role': 'user', 'content': 'And?'}); continue")
    replay = replayed(tmp_path, app=app, boundaries=BY_TOOLS)
    assert replay.outcome == "stopped"
    assert "step 6, model call" in replay.error
    assert replay.duration_s < 30


def test_app_that_swallows_the_miss_is_stopped_all_the_same(tmp_path):
    app = SYNC.replace("            return answer.content", "            break").replace(
        "\nSYSTEM",
        "    import time\n    try: client.chat.completions.create(model='m1', messages=[])\n"
        "    except Exception: time.sleep(60)\n    return 'fine'\n\nSYSTEM",
    )
    replay = replayed(tmp_path, app=app, boundaries=BY_TOOLS)
    assert replay.outcome == "stopped"
    assert replay.duration_s < 30


def test_other_hosts_stay_out_of_reach(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "pass")
    app = SYNC.replace(
        "    client = OpenAI()",
        "    import socket\n"
        "    try: socket.create_connection(('192.0.2.1', 443), timeout=2)\n"
        "    except OSError: pass\n"
        "    client = OpenAI()",
    )
    replay = replayed(tmp_path, app=app, tools=tools, boundaries=BY_TOOLS)
    assert replay.outcome == "completed"
    assert any("192.0.2.1" in each for each in replay.refused)
