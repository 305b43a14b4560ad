"""Calls of one replay, asked by several threads at once."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.replayers.programs import replayed_command
from tests.replayers.recordings import refund_trace

from unrepeat.replayers import calls as module
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Modes, Playback

LOOKUP = {"order_id": "ord_1"}
HELLO = {"model": "m1", "messages": [{"role": "user", "content": "hello"}]}


class Thinking:
    """A live model that takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = threading.Event()

    def answer(self, request: object) -> dict[str, Any]:
        self.began.set()
        time.sleep(self.seconds)
        return {"role": "assistant", "content": "hello"}


def live(model: Any) -> Calls:
    return Calls(Playback(refund_trace(), Modes(live=frozenset({"model"}))), model)


def asking(calls: Calls) -> threading.Thread:
    thread = threading.Thread(target=calls.ask, args=("model", "complete", HELLO))
    thread.start()
    return thread


def test_call_after_the_last_answer_is_no_step():
    calls = Calls(Playback(refund_trace()))
    assert calls.ask("tool", "cancel", {}).reply.action == "stop"
    late = calls.ask("tool", "get_order", LOOKUP)
    assert (late.reply.action, late.recorded) == ("stop", None)
    assert [event.name for event in calls.playback.events] == ["cancel"]


def test_call_of_an_app_that_asks_for_ever_is_no_step(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 0)
    calls = Calls(Playback(refund_trace(), Modes(on_miss="error_result")))
    actions = [calls.ask("tool", "cancel", {}).reply.action for _ in range(200)]
    assert calls.endless
    assert (actions[-1], len(calls.playback.events)) == ("stop", actions.index("stop"))


def test_model_that_thinks_is_waited_for_before_it_answers():
    thinking = Thinking(0.5)
    calls = live(thinking)
    thread = asking(calls)
    assert thinking.began.wait(5)
    time.sleep(0.1)
    assert calls.waited_s >= 0.1
    thread.join()
    waited_s = calls.waited_s
    assert waited_s >= 0.5
    assert calls.waited_s == waited_s


def test_time_of_calls_side_by_side_counts_once():
    calls = live(Thinking(0.4))
    threads = [asking(calls) for _ in range(3)]
    for thread in threads:
        thread.join()
    assert 0.4 <= calls.waited_s < 1.1


def test_program_does_not_pay_for_the_time_of_a_live_model(tmp_path):
    replay = replayed_command(tmp_path, modes=Modes(live=frozenset({"model"})), model=Thinking(3.0), timeout_s=2.0)
    assert (replay.outcome, replay.trace.output) == ("completed", "hello"), replay.error
