"""Programs that misbehave in a replay: each ends with a clear outcome, nothing of it is left, and the next one runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.replayers.programs import desk_doing, replayed_command

from unrepeat.replayers import calls
from unrepeat.replayers.isolation.ladder import obstacles

MARK = "unrepeat-fault-test"


def processes_with(word: str) -> list[str]:
    """Return the command lines that hold a word, in whatever namespace."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in line and int(folder.name) != os.getpid():
            lines.append(line)
    return lines


def all_gone(word: str, timeout_s: float = 5) -> bool:
    until = time.monotonic() + timeout_s
    while processes_with(word) and time.monotonic() < until:
        time.sleep(0.02)
    return not processes_with(word)


def shell(folder, script, **more):
    return replayed_command(folder, command=("sh", "-c", script), **more)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path):
    before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    yield
    assert all_gone(MARK)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert threading.active_count() <= threads
    assert replayed_command(tmp_path / "next").outcome == "completed"


def test_crash_names_exit_code_and_last_words(tmp_path):
    replay = replayed_command(tmp_path, desk_doing('raise ValueError("broken")'))
    assert replay.outcome == "crashed"
    assert "exit code 1" in replay.error
    assert "ValueError: broken" in replay.error


def test_signal_is_named(tmp_path):
    replay = shell(tmp_path, "kill -SEGV $$")
    assert (replay.outcome, replay.error) == ("crashed", "the program ended with signal SIGSEGV")


def test_hang_is_timed_out(tmp_path):
    replay = shell(tmp_path, f"exec sleep 100 # {MARK}", timeout_s=0.5)
    assert (replay.outcome, replay.error) == ("timed_out", "the program had not ended within 0.5 s")
    assert replay.duration_s < 10


def test_program_that_ignores_signals_is_ended(tmp_path):
    code = f"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(100) # {MARK}"
    assert replayed_command(tmp_path, command=(sys.executable, "-c", code), timeout_s=1).outcome == "timed_out"


def test_daemons_are_ended_and_told(tmp_path):
    replay = shell(tmp_path, f"setsid sh -c 'sleep 100 # {MARK}' >/dev/null 2>&1 & echo done")
    assert replay.trace.output == "done"
    assert any("sleep" in each or "sh" in each for each in replay.unfinished)


def test_forks_without_end_are_ended(tmp_path):
    script = f"for i in 1 2 3 4 5 6 7 8 9; do sh -c 'sleep 100 # {MARK}' & done; wait"
    assert shell(tmp_path, script, timeout_s=1).outcome == "timed_out"


def test_endless_output_ends_the_replay(tmp_path):
    replay = shell(tmp_path, f"yes {MARK}", timeout_s=60)
    assert (replay.outcome, replay.error) == ("crashed", "the program printed more than 16 MB")


def test_endless_complaints_are_cut(tmp_path):
    replay = shell(tmp_path, f"timeout 1 yes {MARK} >&2; echo done")
    assert (replay.outcome, replay.trace.output) == ("completed", "done")


def test_program_that_closes_its_output_is_waited_for(tmp_path):
    replay = shell(tmp_path, "exec >&- 2>&-; sleep 0.3; exit 4")
    assert (replay.outcome, replay.error) == ("crashed", "the program ended with exit code 4")


def test_program_that_reads_no_input_is_none_the_worse(tmp_path):
    assert shell(tmp_path, "echo done", turns=["x" * 5_000_000]).trace.output == "done"


def test_boundary_that_is_asked_for_ever_ends_the_replay(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "_MOST", 200)
    program = desk_doing(
        'while True: post(os.environ["UNREPEAT_BOUNDARY_URL"] + "/tool/get_order", {"order_id": "ord_1"})'
    )
    replay = replayed_command(tmp_path, program, timeout_s=300)
    assert replay.outcome == "crashed"
    assert "boundary calls" in replay.error


