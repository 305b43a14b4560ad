"""Scripted user turns: what the user boundary answers, and conversations at the entry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.replayers.recordings import refund_trace, write_app

from unrepeat.cases.replay_settings import ReplaySettings
from unrepeat.cases.trace import Trace
from unrepeat.harness.modes import modes_of
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.system import Checkout, PythonSystem

ASKING = """
import asyncio, chat

session = []

def handle(text):
    session.append(text)
    return " ".join([*session, *(chat.ask_user("sure?") for _ in range({times}))])
"""
CHAT = "def ask_user(question):\n    raise RuntimeError('a real user was asked')\n"
ASYNC = """
import asyncio

kept = []

async def handle(text):
    if not kept:
        kept.append((asyncio.get_running_loop(), asyncio.create_task(asyncio.sleep(0.2, "done"))))
        return "begun"
    loop, task = kept[0]
    return [loop is asyncio.get_running_loop(), await task]
"""


def replayed(folder: Any, app: str, *turns: Any, **settings: Any) -> Replay:
    folder = write_app(folder, app=app)
    (folder / "chat.py").write_text(CHAT)
    system = PythonSystem(name="desk", entry="app:handle", boundaries={"user": ("chat:ask_user",)})
    modes = modes_of(ReplaySettings.model_validate(settings), (), "case.yaml")
    trace = Trace(trace_id="t", source=msgspec.structs.replace(refund_trace().source))
    first, *then = turns
    checkout = Checkout(version=Version(label="v"), folder=folder)
    return replay_python(trace, system, checkout, arguments=first, then=then, modes=modes)


def saying(*turns: Any) -> Any:
    return {"user": {"mode": "static", "turns": list(turns)}}


def test_each_call_of_the_user_gets_the_next_turn(tmp_path):
    replay = replayed(tmp_path, ASKING.format(times=2), "hello", boundaries=saying("yes", "order 17"))
    assert (replay.outcome, replay.trace.output) == ("completed", "hello yes order 17")
    assert [(event.mode, event.answer, event.valid) for event in replay.events] == [
        ("static", "yes", True),
        ("static", "order 17", True),
    ]


def test_user_who_has_said_all_turns_stops_the_replay(tmp_path):
    replay = replayed(tmp_path, ASKING.format(times=3), "hello", boundaries=saying("yes", "order 17"))
    assert (replay.outcome, replay.limit) == ("stopped", 3)
    assert replay.error == (
        "step 3, user call: the case states 2 of the user's turns, and the system asked for one more: add it in "
        "case.yaml, `replay: {boundaries: {user: {mode: static, turns: […]}}}`"
    )


def test_app_that_catches_everything_does_not_go_on_without_a_turn(tmp_path):
    caught = "try: chat.ask_user('?')\n    except Exception: pass"
    app = ASKING.format(times=1).replace("    return", f"    {caught}\n    return")
    assert replayed(tmp_path, app, "hello", boundaries=saying("yes")).outcome == "stopped"


def test_turn_may_be_any_json(tmp_path):
    app = "import chat\ndef handle(text):\n    return [chat.ask_user('?'), chat.ask_user('?')]\n"
    assert replayed(tmp_path, app, "x", boundaries=saying(None, {"a": [1]})).trace.output == [None, {"a": [1]}]


def test_entry_is_called_with_each_turn_in_one_process(tmp_path):
    replay = replayed(tmp_path, ASKING.format(times=0), {"text": "hello"}, ["bye"], "again")
    assert (replay.outcome, replay.trace.output) == ("completed", ["hello", "hello bye", "hello bye again"])


def test_turns_of_a_coroutine_share_one_loop_and_its_tasks(tmp_path):
    replay = replayed(tmp_path, ASYNC, "hello", "bye")
    assert (replay.outcome, replay.trace.output) == ("completed", ["begun", [True, "done"]])


def test_error_in_a_later_turn_is_a_crash(tmp_path):
    app = "def handle(text):\n    return {'a': 1}[text]\n"
    replay = replayed(tmp_path, app, "a", "b")
    assert (replay.outcome, replay.error.splitlines()[0]) == ("crashed", "KeyError: 'b'")


def test_turn_that_does_not_fit_the_entry_is_refused_before_the_first_is_run(tmp_path):
    with pytest.raises(Exception, match="expected an input that handle\\(text\\) can be called with"):
        replayed(tmp_path, "def handle(text): raise SystemExit\n", {"text": "a"}, {"other": "b"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": {"a": 1}, "turns": [{"a": 1}, {"a": 2}]}, "either input or turns"),
        ({"turns": [{"a": 1}]}, "at least 2"),
        ({"boundaries": {"tool": {"mode": "static", "turns": [1]}}}, "turns of the user only"),
        ({"boundaries": {"user": {"mode": "static", "turns": []}}}, "at least 1"),
        ({"boundaries": {"user": {"mode": "static", "turns": None}}}, "expected turns, got none"),
        ({"boundaries": {"user": {"mode": "static", "turns": [1], "value": 1}}}, "either value or turns"),
        ({"boundaries": {"user": {"mode": "live", "turns": [1]}}}, "got turns for live"),
    ],
)
def test_turns_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ReplaySettings.model_validate(settings)
