"""Confinement: what a program sees and may change of the machine, and what is told of its attempts."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.isolation.cell import prepared
from unrepeat.replayers.isolation.watch import Watch

from .cells import CONFINED, cell, needs, python, run, start

WRITE = """
import sys
for path in sys.argv[1:]:
    try:
        open(path, "w").write("x")
        print("wrote")
    except OSError as error:
        print(error.strerror)
"""


def write(level, root, *paths, **options):
    """Try to write to paths; return what came of each."""
    return run(level, root, sys.executable, "-c", WRITE, *map(str, paths), **options)[1].split("\n")[:-1]


@pytest.fixture
def outside():
    """Return a folder of the host that nothing hides."""
    path = Path(__file__).parent / "__pycache__"
    path.mkdir(exist_ok=True)
    return path


def test_writes_to_the_version_are_kept_in_the_scratch_folder(tmp_path):
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "kept.txt").write_text("as it was")
    assert write("netns", tmp_path, "kept.txt", "new.txt") == ["wrote", "wrote"]
    assert {path.name: path.read_text() for path in (tmp_path / "version").iterdir()} == {"kept.txt": "as it was"}
    assert sorted(path.name for path in (tmp_path / "scratch").rglob("*.txt")) == ["kept.txt", "new.txt"]


def test_version_is_read_only_under_landlock(tmp_path):
    assert write("landlock", tmp_path, "new.txt") == ["Permission denied"]


@pytest.mark.parametrize(("level", "refused"), [("netns", "Read-only file system"), ("landlock", "Permission denied")])
def test_nothing_else_of_the_host_is_written_to(tmp_path, outside, level, refused):
    target = outside / f"written-by-{level}"
    paths = [target, tmp_path / "scratch" / "x", "/dev/null"]
    assert write(level, tmp_path, *paths, reads=[outside]) == [refused, "wrote", "wrote"]
    assert not target.exists()
    assert (tmp_path / "scratch" / "x").read_text() == "x"


@pytest.mark.parametrize("name", ["a,b", "a:b", "a\\b", "a b", "ü\n", "x" * 200])
def test_version_folders_of_any_name_are_laid_over(tmp_path, name):
    (tmp_path / name).mkdir()
    assert write("netns", tmp_path / name, "new.txt") == ["wrote"]
    assert list((tmp_path / name / "version").iterdir()) == []


@pytest.mark.parametrize("level", CONFINED)
@pytest.mark.parametrize("version", ["version", "link", "project", "project/tmp/scratch/version", b"\xff"])
def test_folders_may_lie_in_each_other_and_be_links(tmp_path, level, version):
    needs(level)
    scratch = tmp_path / "project" / "tmp" / "scratch"
    for each in (tmp_path / "version", scratch / "version", tmp_path / os.fsdecode(b"\xff")):
        each.mkdir(parents=True)
    (tmp_path / "link").symlink_to("version")
    folder = tmp_path / os.fsdecode(version)
    streams: Any = {"stdin": None, "stdout": None, "stderr": subprocess.DEVNULL}
    with prepared(level, folder=folder, scratch=scratch) as made:
        code = 'echo x > "$HOME/written"; echo x > new; true'
        env = {"PATH": os.environ["PATH"], "HOME": str(scratch)}
        assert made.start(["sh", "-c", code], env=env, cwd=folder, **streams).wait(30) == 0
    assert (scratch / "written").read_text() == "x\n"
    assert level == "landlock" or not (folder / "new").exists()


def test_whole_file_system_is_no_version(tmp_path):
    streams: Any = {"stdin": None, "stdout": None, "stderr": None}
    with prepared("netns", folder=Path("/"), scratch=tmp_path) as made, pytest.raises(ReplayError, match="got /"):
        made.start(["true"], env={}, cwd="/", **streams)


def test_two_cells_over_one_version_do_not_see_each_others_writes(tmp_path):
    code = "read line; ls; echo x > $line; read line; ls"
    pipes = {"stdin": subprocess.PIPE}
    with cell("netns", tmp_path) as one, cell("netns", tmp_path) as other:
        first, second = (start(each, tmp_path, "sh", "-c", code, **pipes) for each in (one, other))
        assert first.communicate(b"a\nb\n", timeout=30)[0] == b"a\n"
        assert second.communicate(b"c\nd\n", timeout=30)[0] == b"c\n"


def test_processes_without_number_end_with_the_cell(tmp_path):
    code = "import os, time\nfor n in range(300):\n    if not os.fork(): os.setsid(); time.sleep(600)\nprint('ready')"
    with cell("netns", tmp_path) as made:
        process = start(made, tmp_path, sys.executable, "-uc", code + "; time.sleep(600)")
        assert process.stdout.readline() == b"ready\n"
        before = time.monotonic()
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("level", CONFINED)
def test_roots_of_other_processes_lead_nowhere(tmp_path, outside, level):
    target = outside / "through-another-root"
    paths = [f"/proc/{pid}/root{target}" for pid in (1, os.getpid(), os.getppid())]
    told = write(level, tmp_path, *paths, "/sys/fs/cgroup/cgroup.procs", "/proc/sysrq-trigger")
    assert "wrote" not in told
    assert not target.exists()


def test_what_is_written_to_temporary_folders_is_gone(tmp_path):
    mark = f"/tmp/{tmp_path.name}-of-a-cell"
    assert write("netns", tmp_path, mark, "/dev/shm/x", "/var/tmp/x") == ["wrote"] * 3
    assert not os.path.exists(mark)


def test_temporary_folders_hold_only_what_the_program_needs(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "needed").write_text("here")
    code = "cat ../data/needed; echo; ls .."
    _, out, _ = run("netns", tmp_path, "sh", "-c", code, reads=[tmp_path / "data"])
    assert out.split() == ["here", "data", "scratch", "version"]


def test_disks_and_kernel_settings_are_out_of_reach(tmp_path):
    devices = "import os; print(sorted(os.listdir('/dev')))"
    assert "shm" in python("netns", tmp_path, devices)[1]
    assert set(eval(python("netns", tmp_path, devices)[1])) == {
        *("fd", "full", "null", "ptmx", "pts", "random", "shm"),
        *("stderr", "stdin", "stdout", "urandom", "zero"),
    }
    assert write("netns", tmp_path, "/proc/sys/kernel/core_pattern") == ["Read-only file system"]


@pytest.mark.parametrize("level", CONFINED)
def test_no_capability_is_left_and_none_comes_back(tmp_path, level):
    code = "grep -E 'Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' /proc/self/status"
    _, out, _ = run(level, tmp_path, "sh", "-c", code)
    assert out.split()[1::2] == ["0" * 16] * 4 + ["1"]


@pytest.mark.parametrize("level", CONFINED)
@pytest.mark.parametrize(
    "command", ["unshare -Ur true", "unshare -n true", "mount -t tmpfs none /mnt", "strace -o /dev/null true"]
)
def test_new_namespaces_mounts_and_tracing_are_refused(tmp_path, level, command):
    code, out, _ = run(level, tmp_path, *command.split())
    assert code != 0, out


def test_pseudo_terminals_random_numbers_and_shared_memory_work(tmp_path):
    code = (
        "import multiprocessing, os, pty, tempfile; a, b = pty.openpty(); os.write(b, b'x'); os.read(a, 1)\n"
        "lock = multiprocessing.Lock(); lock.acquire(); assert os.urandom(4); tempfile.TemporaryFile().write(b'x')\n"
        "print(multiprocessing.get_context('fork').Pool(2).map(abs, [-1, -2]))"
    )
    assert python("netns", tmp_path, code)[:2] == (0, "[1, 2]\n")


def test_processes_of_the_host_are_not_seen(tmp_path):
    assert len(python("netns", tmp_path, "import os; print(os.listdir('/proc'))")[1].split("'1'")) == 2
    assert run("netns", tmp_path, "sh", "-c", f"kill -0 {os.getpid()}")[0] != 0


def test_harness_is_out_of_reach_of_signals_under_landlock(tmp_path):
    assert run("landlock", tmp_path, "sh", "-c", f"kill -0 {os.getpid()}")[0] != 0


def test_attempt_names_address_program_and_process(tmp_path):
    code = "import socket, sys\ntry: socket.create_connection(('192.0.2.1', 443))\nexcept OSError as e: print(e)"
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "agent.py").write_text(code)
    _, out, attempts = run("netns", tmp_path, sys.executable, "agent.py")
    assert out == "[Errno 111] Connection refused\n"
    assert attempts == (f"connect 192.0.2.1:443 by {Path(sys.executable).name} agent.py (pid 2)",)


@pytest.mark.parametrize("level", CONFINED)
def test_attempts_are_counted_and_limited(tmp_path, level):
    code = (
        "import socket\n"
        "for n in [*range(1, 131), 1, 1]:\n"
        "    try: socket.create_connection((f'192.0.2.{n}', 443))\n"
        "    except OSError: pass\n"
    )
    _, _, attempts = python(level, tmp_path, code)
    assert len(attempts) == 101
    assert attempts[0].endswith(" (3 times)")
    assert attempts[-1] == "and 30 more attempts"


@pytest.mark.parametrize("level", CONFINED)
def test_text_of_the_program_obeys_nothing_in_attempts(tmp_path, level):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 443))\nexcept OSError: pass"
    _, _, attempts = run(level, tmp_path, sys.executable, "-c", code, "\x1b[2J\u202e")
    assert "\\x1b" in attempts[0]
    assert attempts[0].isprintable()


def test_servers_of_the_program_itself_are_no_attempt(tmp_path):
    code = (
        "import socket\n"
        "late = socket.socket()\n"
        "print(late.connect_ex(('127.0.0.1', 5000)))\n"  # before it is served: as if somebody waited for it
        "server = socket.create_server(('127.0.0.1', 5000))\n"
        "print(socket.create_connection(('localhost', 5000)).getpeername())\n"
        "unix = socket.socket(socket.AF_UNIX); unix.bind('/tmp/own'); unix.listen()\n"
        "socket.socket(socket.AF_UNIX).connect('/tmp/own')\n"
        "datagram = socket.socket(type=socket.SOCK_DGRAM); datagram.bind(('127.0.0.1', 5001))\n"
        "print(socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 5001)))\n"
    )
    assert python("netns", tmp_path, code) == (0, "111\n('127.0.0.1', 5000)\n1\n", ())


def test_many_calls_are_answered_from_many_threads(tmp_path):
    code = (
        "import os, socket; from concurrent.futures import ThreadPoolExecutor\n"
        "def one(n):\n"
        "    if n % 2: return socket.create_connection(('127.0.0.1', int(os.environ['PORT']))).recv(1)\n"
        "    return socket.socket().connect_ex(('192.0.2.1', 80))\n"
        "print(sorted(map(str, set(ThreadPoolExecutor(20).map(one, range(400))))))\n"
    )
    with cell("netns", tmp_path, listeners=1) as made:
        process = start(made, tmp_path, sys.executable, "-c", code, env={"PORT": str(made.ports[0])})
        threading.Thread(target=_answer, args=(made.sockets[0],), daemon=True).start()
        assert process.communicate(timeout=60)[0] == b"['111', \"b'x'\"]\n"
        (attempt,) = made.take_attempts()
    assert attempt.endswith(" (200 times)")


def _answer(server: socket.socket) -> None:
    for _ in range(200):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"x")


def test_watch_that_fails_refuses_tells_and_goes_on(tmp_path, monkeypatch):
    judge = Watch._refusal

    def fails_once(self, *question):
        monkeypatch.setattr(Watch, "_refusal", judge)
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Watch, "_refusal", fails_once)
    code = "import socket\nfor n in (1, 2): print(socket.socket().connect_ex(('192.0.2.1', 443)))"
    _, out, attempts = python("netns", tmp_path, code, timeout=20)
    assert out == "13\n111\n"
    assert attempts[0] == "a call that the watch could not judge (RuntimeError)"


RACE = """
import ctypes, os, socket, struct, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
addresses = [struct.pack("=H", 2) + struct.pack("!H4s8x", int(port), bytes([127, 0, 0, 1])) for port in sys.argv[1:]]
shared = ctypes.create_string_buffer(addresses[0], 16)