@pytest.mark.parametrize(
    "request_",
    [
        'open_url(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b"{not json")',
        'open_url(os.environ["OPENAI_BASE_URL"] + "/audio/speech", b"{}")',
        'open_url(os.environ["UNREPEAT_BOUNDARY_URL"] + "/teapot/x", b"{}")',
    ],
)
def test_request_that_is_none_is_refused_and_told(tmp_path, request_):
    program = desk_doing(
        "import urllib.error\n"
        "def open_url(url, body):\n"
        "    try: urllib.request.urlopen(urllib.request.Request(url, body, {'content-type': 'application/json'}))\n"
        "    except urllib.error.HTTPError as error: assert 400 <= error.code < 500, error\n"
        "    else: raise AssertionError('answered')\n"
        f"{request_}"
    )
    replay = replayed_command(tmp_path, program)
    assert replay.outcome == "completed", replay.error
    assert (len(replay.faults), replay.refused) == (1, ())


def test_connection_closed_in_mid_request_changes_nothing(tmp_path):
    program = desk_doing(
        "import socket\n"
        'host, port = os.environ["OPENAI_BASE_URL"].split("/")[2].split(":")\n'
        "for number in range(20):\n"
        "    with socket.create_connection((host, int(port))) as half:\n"
        '        half.sendall(b"POST /v1/chat/completions HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 100\\r\\n\\r\\n{")'
    )
    replay = replayed_command(tmp_path, program)
    assert (replay.outcome, replay.trace.output) == ("completed", "Done, refunded."), replay.error


def test_a_thousand_connections_change_nothing(tmp_path):
    program = desk_doing(
        "import socket, resource\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))\n"
        'host, port = os.environ["OPENAI_BASE_URL"].split("/")[2].split(":")\n'
        "held = [socket.create_connection((host, int(port))) for _ in range(1000)]"
    )
    replay = replayed_command(tmp_path, program)
    assert (replay.outcome, replay.trace.output) == ("completed", "Done, refunded."), replay.error


@pytest.mark.skipif(shutil.which("unshare") is None, reason="mounts a small disk in a namespace of its own")
def test_full_scratch_disk_is_a_crash_of_the_program(tmp_path):
    script = (
        "mount -t tmpfs -o size=2m none $1 && cd $2 && TMPDIR=$1 exec $3 -c '"
        "from tests.replayers.programs import replayed_command as run; from pathlib import Path;"
        'r = run(Path("prog"), command=("sh", "-c", "cat /dev/zero > $HOME/big"));'
        "print(r.outcome, r.error)'"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, "sh", disk, tmp_path, sys.executable],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(root)}, check=False,
    )  # fmt: skip
    assert "crashed the program ended with exit code 1" in done.stdout, done.stderr
    assert "No space left" in done.stdout


def test_interrupted_harness_leaves_no_program(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.replayers.programs import replayed_command;"
        f"replayed_command(Path(sys.argv[1]), command=('sh', '-c', 'sleep 100; echo {MARK}'))"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    harness = subprocess.Popen([sys.executable, "-c", code, tmp_path / "v"], env=env, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not processes_with(f"sleep 100; echo {MARK}")[1:] and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    harness.kill()
    harness.wait()
    assert all_gone(MARK)


@pytest.mark.parametrize("level", ["netns", "landlock"])
def test_what_is_left_running_gets_a_moment_and_is_named(tmp_path, level):
    if obstacles()[level]:
        pytest.skip(obstacles()[level])
    late = desk_doing(
        "if os.fork(): raise SystemExit\n"
        "import time; time.sleep(0.2)\n"
        'print(tool("get_order", {"order_id": "ord_1"}), flush=True)\n'
        "raise SystemExit"
    )
    replay = replayed_command(tmp_path / "late", late, isolation=level)
    assert [event.name for event in replay.events] == ["get_order"]
    assert replay.unfinished == ()
    never = shell(tmp_path / "never", f"setsid sleep 100 & # {MARK}", isolation=level)
    assert never.unfinished == ("the process sleep",)
