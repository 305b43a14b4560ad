"""Apps that misbehave in a replay: each ends with a clear outcome, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.replayers.apps import beginning_with, calls, instead_of_call, replayed
from tests.replayers.recordings import APP, TOOLS

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.isolation.ladder import obstacles
from unrepeat.replayers.playback import Modes

NEAR_LOOKUP = 'result = run(name, {**args, "order_id": "ord_2"} if name == "get_order" else args)'


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def pid_in(file: Path, timeout_s: float = 10) -> int:
    """Wait for a process to write its id."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if file.exists() and file.read_text().endswith("\n"):
            return int(file.read_text())
        time.sleep(0.01)
    raise TimeoutError(file)


def is_gone(pid: int, timeout_s: float = 5) -> bool:
    until = time.monotonic() + timeout_s
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(pid)


def test_output_to_stdout_and_raw_descriptors_is_the_apps_own(tmp_path):
    loud = 'import os\nprint("x" * 5_000_000)\nos.write(1, b"{\\n")\nos.write(2, b"y" * 100_000)'
    assert replayed(tmp_path, app=beginning_with(loud)).outcome == "completed"


def test_silent_exit_is_a_crash_whatever_its_code(tmp_path):
    replay = replayed(tmp_path, app=beginning_with("import os; os._exit(0)"))
    assert (replay.outcome, replay.error) == ("crashed", "the process ended with exit code 0")


def test_death_by_signal_names_the_signal(tmp_path):
    replay = replayed(tmp_path, app=beginning_with("import os; os.kill(os.getpid(), 9)"))
    assert (replay.outcome, replay.error) == ("crashed", "the process ended with signal SIGKILL")


def test_crash_names_error_and_line(tmp_path):
    replay = replayed(tmp_path, app=beginning_with('raise ValueError("no such order")'))
    assert replay.outcome == "crashed"
    assert replay.error.startswith("ValueError: no such order")
    assert "app.py" in replay.error


@pytest.mark.parametrize("statement", ['raise BaseException("x")', "raise SystemExit(0)", "raise KeyboardInterrupt"])
def test_exceptions_beside_exception_are_crashes(tmp_path, statement):
    assert replayed(tmp_path, app=beginning_with(statement)).outcome == "crashed"


