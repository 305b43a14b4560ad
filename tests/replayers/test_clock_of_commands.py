"""What a replay says of the time that a program has seen: no more than is known of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.replayers.programs import replayed_command

from unrepeat.replayers.clock import BY_FAKETIME, IN_NODE, IN_PYTHON, TOLD, ClockMode
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.preloading import faketime_library
from unrepeat.replayers.replay import Replay
from unrepeat.replayers.system import McpServer

START_NS = 1_772_532_000_000_000_000
START = "2026-03-03T10:00:"
STATED = Modes(clock=ClockMode("static", START_NS, stated=True))
PYTHON = (sys.executable, "-c", "import time; print(time.strftime('%FT%T', time.gmtime()))")
NODE = ("node", "-p", "new Date().toISOString()")

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
needs_faketime = pytest.mark.skipif(
    faketime_library() is None or not sys.platform.startswith("linux"), reason="libfaketime is not installed"
)


def at_the_time(folder: Path, command: tuple[str, ...], **system: Any) -> tuple[str, bool]:
    """Return how a program was shown the time, after it has seen that, and whether it saw it."""
    replay: Replay = replayed_command(folder, command=command, modes=STATED, **system)
    assert replay.outcome == "completed", replay.error
    how = replay.clock.partition(", ")[2]
    assert bool(replay.clock_doubt) == (how == TOLD)
    return how, str(replay.trace.output).startswith(START)


def test_python_says_that_it_shows_the_time(tmp_path):
    assert at_the_time(tmp_path, PYTHON) == (IN_PYTHON, True)


@needs_node
def test_node_says_that_it_shows_the_time(tmp_path):
    assert at_the_time(tmp_path, NODE) == (IN_NODE, True)


@needs_faketime
def test_program_that_loads_the_c_library_is_shown_it_by_faketime(tmp_path):
    assert at_the_time(tmp_path, ("date", "-u", "+%FT%T")) == (BY_FAKETIME, True)


@pytest.mark.parametrize("words", [("PYTHONPATH=src",), ("-i",), ("-u", "PYTHONPATH")])
def test_nothing_is_claimed_of_python_that_was_kept_from_showing_it(tmp_path, words):
    assert at_the_time(tmp_path, ("env", *words, *PYTHON)) == (TOLD, False)


@needs_node
@pytest.mark.parametrize("words", [("NODE_OPTIONS=--no-warnings",), ("-i",)])
def test_nothing_is_claimed_of_node_that_was_kept_from_showing_it(tmp_path, words):
    node = shutil.which("node")
    assert node is not None
    assert at_the_time(tmp_path, ("env", *words, node, *NODE[1:])) == (TOLD, False)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler is installed")
def test_nothing_is_claimed_of_what_a_script_starts(tmp_path):
    (tmp_path / "agent.c").write_text(
        '#include <stdio.h>\n#include <time.h>\nint main(void) { printf("%ld", (long)time(0)); }\n'
    )
    subprocess.run(["gcc", "-static", "-o", "agent", "agent.c"], cwd=tmp_path, check=True)
    (tmp_path / "run.sh").write_text("#!/bin/sh\nexec ./agent\n")
    (tmp_path / "run.sh").chmod(0o755)
    assert at_the_time(tmp_path, ("./run.sh",)) == (TOLD, False)


def test_folders_of_the_program_come_after_what_shows_the_time(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/helper.py").write_text("import time\nnow = time.strftime('%FT%T', time.gmtime())\n")
    (tmp_path / "lib/sitecustomize.py").write_text("import builtins\nbuiltins.loaded = True\n")
    command = (sys.executable, "-c", "import helper; print(helper.now, loaded)")
    assert at_the_time(tmp_path, command, env={"PYTHONPATH": str(tmp_path / "lib")}) == (IN_PYTHON, True)


@needs_node
def test_options_of_the_program_come_after_what_shows_the_time(tmp_path):
    (tmp_path / "early.cjs").write_text("globalThis.early = new Date().toISOString()\n")
    command = ("node", "-p", "early")
    assert at_the_time(tmp_path, command, env={"NODE_OPTIONS": "--require ./early.cjs"}) == (IN_NODE, True)


def test_program_of_its_own_path_is_seen_and_is_no_stand_in_of_a_server(tmp_path):
    pytest.importorskip("mcp")
    tools = tmp_path / "elsewhere/bin"
    tools.mkdir(parents=True)
    (tools / "agent").write_text('#!/bin/sh\ncat "${0%/*}/../words"\n')
    (tools / "agent").chmod(0o755)
    (tools.parent / "words").write_text("its own")
    version = tmp_path / "v"
    version.mkdir()
    (version / "tools.json").write_text(json.dumps([{"name": "get_order", "inputSchema": {"type": "object"}}]))
    replay = replayed_command(
        version,
        command=("agent",),
        env={"PATH": f"{tools}:{os.environ['PATH']}"},
        mcp={"shop": McpServer(command="agent serve", tools=version / "tools.json")},
    )
    assert replay.trace.output == "its own", replay.error
