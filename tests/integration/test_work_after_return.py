"""What an app does after its entry returned, or only while its answer is read, counts like everything else."""

from __future__ import annotations

import time

import pytest
from tests.replayers.apps import calls, instead_of_call, replayed
from tests.replayers.recordings import APP, TOOLS, refund_trace

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.harness.judging import judged
from unrepeat.replayers import child_dialogue
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Score

NO_REFUND = {"type": "not-tool-called", "tool": "refund"}

BOTH = [("get_order", "exact"), ("refund", "exact")]


def later(statements: str) -> str:
    """Return the app with other statements in the place of the refund, after which it returns."""
    lines = "".join(f"    {line}\n" for line in statements.strip().splitlines())
    return instead_of_call(f"if name == 'refund':\n{lines}    return 'queued'\nresult = run(name, args)")


@pytest.mark.parametrize(
    "start",
    [
        "import threading\nthreading.Thread(target=run, args=(name, args)).start()",
        "import threading\nthreading.Timer(0.3, run, (name, args)).start()",
        "import threading\nthreading.Thread(target=run, args=(name, args), daemon=True).start()",
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(run, name, args)",
        "import _thread, time\n_thread.start_new_thread(lambda: (time.sleep(0.3), run(name, args)), ())",
    ],
)
def test_call_from_a_thread_that_outlives_the_entry_is_seen(tmp_path, start):
    replay = replayed(tmp_path, app=later(start))
    assert (calls(replay), replay.outcome, replay.trace.output) == (BOTH, "completed", "queued")


def test_idle_pool_of_threads_holds_nothing_up(tmp_path):
    app = "from concurrent.futures import ThreadPoolExecutor\nPOOL = ThreadPoolExecutor()\n" + instead_of_call(
        "result = POOL.submit(run, name, args).result()"
    )
    started = time.monotonic()
    assert replayed(tmp_path, app=app).outcome == "completed"
    assert time.monotonic() - started < 3


def test_thread_that_never_ends_is_an_error(tmp_path):
    replay = replayed(
        tmp_path, app=later("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()")
    )
    assert replay.outcome == "timed_out"
    assert "a thread was still running" in replay.error


def test_daemon_that_never_ends_is_none(tmp_path):
    start = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    assert replayed(tmp_path, app=later(start)).outcome == "completed"


def test_daemon_at_work_in_code_of_the_app_is_named_and_passes_nothing(tmp_path):
    start = "import threading, time\ndef work(): time.sleep(30); run(name, args)\n"
    replay = replayed(tmp_path, app=later(start + "threading.Thread(target=work, daemon=True, name='refunds').start()"))
    assert (replay.outcome, replay.unfinished) == ("completed", ("the thread refunds",))
    [score] = judged(compile_all([ASSERTION_ADAPTER.validate_python(NO_REFUND)]), refund_trace(), replay).scores
    assert isinstance(score, Score)
    assert (score.passed, score.reason) == (
        None,
        "undecided: the thread refunds was still at work when the system returned",
    )


def test_daemon_that_waits_for_work_is_not_at_work(tmp_path):
    app = (
        "import queue, threading\nJOBS = queue.Queue()\n"
        "def serve():\n    while True: JOBS.get()\n"
        "threading.Thread(target=serve, daemon=True).start()\n" + APP
    )
    assert replayed(tmp_path, app=app).unfinished == ()


def test_death_after_the_return_is_a_crash(tmp_path):
    replay = replayed(tmp_path, app=later("import threading, os\nthreading.Timer(0.2, os._exit, (3,)).start()"))
    assert (replay.outcome, replay.error) == (
        "crashed",
        "the system returned, but then the process ended with exit code 3",
    )


def test_miss_after_the_return_stops_the_replay(tmp_path):
    replay = replayed(
        tmp_path, app=later("import threading\nthreading.Timer(0.2, run, (name, {'order_id': 'x'})).start()")
    )
    assert (replay.outcome, replay.limit) == ("stopped", 4)


def test_task_that_nobody_awaits_is_seen(tmp_path):
    app = later("import asyncio\nasyncio.get_running_loop().create_task(run(name, args))")
    app = app.replace("def handle", "async def handle").replace("result = run", "result = await run")
    replay = replayed(tmp_path, app=app, tools=TOOLS.replace("def ", "async def "))
    assert (calls(replay), replay.outcome) == (BOTH, "completed")


