"""Measures what a cell costs: programs started plainly and at each level of isolation, to their last process.

    python -m benchmarks.isolation [--runs N] [--quick] [--json]

Programs: one that does nothing, Python importing pydantic, Python importing the OpenAI client, Node. All are started in
turn; medians of wall time are printed, with the ratio to the plain start of the same program. Also: what one call
of `connect` costs that the watch is asked about, and what the whole replay of an app takes beside a plain start of it,
in wall time and in CPU time of the harness and the app together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from unrepeat.cases.trace import Source, Trace
from unrepeat.replayers.isolation.cell import prepared
from unrepeat.replayers.isolation.ladder import obstacles
from unrepeat.replayers.isolation.levels import Level
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import Version
from unrepeat.replayers.system import Checkout, PythonSystem

from .measure import Row, cell, interleaved, ratio, table

LEVELS: tuple[Level, ...] = ("none", "guard", "landlock", "netns")
PROGRAMS = {
    "nothing (`true`)": ["true"],
    "Python": [sys.executable, "-c", ""],
    "Python, `import pydantic`": [sys.executable, "-c", "import pydantic"],
    "Python, `import openai`": [sys.executable, "-c", "import openai"],
    "Node": ["node", "-e", ""],
}
APPS = {"app that imports nothing": "", "app that imports openai": "import openai\n"}
MAX_RUNS_OF_APPS = 15
CONNECTS = 2000
CONNECT = f"""
import json, os, socket, time
address = ("127.0.0.1", int(os.environ["PORT"]))
started = time.perf_counter()
for _ in range({CONNECTS}):
    with socket.socket() as one:
        one.connect(address)
print(json.dumps({{"connect_s": (time.perf_counter() - started) / {CONNECTS}}}))
"""


def started(level: Level, command: list[str]) -> Row:
    """Run a program in a cell of its own; return ``wall_s`` from before the cell to after it."""
    if obstacles()[level]:
        return {"missing": "not to be had"}
    with tempfile.TemporaryDirectory() as version, tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        with prepared(level, folder=Path(version), scratch=Path(scratch), listeners=1) as made:
            null = subprocess.DEVNULL
            env = {"PATH": os.environ["PATH"], "HOME": scratch}
            code = made.start(command, env=env, cwd=version, stdin=null, stdout=null, stderr=null).wait()
        return {"wall_s": time.perf_counter() - begin} if code == 0 else {"missing": "not installed"}


def connected(level: Level) -> Row:
    """Connect many times to the harness; return ``connect_s``, of one."""
    if obstacles()[level]:
        return {"missing": "not to be had"}
    with (
        tempfile.TemporaryDirectory() as folder,
        prepared(level, folder=Path(folder), scratch=Path(folder), listeners=1) as made,
    ):
        env = {"PATH": os.environ["PATH"], "PORT": str(made.ports[0])}
        streams = {"stdin": subprocess.DEVNULL, "stderr": None}
        command = [sys.executable, "-c", CONNECT]
        process = made.start(command, env=env, cwd=folder, stdout=subprocess.PIPE, **streams)
        for _ in range(CONNECTS):
            made.sockets[0].accept()[0].close()
        said, _ = process.communicate()
    return dict(json.loads(said))


def replayed(level: Level, folder: Path) -> Row:
    """Replay the app of a folder, or start it plainly (``none``); return ``wall_s`` and ``cpu_s``."""
    if obstacles()[level]:
        return {"missing": "not to be had"}
    begin, cpu_before = time.perf_counter(), _cpu_s()
    if level == "none":
        is_done = (
            subprocess.run([sys.executable, "app.py"], cwd=folder, capture_output=True, check=False).returncode == 0
        )
    else:
        system = PythonSystem(name="app", entry="app:handle", boundaries={}, isolation=level)
        trace = Trace(trace_id="t", source=Source(format="bench"), input={"text": "hello"})
        checkout = Checkout(version=Version(label="v"), folder=folder)
        is_done = replay_python(trace, system, checkout, arguments=trace.input).outcome == "completed"
    cost = {"wall_s": time.perf_counter() - begin, "cpu_s": _cpu_s() - cpu_before}
    if level == "netns":
        del cost["cpu_s"]  # the kernel does not pass on that of what it ends with its namespace
    return cost if is_done else {"missing": "not installed"}


def _cpu_s() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure_apps(runs: int) -> dict[str, dict[str, Row]]:
    """Measure the replay of each app at all levels."""
    found: dict[str, dict[str, Row]] = {}
    for name, imports in APPS.items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "app.py").write_text(f"{imports}def handle(text):\n    return text\n")
            sides: dict[str, Callable[[], Row]] = {
                level: lambda at=level: replayed(at, Path(folder)) for level in LEVELS
            }
            interleaved(sides, 1)  # compiles what is not compiled yet
            found[f"replay of an {name}"] = interleaved(sides, min(runs, MAX_RUNS_OF_APPS))
    return found


def measure(runs: int) -> dict[str, dict[str, Row]]:
    """Measure all programs at all levels."""
    found: dict[str, dict[str, Row]] = {}
    for name, command in PROGRAMS.items():
        sides: dict[str, Callable[[], Row]] = {level: lambda at=level, do=command: started(at, do) for level in LEVELS}
        interleaved(sides, 1)  # compiles what is not compiled yet
        found[name] = interleaved(sides, runs)
    found |= measure_apps(runs)
    found["one `connect` to the harness"] = interleaved(
        {level: lambda at=level: connected(at) for level in LEVELS}, max(1, runs // 10)
    )
    return found


def report(found: dict[str, dict[str, Row]]) -> str:
    """Return the table."""
    lines = []
    for name, rows in found.items():
        lines.append(_line(name, rows, "connect_s" if "connect" in name else "wall_s"))
        if "replay" in name:
            lines.append(_line(f"{name}, CPU", rows, "cpu_s"))
    return table(["ms", *(f"`{level}`" for level in LEVELS), "`landlock` : `none`", "`netns` : `none`"], lines)


def _line(name: str, rows: dict[str, Row], number: str) -> list[str]:
    form = ".3f" if number == "connect_s" else ".1f"
    shown = [cell(rows[level], number, form, 1000) for level in LEVELS]
    plain = rows["none"]
    return [name, *shown, *(ratio(rows[level], plain, number) for level in ("landlock", "netns"))]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=31, help="starts of each program; the median is printed")
    parser.add_argument("--quick", action="store_true", help="fewer of them")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    found = measure(11 if options.quick else options.runs)
    print(json.dumps(found, indent=2) if options.json else report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
