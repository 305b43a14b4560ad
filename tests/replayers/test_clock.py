"""What time a system is to see, and programs that are shown it by their environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.replayers.recordings import refund_trace

from unrepeat.replayers.clock import (
    BY_FAKETIME,
    IN_NODE,
    IN_PYTHON,
    TOLD,
    ClockMode,
    clock_environment,
    proven_way,
    recorded_start,
    rfc3339,
)
from unrepeat.replayers.preloading import faketime_library, is_python

START_NS = 1_772_532_000_000_000_000
START = "2026-03-03T10:00:"

FORMATTED = "time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
needs_faketime = pytest.mark.skipif(
    faketime_library() is None or not sys.platform.startswith("linux"), reason="libfaketime is not installed"
)


def run(argv: list[str], folder: Path, start_ns: int = START_NS) -> tuple[str, str]:
    """Run a program that is shown a time; return how it is shown and what it prints."""
    shown, how = clock_environment(start_ns, argv, folder)
    env = {"PATH": os.environ["PATH"], "TZ": "Asia/Tokyo", **shown}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return how, done.stdout.strip()


def node(folder: Path, source: str, name: str = "agent.js") -> str:
    """Run a Node program that is shown the time; return what it prints."""
    (folder / name).write_text(source)
    how, printed = run(["node", name], folder)
    assert how == IN_NODE
    return printed


@needs_node
@pytest.mark.parametrize(
    "asks",
    [
        "new Date().toISOString()",
        "new Date(Date.now()).toISOString()",
        "new Date(Date.parse(Date())).toISOString()",
        "(new (class extends Date {})()).toISOString()",
        "Reflect.construct(Date, []).toISOString()",
        "new (new Date().constructor)().toISOString()",
        "new Date(performance.timeOrigin + performance.now()).toISOString()",
        "require('node:child_process').execFileSync('node', ['-p', 'new Date().toISOString()']).toString()",
        "new Intl.DateTimeFormat('sv', {dateStyle: 'short', timeStyle: 'medium', timeZone: 'UTC'}).format()"
        ".replace(' ', 'T')",
        "new Intl.DateTimeFormat('sv', {minute: 'numeric', timeZone: 'UTC', year: 'numeric'}).formatToParts()"
        f".some(part => part.value === '2026') && '{START}00'",
    ],
)
def test_node_program_sees_the_time(tmp_path, asks):
    assert node(tmp_path, f"console.log({asks})").startswith(START)


@needs_node
def test_es_module_and_its_worker_see_the_time(tmp_path):
    source = """
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('message', told => console.log(told, new Date().toISOString()))
} else parentPort.postMessage(new Date().toISOString())
"""
    told = node(tmp_path, source, "agent.mjs").split()
    assert [each[: len(START)] for each in told] == [START, START]


@needs_node
@pytest.mark.parametrize(
    "holds",
    [
        "new Date(0).getTime() === 0 && new Date('2020-01-02').getUTCFullYear() === 2020",
        "new Date(2020, 0, 2).getFullYear() === 2020 && Date.UTC(1970, 0) === 0 && Date.length === 7",
        "new Date() instanceof Date && require('node:fs').statSync('.').mtime instanceof Date",
        "structuredClone(new Date()) instanceof Date && typeof Date() === 'string'",
        "require('node:util').types.isDate(new Date()) && ({}).toString.call(new Date()) === '[object Date]'",
        "(class Mine extends Date {}, new (class Mine extends Date {})(0).getTime() === 0)",
        "new Intl.DateTimeFormat('en', {timeZone: 'UTC'}).format(0) === '1/1/1970'",
        "[new Date(5), new Date(3)].map(new Intl.DateTimeFormat('en').format).length === 2",
        "Number(process.hrtime.bigint() / 1000000000n) < 1000000000 && performance.now() < 60000",
    ],
)
def test_dates_of_node_work_as_they_did(tmp_path, holds):
    assert node(tmp_path, f"console.log({holds})") == "true"


@needs_node
def test_time_in_node_goes_on(tmp_path):
    source = "const first = Date.now(); setTimeout(() => console.log(Date.now() - first), 50)"
    assert 40 <= int(node(tmp_path, source)) < 30_000


@needs_node
def test_script_that_names_node_in_its_first_line_sees_the_time(tmp_path):
    script = tmp_path / "agent"
    script.write_text("#!/usr/bin/env node\nconsole.log(new Date().toISOString())\n")
    script.chmod(0o755)
    how, printed = run(["./agent"], tmp_path)
    assert (how, printed[: len(START)]) == (IN_NODE, START)


@needs_node
def test_folder_of_any_name_can_hold_the_shim(tmp_path, monkeypatch):
    from unrepeat.replayers import clock

    shim = tmp_path / 'of "ours"' / "clock.cjs"
    shim.parent.mkdir()
    shutil.copy(clock._SHIM, shim)
    monkeypatch.setattr(clock, "_SHIM", shim)
    assert node(tmp_path, "console.log(new Date().toISOString())").startswith(START)


@needs_faketime
@pytest.mark.parametrize(
    ("argv", "seen"),
    [
        (["date", "-u", "+%Y-%m-%dT%H:%M:%S"], START),
        (
            ["env", "A=1", sys.executable, "-I", "-c", "import time; print(time.strftime('%FT%T', time.gmtime()))"],
            START,
        ),
    ],
)
def test_program_that_takes_the_time_from_the_c_library_sees_it(tmp_path, argv, seen):
    how, printed = run(argv, tmp_path)
    assert (how, printed[: len(seen)]) == (BY_FAKETIME, seen)


@needs_faketime
@pytest.mark.parametrize("starter", [["sh", "-c", "date -u +%FT%T"], ["timeout", "5", "date", "-u", "+%FT%T"]])
def test_program_that_starts_another_is_shown_the_time_but_nothing_is_claimed(tmp_path, starter):
    how, printed = run(starter, tmp_path)
    assert (how, printed[: len(START)]) == (TOLD, START)


@needs_faketime
@pytest.mark.parametrize("words", [["-i"], ["-u", "LD_PRELOAD"], ["LD_PRELOAD="], ["FAKETIME=+0"], ["-"]])
def test_nothing_is_claimed_of_an_environment_that_is_changed_on_the_way(tmp_path, words):
    assert clock_environment(START_NS, ["env", *words, "date"], tmp_path)[1] == TOLD


@pytest.mark.parametrize(
    ("told", "proven"),
    [("replaced functions\n", IN_PYTHON), ("Date in Node\nreplaced functions\n", IN_PYTHON), ("Date in Node\n", TOLD)],
)
def test_way_is_claimed_where_it_was_reported(tmp_path, told, proven):
    report = tmp_path / "report"
    assert proven_way(IN_PYTHON, report) == TOLD
    report.write_text(told)
    assert proven_way(IN_PYTHON, report) == proven
    assert proven_way(BY_FAKETIME, report) == BY_FAKETIME


@needs_node
@pytest.mark.parametrize("env", ["{}", "{NODE_OPTIONS: '--no-warnings'}", "{...process.env}", "SHARE_ENV", "undefined"])
def test_worker_with_an_environment_of_its_own_sees_the_time(tmp_path, env):
    source = f"""