def flip():
    while True:
        for address in reversed(addresses):
            ctypes.memmove(shared, address, 16)

threading.Thread(target=flip, daemon=True).start()
for _ in range(500):
    with socket.socket() as one:
        one.setblocking(False)
        libc.connect(one.fileno(), shared, 16)
"""


@pytest.mark.parametrize("level", CONFINED)
def test_address_that_is_changed_behind_the_watch_leads_nowhere(tmp_path, level):
    with socket.create_server(("127.0.0.1", 0)) as outside, cell(level, tmp_path, listeners=1) as made:
        ports = [str(made.ports[0]), str(outside.getsockname()[1])]
        process = start(made, tmp_path, sys.executable, "-c", RACE, *ports)
        assert process.communicate(timeout=60)[0] == b""
        outside.setblocking(False)
        with pytest.raises(BlockingIOError):
            outside.accept()
        assert made.take_attempts()


@pytest.mark.parametrize("level", CONFINED)
def test_program_that_was_killed_in_mid_question_leaves_the_watch_going(tmp_path, level):
    code = (
        "import os, socket\n"
        "for _ in range(30):\n"
        "    if os.fork() == 0:\n"
        "        import threading, time\n"
        "        threading.Timer(0.01, lambda: os._exit(0)).start()\n"
        "        while True: socket.socket().connect_ex(('192.0.2.1', 80))\n"
        "    os.wait()\n"
        "print(socket.socket().connect_ex(('192.0.2.2', 80)))"
    )
    _, out, attempts = python(level, tmp_path, code)
    assert out in ("111\n", "13\n")
    assert any("192.0.2.2:80" in each for each in attempts)


@pytest.mark.parametrize(("level", "seen"), [("none", "read\n"), ("landlock", ""), ("netns", "")])
def test_keys_in_the_environment_of_other_processes_cannot_be_read(tmp_path, level, seen):
    code = "for each in /proc/[0-9]*/environ; do grep -qs KEY_OF_ANOTHER=1 $each && echo read; done; true"
    with subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], "KEY_OF_ANOTHER": "1"}) as other:
        try:
            assert run(level, tmp_path, "sh", "-c", code)[:2] == (0, seen)
        finally:
            other.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_device_nodes_elsewhere_cannot_be_opened(tmp_path):
    (tmp_path / "nodes").mkdir()
    os.mknod(tmp_path / "nodes" / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    path = tmp_path / "nodes" / "null"
    assert write("none", tmp_path, path, reads=[path.parent]) == ["wrote"]
    assert write("netns", tmp_path, path, "/dev/null", reads=[path.parent]) == ["Permission denied", "wrote"]


def test_version_and_needs_in_shared_memory_are_seen():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as root:
        Path(root, "data").mkdir()
        Path(root, "data", "needed").write_text("here")
        reads = [Path(root, "data")]
        assert run("netns", root, "sh", "-c", "cat ../data/needed; touch x; ls", reads=reads)[1] == "herex\n"


OTHER_CALLS = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid of 32-bit programs); int 0x80; ret
function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print(function() > 0)
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="other machines have no such calls")
@pytest.mark.parametrize("level", CONFINED)
def test_system_calls_with_other_numbers_are_refused(tmp_path, level):
    if "True" not in python("none", tmp_path, OTHER_CALLS)[1]:
        pytest.skip("this kernel has no 32-bit system calls")
    assert python(level, tmp_path, OTHER_CALLS)[:2] == (0, "False\n")


TERMINAL = """
import fcntl, sys, termios
for mode in ("r+b", "wb", "ab"):
    try:
        open(sys.argv[1], mode, buffering=0).write(b"\\x1b]52;c;eA==\\x07")
        print("wrote")
    except OSError:
        print("refused")
