"""Cells: how a program starts, ends, and what is left of it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.isolation.cell import prepared

from .cells import CONFINED, EVERY, cell, needs, python, run, start

STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("ready", flush=True)
        os.write(write, b"x")
        time.sleep(600)
    os._exit(0)
os.read(read, 1)
time.sleep(600 if len(sys.argv) > 2 else 0)
"""
MARK = f"stubborn-program-of-test-{os.getpid()}"
"""Not that of another run of these tests."""


def with_argument(text):
    """Return the processes that have a text among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_bytes().decode("utf-8", "replace").split("\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("level", EVERY)
@pytest.mark.parametrize(
    ("code", "expected"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15), ("kill -9 $$", -9)]
)
def test_end_of_the_program_is_the_end_that_is_seen(tmp_path, level, code, expected):
    assert run(level, tmp_path, "sh", "-c", code)[0] == expected


@pytest.mark.parametrize("level", EVERY)
def test_signal_reaches_the_program(tmp_path, level):
    with cell(level, tmp_path) as made:
        process = start(
            made, tmp_path, "sh", "-c", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
        )
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert (process.wait(10), process.stdout.read()) == (5, b"got it\n")


@pytest.mark.parametrize("level", EVERY)
@pytest.mark.parametrize("ends", [True, False])
def test_nothing_stays_of_what_double_forks_and_ignores_signals(tmp_path, level, ends):
    mark = f"{MARK}-{level}-{ends}"
    with cell(level, tmp_path) as made:
        arguments = [mark] if ends else ["stay", mark]
        process = start(made, tmp_path, sys.executable, "-c", STUBBORN, *arguments)
        assert process.stdout.readline() == b"ready\n"
        if ends:
            assert process.wait(10) == 0
        assert with_argument(mark) or level in CONFINED
    assert with_argument(mark) == []


@pytest.mark.parametrize("level", CONFINED)
@pytest.mark.parametrize("ends", [True, False])
def test_nothing_stays_of_what_also_clears_its_environment(tmp_path, level, ends):
    mark = f"{MARK}-{level}-{ends}-bare"
    stay = "wait" if not ends else "sleep 0.2"
    code = f"(setsid env -i sh -c '(sleep 600; true) & sleep 600; true' {mark} &) & {stay}; sleep {0 if ends else 600}"
    with cell(level, tmp_path) as made:
        process = start(made, tmp_path, "sh", "-c", code)
        if ends:
            assert process.wait(10) == 0
            assert with_argument(mark) == []
        else:
            while not with_argument(mark):
                time.sleep(0.01)
    assert with_argument(mark) == []


@pytest.mark.parametrize("level", EVERY)
def test_program_that_is_not_there_is_the_engineers_error(tmp_path, level):
    with pytest.raises(ReplayError, match="expected to start no-such-program"):
        run(level, tmp_path, "no-such-program")


@pytest.mark.parametrize("level", CONFINED)
def test_output_ends_when_the_program_closes_it(tmp_path, level):
    with cell(level, tmp_path) as made:
        process = start(made, tmp_path, "sh", "-c", "exec >&- 2>&-; sleep 30")
        before = time.monotonic()
        assert process.stdout.read() == b""
        assert time.monotonic() - before < 10


@pytest.mark.parametrize("level", EVERY)
def test_inherited_files_are_those_that_were_named(tmp_path, level):
    read, write = os.pipe()
    code = (
        f"import os; os.write({write}, b'x'); names = os.listdir('/proc/self/fd')\n"
        "print(sorted(int(name) for name in names if os.path.exists('/proc/self/fd/' + name)))"
    )
    try:
        with cell(level, tmp_path, listeners=2) as made:
            process = start(made, tmp_path, sys.executable, "-c", code, pass_fds=(write,))
            assert process.communicate(timeout=30)[0].decode().strip() == str([0, 1, 2, write])
        assert os.read(read, 1) == b"x"
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("level", EVERY)
def test_listener_answers_the_program(tmp_path, level):
    code = "import os, socket; print(socket.create_connection(('127.0.0.1', int(os.environ['PORT']))).recv(9))"
    with cell(level, tmp_path, listeners=1) as made:
        process = start(made, tmp_path, sys.executable, "-c", code, env={"PORT": str(made.ports[0])})
        connection, _ = made.sockets[0].accept()
        with connection:
            connection.sendall(b"hello")
        assert process.communicate(timeout=30)[0] == b"b'hello'\n"
        assert made.take_attempts() == ()


@pytest.mark.parametrize("level", CONFINED)
def test_environment_is_all_that_was_given_and_large(tmp_path, level):
    code = "import os; print(sum(len(value) for name, value in os.environ.items() if 'BIG' in name))"
    big = {f"BIG{index}": "x" * 100_000 for index in range(15)}
    with cell(level, tmp_path, allow_subprocess=False) as made:
        process = made.start(
            [sys.executable, "-c", code],
            env=big,
            cwd=tmp_path,
            stdin=None,
            stdout=subprocess.PIPE,
            stderr=None,
        )
        assert process.communicate(timeout=30)[0] == b"1500000\n"


@pytest.mark.parametrize("level", CONFINED)
def test_cell_ends_with_a_harness_that_is_killed(tmp_path, level):
    needs(level)
    mark = f"{MARK}-{level}-killed"
    code = (
        "import sys, subprocess; from pathlib import Path\n"
        "from unrepeat.replayers.isolation.cell import prepared\n"
        "root = Path(sys.argv[1])\n"
        "with prepared(sys.argv[3], folder=root, scratch=root) as cell:\n"
        "    cell.start(['sh', '-c', 'echo ready; sleep 600', sys.argv[2]], env={'PATH': '/usr/bin:/bin'}, cwd=root,"
        " stdin=None, stdout=None, stderr=None).wait()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), mark, level]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"ready\n"
        found = with_argument(mark)
        harness.kill()  # before anything can fail: leaving the context waits for it
    assert len(found) >= 2
    deadline = time.monotonic() + 10
    while with_argument(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert with_argument(mark) == []


@pytest.mark.parametrize("level", EVERY)
@pytest.mark.parametrize(("left", "expected"), [("sleep 60 &", ("sleep",)), ("true", ())])
def test_what_is_left_is_told_although_the_program_has_still_to_end(tmp_path, level, left, expected):
    with cell(level, tmp_path) as made:
        start(made, tmp_path, "sh", "-c", f"{left} sleep 0.3" if "&" in left else f"{left}; sleep 0.3")
        assert made.left_behind() == expected


@pytest.mark.parametrize("level", CONFINED)
def test_silence_about_what_is_left_is_not_nothing(tmp_path, level):
    with cell(level, tmp_path) as made:
        start(made, tmp_path, "sleep", "60").kill()
        assert made.left_behind() is None


@pytest.mark.parametrize("level", EVERY)
def test_what_is_left_of_a_program_that_does_not_end_is_not_known(tmp_path, level, monkeypatch):
    monkeypatch.setattr("unrepeat.replayers.isolation.cell._END_TIMEOUT_S", 0.2)
    with cell(level, tmp_path) as made:
        start(made, tmp_path, "sleep", "60")
        assert made.left_behind() is None


def test_hundreds_of_processes_left_are_counted(tmp_path):
    with cell("netns", tmp_path) as made:
        start(made, tmp_path, "sh", "-c", "for n in $(seq 150); do sleep 60 & done")
        assert made.left_behind() == (*["sleep"] * 100, "50 more")


def held():
    """Return how many open files, threads, child processes and mounts this process has."""
    children = sum(len(path.read_text().split()) for path in Path("/proc/self/task").glob("*/children"))
    mounts = Path("/proc/self/mountinfo").read_text().count("\n")
    return len(os.listdir("/proc/self/fd")), threading.active_count(), children, mounts


@pytest.mark.parametrize("level", CONFINED)
def test_fifty_cells_leave_nothing(tmp_path, level):
    run(level, tmp_path, "true", listeners=1)
    before = held()
    for index in range(50):
        run(level, tmp_path, "sh", "-c", f"exit {index % 3}", listeners=2)
    assert held() == before
    assert [each for each in os.listdir(tmp_path / "scratch") if "work" in each] == []


def test_fifty_cells_fit_into_a_few_namespaces(tmp_path):
    """Those of the cells before are gone, or the kernel would refuse one more."""
    needs("netns")
    code = (
        "import sys; from tests.replayers.cells import run\n"
        "print([run('netns', sys.argv[1], 'true', listeners=1)[0] for _ in range(50)] == [0] * 50)"
    )
    limit = 'for each in user net mnt pid ipc uts; do echo 12 > /proc/sys/user/max_${each}_namespaces; done; exec "$@"'
    command = ["unshare", "-Ur", "sh", "-ec", limit, "sh", sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


def test_failed_starts_leave_nothing(tmp_path):
    needs("netns")
    before = held()
    for _ in range(5):
        with pytest.raises(ReplayError):
            run("netns", tmp_path, "no-such-program", listeners=2)
    assert held() == before


@pytest.mark.parametrize("level", CONFINED)
def test_cells_of_several_threads_do_not_meet(tmp_path, level):
    def one(index):
        (tmp_path / str(index)).mkdir()
        code = (
            "import os, socket; s = socket.create_connection(('127.0.0.1', int(os.environ['PORTS'])));"
            f"print({index}, os.listdir('.'), s.getpeername()[0])\n"
            f"open(os.environ['HOME'] + '/n', 'w').write('{index}')"
        )
        return python(level, tmp_path / str(index), code, listeners=1)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, range(16)))
    assert [(code, out) for code, out, _ in done] == [(0, f"{index} [] 127.0.0.1\n") for index in range(16)]
    assert [(tmp_path / str(index) / "scratch" / "n").read_text() for index in range(16)] == [str(n) for n in range(16)]


def test_level_that_cannot_be_set_up_never_runs_the_program(tmp_path):
    needs("netns")
    missing = tmp_path / "gone"
    missing.mkdir()
    with prepared("netns", folder=missing, scratch=tmp_path) as made:
        missing.rmdir()
        with pytest.raises(ReplayError, match=r"at level netns, got a refusal to find .*gone"):
            made.start(
                ["touch", str(tmp_path / "ran")],
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                stdin=None,
                stdout=None,
                stderr=None,
            )
    assert not (tmp_path / "ran").exists()


def test_listeners_of_two_cells_have_ports_of_their_own_network(tmp_path):
    with cell("netns", tmp_path, listeners=1) as one, cell("netns", tmp_path, listeners=1) as other:
        start(one, tmp_path, "true")
        start(other, tmp_path, "true")
        assert one.ports == other.ports
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", one.ports[0]), timeout=2)


def test_signals_of_the_harness_group_do_not_reach_the_program(tmp_path):
    with cell("netns", tmp_path) as made:
        process = start(made, tmp_path, "sleep", "30")
        assert os.getpgid(process.pid) != os.getpgid(0)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("level", EVERY)
def test_too_few_open_files_are_told_and_leave_nothing(tmp_path, level):
    run(level, tmp_path, "true", listeners=1)
    before, (soft, hard) = held(), resource.getrlimit(resource.RLIMIT_NOFILE)
    free = sorted(set(range(1024)) - set(map(int, os.listdir("/proc/self/fd"))))
    failed = []
    for spare in range(1, 24):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (free[spare], hard))
            run(level, tmp_path, "true", listeners=3)
        except (ReplayError, OSError) as error:
            failed.append(type(error))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert held() == before
    assert any(issubclass(each, ReplayError) for each in failed)
