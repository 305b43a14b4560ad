"""Measuring: each probe at each level, whether it got out, and whether the attempt was told with who made it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.integration.egress.outside import Outside

from unrepeat.replayers.isolation.cell import prepared
from unrepeat.replayers.isolation.ladder import obstacles
from unrepeat.replayers.isolation.levels import Level

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHILD = ROOT / "replayers" / "child" / "start.py"
LEVELS: tuple[Level, ...] = ("netns", "landlock", "guard")
STOPPED, TOLD, OUT = "stopped", "stopped, told", "**gets through**"
NOT_RUN, NOT_FOR_IT = "not run here", "—"


@dataclass(frozen=True)
class Probe:
    """A way out."""

    title: str
    program: str
    """``python``, ``node`` or ``curl``."""
    name: str
    """The function, or the arguments."""
    needs: str = ""
    """A package that it is about."""
    processes: bool = False
    """Whether the guard lets Python start processes."""

    @property
    def missing(self) -> str:
        """Why it cannot run here; empty where it can."""
        if self.needs and importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed (dependency group `clients`)"
        if self.program != "python" and shutil.which(self.program) is None:
            return f"{self.program} is not installed"
        return ""

    def command(self, env: dict[str, str]) -> list[str]:
        """Return the program and its arguments."""
        if self.program == "node":
            return ["node", str(HERE / "probe.mjs"), self.name]
        if self.program == "curl":
            return ["curl", "-s", "-m", "3", *self.name.format(**env).split()]
        return [sys.executable, str(HERE / "probes.py"), self.name]


PROBES = (
    Probe("Python `socket`", "python", "python_socket"),
    Probe("Python `_socket`", "python", "c_socket"),
    Probe("Python `asyncio`", "python", "asyncio_streams"),
    Probe("Python, UDP", "python", "udp"),
    Probe("Python, UDP after `connect`", "python", "udp_connected"),
    Probe("Python, look-up of a name", "python", "dns"),
    Probe("Python, TCP Fast Open", "python", "fast_open"),
    Probe("Python, Multipath TCP", "python", "multipath"),
    Probe("Python, a subprocess", "python", "from_a_subprocess"),
    Probe("Python, a subprocess where they are allowed", "python", "from_a_subprocess", processes=True),
    Probe("uvloop", "python", "uvloop", needs="uvloop"),
    Probe("pycurl", "python", "pycurl", needs="pycurl"),
    Probe("gRPC", "python", "grpc", needs="grpc"),
    Probe("psycopg", "python", "psycopg", needs="psycopg"),
    Probe("ctypes, `connect`", "python", "ctypes_connect"),
    Probe("ctypes, `sendmmsg` over UDP", "python", "udp_many"),
    Probe("ctypes, io_uring", "python", "io_uring"),
    Probe("Unix socket such as Docker's, Python", "python", "unix_socket"),
    Probe("Unix socket in a folder that is seen, Python", "python", "plain_unix_socket"),
    Probe("Unix socket bound by a relative name, through `/proc/self/fd`, Python", "python", "relative_unix_socket"),
    Probe("Unix datagram to a path, Python", "python", "unix_datagram_of_a_pair"),
    Probe("abstract Unix socket, Python", "python", "abstract_socket"),
    Probe("vsock, Python (opening it counts)", "python", "vsock"),
    Probe("Node `net.connect`", "node", "connect"),
    Probe("Node `fetch`", "node", "fetch"),
    Probe("Node, UDP", "node", "udp"),
    Probe("Node, Unix socket such as Docker's", "node", "unix"),
    Probe("curl", "curl", "http://127.0.0.1:{PROBE_TCP}/"),
    Probe("curl, Unix socket such as Docker's", "curl", "--unix-socket {PROBE_UNIX} http://docker/"),
)


def measured(probe: Probe, level: Level) -> str:
    """Return what came of a probe at a level: one of the words of the table."""
    if level == "guard" and probe.program != "python":
        return NOT_FOR_IT
    if probe.missing or obstacles()[level]:
        return NOT_RUN
    got_out, told = attempt(probe, level)
    if got_out:
        return OUT
    return TOLD if any(_names(probe, each) for each in told) else STOPPED


def attempt(probe: Probe, level: Level) -> tuple[bool, tuple[str, ...]]:
    """Try to get out; return whether that was seen outside, and what was told of it."""
    with tempfile.TemporaryDirectory(prefix="egress-", dir="/tmp") as root:
        outside = Outside(Path(root), _seen_folder())
        try:
            output, told = _run(probe, level, Path(root), outside.env)
        finally:
            outside.close()
        return bool(outside.arrivals) or b"opened" in output, told


def _run(probe: Probe, level: Level, root: Path, targets: dict[str, str]) -> tuple[bytes, tuple[str, ...]]:
    for name in ("version", "scratch"):
        (root / name).mkdir()
    read, write = os.pipe()
    command, fds = probe.command(targets), []
    if level == "guard":
        allowed = "yes" if probe.processes else "no"
        command, fds = [sys.executable, str(HERE / "guarded.py"), str(CHILD), str(write), allowed, probe.name], [write]
    env = {"PATH": os.environ["PATH"], "HOME": str(root / "scratch"), **targets}
    with open(read, "rb") as reports:
        with prepared(level, folder=root / "version", scratch=root / "scratch", reads=[HERE]) as cell:
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            process = cell.start(command, env=env, cwd=root / "version", pass_fds=fds, **streams)
            os.close(write)
            output, _ = process.communicate(timeout=60)
            told = cell.take_attempts()
        return output, (*told, *(line.decode() for line in reports))


def _names(probe: Probe, told: str) -> bool:
    """Tell whether an attempt is told with who made it: the program, or the line of code."""
    return "probes.py:" in told or f" by {probe.program}" in told


def _seen_folder() -> Path:
    """Return a folder that is seen inside, so that only masking hides what is in it."""
    folder = HERE / "__pycache__"
    folder.mkdir(exist_ok=True)
    return folder