const {{ Worker, isMainThread, parentPort, workerData, SHARE_ENV }} = require('node:worker_threads')
const env = {env}
if (isMainThread) new Worker(__filename, {{ env, workerData: 7 }}).on('message', told => console.log(told))
else parentPort.postMessage(new Date().toISOString() + ' ' + workerData)
"""
    printed = node(tmp_path, source)
    assert (printed[: len(START)], printed[-2:]) == (START, " 7")


@needs_node
def test_node_that_cannot_be_shown_the_time_does_not_run(tmp_path):
    shown, _ = clock_environment(START_NS, ["node"])
    env = {"PATH": os.environ["PATH"], "NODE_OPTIONS": shown["NODE_OPTIONS"]}
    done = subprocess.run(["node", "-p", "1"], env=env, capture_output=True, text=True, check=False)
    assert (bool(done.returncode), done.stdout, "cannot show" in done.stderr) == (True, "", True)


@needs_faketime
def test_monotonic_clock_and_sleep_stay_real_under_faketime(tmp_path):
    waits = "import time, select; t = time.monotonic(); select.select([], [], [], 0.1)"
    source = f"{waits}; print(t < 1e9, 0.05 < time.monotonic() - t < 20)"
    assert run([sys.executable, "-I", "-c", source], tmp_path) == (BY_FAKETIME, "True True")


@pytest.mark.parametrize(
    "asks",
    [
        "print(datetime.datetime.now(datetime.timezone.utc).isoformat())",
        f"print({FORMATTED})",
        f'subprocess.run([sys.executable, "-c", "import time; print({FORMATTED})"])',
    ],
)
def test_python_program_sees_the_time_and_sleeps(tmp_path, asks):
    source = f"import datetime, subprocess, sys, time; time.sleep(0.01); {asks}"
    how, printed = run([sys.executable, "-c", source], tmp_path)
    assert (how, printed[: len(START)]) == (IN_PYTHON, START)


def test_script_that_names_python_in_its_first_line_sees_the_time(tmp_path):
    script = tmp_path / "agent"
    script.write_text("#!/usr/bin/env python3\nimport time\nprint(time.strftime('%FT%T', time.gmtime()))\n")
    script.chmod(0o755)
    how, printed = run(["./agent"], tmp_path)
    assert (how, printed[: len(START)]) == (IN_PYTHON, START)


@pytest.mark.parametrize(
    ("argv", "heeds"),
    [
        (["python3", "agent.py", "-I"], True),
        (["python3", "-u", "-m", "agent"], True),
        (["python3", "-c", "-E"], True),
        (["python3", "-I", "agent.py"], False),
        (["python3", "-X", "dev", "-uE", "agent.py"], False),
        (["node", "agent.js"], False),
    ],
)
def test_python_that_takes_nothing_from_its_environment_is_told_apart(argv, heeds):
    assert is_python(argv) is heeds


def test_sitecustomize_of_the_program_is_loaded_too(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.loaded = 'theirs'\n")
    shown, _ = clock_environment(START_NS, [sys.executable])
    env = {"PYTHONPATH": os.pathsep.join([shown.pop("PYTHONPATH"), str(tmp_path)]), **shown}
    source = "import time; print(loaded, time.gmtime().tm_year)"
    done = subprocess.run([sys.executable, "-c", source], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "theirs 2026\n"


def test_python_that_cannot_be_shown_the_time_does_not_run(tmp_path):
    shown, _ = clock_environment(START_NS, [sys.executable])
    env = {**shown, "UNREPEAT_NOW": "yesterday"}
    done = subprocess.run([sys.executable, "-c", "print(1)"], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, "cannot show" in done.stderr) == (70, "", True)


def test_program_without_a_c_library_is_only_told(tmp_path):
    program = tmp_path / "agent"
    program.write_bytes(b"\x7fELF" + bytes(200))
    program.chmod(0o755)
    shown, how = clock_environment(START_NS, ["./agent"], tmp_path)
    assert (how, shown["UNREPEAT_NOW"], "LD_PRELOAD" in shown) == (TOLD, "2026-03-03T10:00:00Z", False)


@pytest.mark.parametrize("argv", [[], ["no-such-program"], ["env"], ["/"]])
def test_program_that_is_not_there_is_only_told(tmp_path, argv):
    assert clock_environment(START_NS, argv, tmp_path)[1] == TOLD


def test_go_program_is_only_told_for_it_asks_the_kernel(tmp_path):
    program = tmp_path / "agent"
    program.write_bytes(b"\x7fELF/lib64/ld-linux-x86-64.so.2\0" + bytes(100_000) + b"\xff Go buildinf:")
    program.chmod(0o755)
    assert clock_environment(START_NS, ["./agent"], tmp_path)[1] == TOLD


@pytest.mark.parametrize(
    ("when_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (START_NS + 5_000_000, "2026-03-03T10:00:00.005Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
    ],
)
def test_time_is_written_with_the_digits_it_needs(when_ns, text):
    assert rfc3339(when_ns) == text


def test_recording_starts_with_its_earliest_span():
    spans = [msgspec.structs.replace(each, start_ns=None) for each in refund_trace().spans]
    spans[2] = msgspec.structs.replace(spans[2], start_ns=START_NS + 1)
    spans[3] = msgspec.structs.replace(spans[3], start_ns=START_NS)
    assert recorded_start(msgspec.structs.replace(refund_trace(), spans=tuple(spans))) == START_NS


@pytest.mark.parametrize(
    ("mode", "shown", "doubted"),
    [
        (ClockMode("static", START_NS, stated=True), f"x, {IN_NODE}", False),
        (ClockMode("static", START_NS, stated=True), f"x, {TOLD}", True),
        (ClockMode("static", START_NS, stated=True), "", True),
        (ClockMode("recorded", stated=True), f"x, {TOLD}", True),
        (ClockMode("recorded"), f"x, {TOLD}", False),
        (ClockMode("live", stated=True), "", False),
    ],
)
def test_stated_clock_is_doubted_where_a_program_was_only_told(mode, shown, doubted):
    assert bool(mode.doubt(shown)) is doubted


def test_environment_is_plain_text():
    shown, _ = clock_environment(START_NS, ["node", "agent.js"])
    assert json.loads(json.dumps(shown)) == shown