@pytest.mark.parametrize(
    "start",
    [
        "import atexit\natexit.register(run, name, args)",
        "import atexit\natexit.register(getattr(tools, name), **args)",
        "import weakref\nweakref.finalize(tools, run, name, args)",
        "class Late:\n    def __del__(self): run(name, args)\ntools.late = Late()",
        "def work():\n    try: yield\n    finally: run(name, args)\ntools.late = work()\nnext(tools.late)",
    ],
)
def test_call_at_the_end_of_the_process_is_seen(tmp_path, start):
    replay = replayed(tmp_path, app=later(start))
    assert (calls(replay), replay.outcome, replay.trace.output) == (BOTH, "completed", "queued")


def test_miss_at_the_end_of_the_process_stops_the_replay(tmp_path):
    replay = replayed(tmp_path, app=later("import atexit\natexit.register(run, name, {'order_id': 'x'})"))
    assert (replay.outcome, replay.limit) == ("stopped", 4)


def test_process_that_ends_itself_after_the_return_has_not_completed(tmp_path):
    replay = replayed(tmp_path, app=later("import atexit, os\natexit.register(os._exit, 0)"))
    assert (replay.outcome, replay.error) == (
        "crashed",
        "the system returned, but then the process ended with exit code 0",
    )


def test_end_that_does_not_come_passes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(child_dialogue, "_GRACE_S", 1.0)
    replay = replayed(tmp_path, app=later("import atexit, time\natexit.register(time.sleep, 60)"))
    assert (replay.outcome, replay.trace.output) == ("completed", "queued")
    assert undecided(replay) == "what the system does at the end of its process had not ended 1 s after it returned"


def asynchronous(statements: str) -> str:
    """Return the app with an entry that answers in an event loop, and statements in the place of the refund."""
    return later(statements).replace("def handle", "async def handle").replace("import json", "import asyncio, json")


@pytest.mark.parametrize(
    "start",
    [
        "asyncio.get_running_loop().call_later(0.3, run, name, args)",
        "asyncio.get_running_loop().call_later(0.3, lambda: run(name, args))",
        "asyncio.get_running_loop().call_soon(run, name, args)",
        "import functools; asyncio.get_running_loop().call_later(0.1, functools.partial(getattr(tools, name), **args))",
    ],
)
def test_call_that_the_event_loop_is_to_make_is_seen(tmp_path, start):
    replay = replayed(tmp_path, app=asynchronous(start))
    assert (calls(replay), replay.outcome, replay.trace.output) == (BOTH, "completed", "queued")


def test_timer_that_is_due_much_later_passes_nothing(tmp_path):
    replay = replayed(tmp_path, app=asynchronous("asyncio.get_running_loop().call_later(3600, run, name, args)"))
    assert (calls(replay), replay.outcome) == ([("get_order", "exact")], "completed")
    assert undecided(replay) == "app.run was still to be called by the event loop, later on"


def test_timer_of_a_library_holds_nothing_up(tmp_path):
    replay = replayed(tmp_path, app=asynchronous("asyncio.get_running_loop().call_later(3600, asyncio.Event().set)"))
    assert (replay.outcome, replay.unseen) == ("completed", ())


def undecided(replay):
    """Return why the replay proves nothing of the refund."""
    [score] = judged(compile_all([ASSERTION_ADAPTER.validate_python(NO_REFUND)]), refund_trace(), replay).scores
    assert isinstance(score, Score)
    assert score.passed is None
    return score.reason.removeprefix("undecided: ")


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_entry_that_answers_piece_by_piece_is_read_to_the_end(tmp_path, kind):
    source = f"\n{kind} stream(text):\n    yield 'It is: '\n    yield handle(text)\n"
    app = APP + source + "\nhandle_once = handle\n"
    app = app.replace("yield handle(text)", "yield handle_once(text)") + "\nhandle = stream\n"
    replay = replayed(tmp_path, app=app)
    assert (calls(replay), replay.trace.output) == (BOTH, "It is: Done, refunded.")


def test_lazy_answer_is_made(tmp_path):
    app = APP + "\nonce = handle\ndef handle(text): return map(once, [text])\n"
    replay = replayed(tmp_path, app=app)
    assert (calls(replay), replay.trace.output) == (BOTH, "Done, refunded.")


def test_what_a_library_sends_off_at_the_end_is_no_work_of_the_system(tmp_path):
    """Telemetry is flushed there: if it counted, no system that is observed could be judged."""
    app = "import atexit, socket\natexit.register(socket.gethostbyname, 'example.invalid')\n" + APP
    replay = replayed(tmp_path, app=app)
    assert (replay.outcome, replay.refused) == ("completed", ())


def test_what_the_app_itself_tries_at_the_end_passes_nothing(tmp_path):
    replay = replayed(
        tmp_path, app=later("import atexit, socket\natexit.register(lambda: socket.gethostbyname('example.invalid'))")
    )
    assert undecided(replay).startswith("the system tried socket.gethostbyname example.invalid")