@pytest.mark.parametrize("deaf", ["pass", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_hanging_app_is_ended_in_time(tmp_path, deaf):
    started = time.monotonic()
    replay = replayed(tmp_path, app=beginning_with(f"{deaf}\nimport time; time.sleep(60)"), timeout_s=0.5)
    assert replay.outcome == "timed_out"
    assert time.monotonic() - started < 5


def test_app_that_reads_no_answer_does_not_hold_the_harness_up(tmp_path):
    trick = """
import json, os, time
message = {"op": "call", "kind": "tool", "name": "get_order", "path": [], "arguments": {"order_id": "ord_1"},
           "defaults": {}, "takes": None}
end = max(fd for fd in range(3, 30) if is_pipe_to_write(fd))
for _ in range(3000): os.write(end, json.dumps(message).encode() + b"\\n")
time.sleep(60)
"""
    finder = """
def is_pipe_to_write(fd):
    import fcntl, os, stat
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    except OSError:
        return False
"""
    started = time.monotonic()
    replay = replayed(tmp_path, app=beginning_with(trick) + finder, timeout_s=2)
    assert replay.outcome in ("timed_out", "crashed")
    assert time.monotonic() - started < 10


def test_app_that_asks_for_ever_ends(tmp_path):
    replay = replayed(tmp_path, app=beginning_with('while True: tools.get_order(order_id="ord_1")'))
    assert replay.outcome == "crashed"
    assert "boundary calls" in replay.error


def test_closed_descriptors_are_a_crash(tmp_path):
    replay = replayed(tmp_path, app=beginning_with("import os; os.closerange(3, 200)"))
    assert replay.outcome == "crashed"


@pytest.mark.parametrize(
    "garbage",
    [
        "hello",
        "[" * 50_000,
        '{"op":"nonsense"}',
        '{"op":"call"}',
        '{"op":"call","kind":"nonsense","name":"x","arguments":{},"defaults":{},"path":[]}',
        '{"op":"call","kind":"tool","name":"x","arguments":{},"defaults":{},"path":[{}]}',
        '{"op":"call","kind":"tool","name":"x","arguments":{},"defaults":{},"path":[]}',
        '{"op":"answered","seq":1,"answer":1,"error":""}',
        '{"op":"ready","boundaries":{}}',
        '{"op":"unusable","error":"x","hint":"y"}',
        '{"op":"ended"}',
        '{"op":"ending"}',
        '{"op":"stopped","error":""}',
    ],
)
def test_garbage_in_the_pipe_is_a_crash(tmp_path, garbage):
    statements = f"""
import os, contextlib
for fd in range(3, 30):
    with contextlib.suppress(OSError): os.write(fd, {garbage.encode()!r} + b"\\n")
import time; time.sleep(60)
"""
    replay = replayed(tmp_path, app=beginning_with(statements), timeout_s=10)
    assert (replay.outcome, replay.error) == ("crashed", "the process sent something that is no message")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at /proc")
def test_daemon_that_left_the_process_group_is_ended(tmp_path):
    daemon = f"""
import os, subprocess, sys
code = "import os, time; open({str(tmp_path / "pid")!r}, 'w').write(f'{{os.getpid()}}\\\\n'); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
import time
while not os.path.exists({str(tmp_path / "pid")!r}): time.sleep(0.01)
"""
    # Where processes have a namespace, they go with it, and no file in this folder would tell which they were.
    replay = replayed(tmp_path / "v", app=beginning_with(daemon), allow_subprocess=True, isolation="guard")
    assert replay.unfinished == ("the process python",)
    assert is_gone(pid_in(tmp_path / "pid"))


@pytest.mark.parametrize("level", ["netns", "landlock", "guard"])
def test_process_that_goes_on_is_told_of_while_the_app_takes_its_time_to_end(tmp_path, level):
    if obstacles()[level]:
        pytest.skip(obstacles()[level])
    start = "import subprocess, threading, time; subprocess.Popen(['sleep', '60'], start_new_session=True)"
    slow = "threading.Thread(target=lambda: (threading.main_thread().join(), time.sleep(0.3))).start()"
    app = beginning_with(f"{start}\n{slow}")
    replay = replayed(tmp_path, app=app, allow_subprocess=True, isolation=level)
    assert (replay.outcome, replay.unfinished, replay.unseen) == ("completed", ("the process sleep",), ())


@pytest.mark.parametrize("level", ["netns", "landlock"])
def test_silence_about_processes_is_unseen(tmp_path, level, monkeypatch):
    if obstacles()[level]:
        pytest.skip(obstacles()[level])
    monkeypatch.setattr("unrepeat.replayers.isolation.cell._END_TIMEOUT_S", 0)
    replay = replayed(tmp_path, allow_subprocess=True, isolation=level)
    assert replay.unseen == ("it is not known what processes the system left running",)


def test_forked_child_that_reaches_a_boundary_says_nothing_to_the_harness(tmp_path):
    fork = """
import os
if os.fork() == 0:
    try: tools.refund(order_id="ord_1")
    finally: os._exit(0)
os.wait()
"""
    replay = replayed(tmp_path, app=beginning_with(fork), allow_subprocess=True)
    assert calls(replay) == [("get_order", "exact"), ("refund", "exact")]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at /proc")
def test_app_ends_with_a_harness_that_was_killed(tmp_path):
    note = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\nimport time; time.sleep(300)"
    source = f"""
from pathlib import Path
from tests.replayers.apps import beginning_with, replayed
replayed(Path({str(tmp_path / "v")!r}), app=beginning_with({note!r}), isolation="guard")
"""
    harness = subprocess.Popen([sys.executable, "-c", source], cwd=Path(__file__).parents[2])
    app = pid_in(tmp_path / "pid")
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    assert is_gone(app)


@pytest.mark.parametrize(
    "attempt",
    [
        'import socket; socket.create_connection(("127.0.0.1", 9), 1)',
        'import urllib.request; urllib.request.urlopen("http://example.invalid", timeout=1)',
        'import socket; socket.gethostbyname("example.invalid")',
        'import subprocess; subprocess.run(["curl", "http://example.invalid"])',
        'import os; os.system("true")',
        "import os; os.fork()",
        'import multiprocessing as m; m.get_context("spawn").Process(target=print).start()',
    ],
)
def test_way_to_the_outside_is_refused_and_reported(tmp_path, attempt):
    replay = replayed(tmp_path, app=beginning_with(f"try: {attempt}\nexcept OSError: pass"))
    assert len(replay.refused) >= 1
    assert "app.py:" in replay.refused[0]


def test_attempt_before_the_entry_is_told_apart(tmp_path):
    early = "import socket\ntry: socket.gethostbyname('example.invalid')\nexcept OSError: pass\n"
    replay = replayed(tmp_path, app=early + APP)
    assert (len(replay.refused), replay.refused_at_start) == (1, 1)


@pytest.mark.parametrize("level", ["netns", "landlock"])
def test_attempt_that_the_watch_saw_before_the_entry_is_told_apart(tmp_path, level):
    if obstacles()[level]:
        pytest.skip(obstacles()[level])
    code = "import socket; socket.socket().connect_ex(('192.0.2.1', 443))"
    attempt = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])\n"
    options = {"allow_subprocess": True, "isolation": level}
    early = replayed(tmp_path / "early", app=attempt + APP, **options)
    assert (len(early.refused), early.refused_at_start) == (1, 1)
    both = replayed(tmp_path / "both", app=attempt + beginning_with(attempt), **options)
    assert (len(both.refused), both.refused_at_start) == (2, 1)