try:
    with open(sys.argv[1], "rb", buffering=0) as terminal:
        fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
    print("typed")
except OSError:
    print("refused")
"""


@pytest.mark.parametrize("level", CONFINED)
def test_terminals_of_the_user_are_not_written_to(tmp_path, level):
    ours, theirs = os.openpty()
    try:
        _, out, _ = run(level, tmp_path, sys.executable, "-c", TERMINAL, os.ttyname(theirs))
        assert out.split() == ["refused"] * 4
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)
    finally:
        os.close(ours)
        os.close(theirs)


TYPE = """
import fcntl, os, pty, sys, termios
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
os.setsid()
ours, theirs = os.openpty()
fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
try:
    fcntl.ioctl(theirs, termios.TIOCSTI, b"x")
    print("typed")
except OSError as error:
    print(error.strerror)
"""


def test_nothing_is_typed_into_a_terminal(tmp_path):
    assert python("netns", tmp_path, TYPE)[:2] == (0, "Operation not permitted\n")


UNIX = """
import os, socket, sys
folder = sys.argv[1]
os.makedirs("/tmp/own")
os.symlink(folder, "/tmp/own/link")
os.symlink("/tmp/own/link", "/tmp/own/again")
os.symlink("again/../" + os.path.basename(folder), "/tmp/own/up")
os.symlink("loop", "/tmp/own/loop")
opened = os.open(folder, os.O_RDONLY)
os.dup2(opened, 407)
os.chdir(folder)
ways = ["../" + os.path.basename(folder), ".", "/tmp/own/link", "/tmp/own/again", "/tmp/own/up", "/tmp/own/loop"]
ways += ["/proc/self/fd/407", "/proc/self/cwd", f"/proc/{os.getpid()}/fd/407", "/proc/thread-self/cwd/."]
ways += ["/dev/fd/407", "/../tmp/own/again"]
for way in ways:
    for name in ("relative", "@sign"):
        with socket.socket(socket.AF_UNIX) as one:
            print(one.connect_ex(f"{way}/{name}" if way != "." else name))
"""


@pytest.fixture
def listening(outside):
    """Return a folder that is seen, with sockets of the host that are bound by relative names, and bound late."""
    with tempfile.TemporaryDirectory(dir=outside) as folder, contextlib.ExitStack() as closing:
        for name in ("relative", "@sign"):
            server = closing.enter_context(socket.socket(socket.AF_UNIX))
            _bind_relative(server, folder, name)
            server.listen()
            server.setblocking(False)
        yield Path(folder)


def _bind_relative(server, folder, name):
    before = os.getcwd()
    os.chdir(folder)
    try:
        server.bind(name)
    finally:
        os.chdir(before)


def test_sockets_of_the_host_are_refused_and_told_whatever_leads_to_them(tmp_path, listening):
    _, out, attempts = run("netns", tmp_path, sys.executable, "-c", UNIX, str(listening), reads=[listening.parent])
    assert out.split() == ["111"] * 24
    assert len(attempts) == 24


def test_sockets_of_the_host_that_the_version_shows_are_refused(tmp_path):
    (tmp_path / "version").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        _bind_relative(server, tmp_path / "version", "relative")
        server.listen()
        code = "import socket; print(socket.socket(socket.AF_UNIX).connect_ex('relative'))"
        _, out, attempts = python("netns", tmp_path, code)
        assert (out, len(attempts)) == ("111\n", 1)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


OWN = """
import os, socket
os.makedirs("/tmp/own/deep")
os.symlink("/tmp/own", "/tmp/link")
for folder in ("/tmp/own", os.getcwd(), os.environ["HOME"], "/tmp/link", "/dev/shm"):
    server = socket.socket(socket.AF_UNIX)
    server.bind(folder + "/socket")
    server.listen()
    opened = os.open(folder, os.O_RDONLY)
    for way in (folder, f"/proc/self/fd/{opened}", "/tmp/../" + folder, f"/proc/thread-self/fd/{opened}"):
        print(socket.socket(socket.AF_UNIX).connect_ex(way + "/socket"))
    server.close()
    os.unlink(folder + "/socket")
    print(socket.socket(socket.AF_UNIX).connect_ex(folder + "/socket"))
"""


def test_sockets_of_the_program_itself_are_reached_and_those_that_are_not_there_are_no_attempt(tmp_path):
    assert python("netns", tmp_path, OWN) == (0, "0\n0\n0\n0\n2\n" * 5, ())


NUMBERS = """
import ctypes, resource, os, sys
libc = ctypes.CDLL(None, use_errno=True)
other = int(sys.argv[1])
for pid in (0, os.getpid(), other):
    try:
        resource.prlimit(pid, resource.RLIMIT_CPU, (600, 600))
        print("set")
    except OSError as error:
        print(type(error).__name__)
print(libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600), libc.semget(0, 1, 0o1600), libc.mq_open(b"/unrepeat", 0))
print(ctypes.get_errno())
"""


def test_limits_and_shared_memory_of_the_host_are_out_of_reach_under_landlock(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            before = resource.prlimit(other.pid, resource.RLIMIT_CPU)
            _, out, _ = run("landlock", tmp_path, sys.executable, "-c", NUMBERS, str(other.pid))
            assert out.splitlines() == ["set", "set", "PermissionError", "-1 -1 -1 -1", "1"]
            assert resource.prlimit(other.pid, resource.RLIMIT_CPU) == before
        finally:
            other.kill()