def test_many_attempts_before_the_entry_do_not_hide_a_later_one(tmp_path):
    attempt = "try: socket.gethostbyname('example.invalid')\nexcept OSError: pass\n"
    early = "import socket\nfor n in range(150):\n    " + attempt.replace("\n", "\n    ").rstrip(" ")
    replay = replayed(tmp_path, app=early + beginning_with("import socket\n" + attempt))
    assert len(replay.refused) == replay.refused_at_start + 1


def test_key_of_the_caller_does_not_reach_the_app(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_API_KEY", "sk-planted")
    replay = replayed(tmp_path, app="import model, tools, os\ndef handle(text): return dict(os.environ)\n")
    assert "sk-planted" not in str(replay.trace.output)
    assert [name for name in replay.trace.output if "unrepeat" in name.lower()] == []


def test_home_and_temporary_files_are_gone_afterwards(tmp_path):
    source = (
        "import model, tools, tempfile, os\ndef handle(text): return [tempfile.mkdtemp(), os.path.expanduser('~')]\n"
    )
    replay = replayed(tmp_path, app=source)
    assert not any(os.path.exists(path) for path in replay.trace.output)


def test_no_compiled_files_are_left_in_the_version(tmp_path):
    replayed(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", "model.py", "tools.py"]


@pytest.mark.parametrize("module", ["matching", "channel", "child"])
def test_modules_of_the_harness_do_not_stand_in_for_the_apps(tmp_path, module):
    with pytest.raises(ReplayError, match=f"No module named '{module}'"):
        replayed(tmp_path, app=f"import {module}\n" + APP)


def test_import_path_is_the_apps_own(tmp_path):
    source = "import model, tools, sys\ndef handle(text): return sys.path\n"
    paths = replayed(tmp_path, app=source).trace.output
    assert paths[0] == str(tmp_path)
    assert [path for path in paths if "replayers" in path] == []


def test_recorded_error_reaches_a_process_that_the_app_starts(tmp_path):
    app = beginning_with("""
import multiprocessing, sys
error = sys.modules["_unrepeat_child.answers"].RecordedError("x")
with multiprocessing.get_context("spawn").Pool(1) as pool: return pool.apply(repr, (error,))
""")
    assert replayed(tmp_path, app=app, allow_subprocess=True).trace.output == "RecordedError('x')"


def test_command_line_of_the_harness_is_not_the_apps(tmp_path):
    source = "import model, tools, sys\ndef handle(text): return len(sys.argv)\n"
    assert replayed(tmp_path, app=source).trace.output == 1


def test_miss_reaches_no_handler_for_exceptions(tmp_path):
    app = instead_of_call(f'try: {NEAR_LOOKUP}\nexcept Exception: result = "failed"')
    replay = replayed(tmp_path, app=app)
    assert (replay.outcome, len(replay.events)) == ("stopped", 2)


def test_app_that_catches_everything_after_a_miss_has_still_stopped(tmp_path):
    app = instead_of_call(f'try: {NEAR_LOOKUP}\nexcept BaseException: result = "failed"')
    assert replayed(tmp_path, app=app).outcome == "stopped"


def test_error_result_lets_the_app_go_on_beyond_the_recording(tmp_path):
    app = instead_of_call(f'try: {NEAR_LOOKUP}\nexcept Exception: result = "failed"')
    replay = replayed(tmp_path, app=app, modes=Modes(on_miss="error_result"))
    assert (replay.outcome, replay.limit) == ("completed", 2)


def test_call_that_the_recording_does_not_have_gets_an_error_result_too(tmp_path):
    tools = TOOLS + "\ndef cancel(order_id):\n    raise RuntimeError('real')\n"
    app = beginning_with('try: tools.cancel(order_id="ord_1")\nexcept Exception: pass')
    replay = replayed(tmp_path, app=app, tools=tools, modes=Modes(on_miss="error_result"))
    assert (replay.outcome, replay.limit) == ("completed", 1)


def test_calls_from_threads_are_answered(tmp_path):
    app = instead_of_call(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool: result = pool.submit(run, name, args).result()"
    )
    assert calls(replayed(tmp_path, app=app)) == [("get_order", "exact"), ("refund", "exact")]


def test_coroutines_as_entry_and_boundaries_are_awaited(tmp_path):
    app = APP.replace("def handle", "async def handle").replace("= run(", "= await run(")
    replay = replayed(tmp_path, app=app, tools=TOOLS.replace("def ", "async def "))
    assert (replay.outcome, replay.limit, replay.trace.output) == ("completed", None, "Done, refunded.")


def test_gathered_coroutines_keep_their_answers(tmp_path):
    app = beginning_with("import asyncio") + (
        "\nasync def both():\n    import asyncio\n"
        "    return await asyncio.gather(tools.refund('ord_1', 10), tools.get_order('ord_1'))\n"
    )
    app = app.replace("while True:", "import asyncio\n    return asyncio.run(both())\n    while True:")
    replay = replayed(tmp_path, app=app, tools=TOOLS.replace("def ", "async def "))
    assert replay.trace.output == ["refunded 0", "paid 10"]


def test_changed_arguments_after_the_call_do_not_change_what_was_asked(tmp_path):
    app = instead_of_call('basket = [name]\nresult = run(name, {**args, "order_id": basket})\nbasket.append("more")')
    replay = replayed(tmp_path, app=app)
    assert replay.events[1].request == {"order_id": ["get_order"]}


def test_decorator_with_other_arguments_than_its_function_is_an_error_not_a_guess(tmp_path):
    tools = (
        "import functools\n"
        "def with_session(function):\n"
        "    @functools.wraps(function)\n"
        "    def call(*args, **kwargs): return function('session', *args, **kwargs)\n"
        "    return call\n"
        "@with_session\ndef get_order(session, order_id): raise RuntimeError('real')\n"
        "@with_session\ndef refund(session, order_id, amount=10): raise RuntimeError('real')\n"
    )
    replay = replayed(tmp_path, tools=tools, boundaries={"model": ("model:complete",), "tool": ("tools:*",)})
    assert replay.outcome == "crashed"
    assert "name the function inside of its decorator" in replay.error


def test_answer_that_cannot_be_rebuilt_is_an_error_the_app_cannot_swallow(tmp_path):
    tools = TOOLS.replace("def get_order(order_id):", "def get_order(order_id) -> 'Order':")
    tools += "\nimport enum\nclass Order(enum.Enum):\n    OPEN = 'open'\n"
    app = instead_of_call('try: result = run(name, args)\nexcept Exception: result = "failed"')
    replay = replayed(tmp_path, app=app, tools=tools)
    assert replay.outcome == "crashed"
    assert replay.error.startswith("the recorded answer of get_order is no")
