"""Import of what cannot be imported, and imports that do not come to their end."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.cases.case_samples import killed_at
from tests.cases.readers.files import CHAT, write

from unrepeat.cases import evidence
from unrepeat.cases.library import list_cases, load
from unrepeat.harness.importing import import_trace
from unrepeat.harness.taking import ImportRequest

from .command_line import SHIPPED, call, command, desk, environment, files_of

TRACE = (SHIPPED / "traces/wrong-account.json").read_bytes()
LINE = json.dumps({"messages": CHAT}).encode()
DEEP = b'{"messages": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
TWICE = b'{"messages": [{"role": "user", "content": "a",\n "content": "b"}]}'
BROKEN = {
    "truncated": (TRACE[: len(TRACE) // 2], r"run\.json:\d+:\d+: .*truncated"),
    "empty": (b"", r"run\.json:1: expected JSON, got nothing"),
    "blank": (b"\n \n", r"run\.json:1: expected JSON, got nothing"),
    "binary": (bytes(range(256)) * 40, r"run\.json:\d+:\d+: expected JSON in UTF-8, got binary data"),
    "image": (b"\x89PNG\r\n\x1a\n\x00\x00", r"run\.json:1:1: expected JSON in UTF-8"),
    "utf-16": (TRACE.decode().encode("utf-16"), r"run\.json:1:1: .*UTF-16"),
    "utf-16 without mark": (TRACE.decode().encode("utf-16-le"), r"run\.json:1:1: .*UTF-16"),
    "latin-1": (LINE[:-2] + b', "x": "\xe9"}', r"run\.json:1:\d+: .*0xe9"),
    "byte order mark": (b"\xef\xbb\xbf" + LINE, r"run\.json:1:1: .*byte order mark"),
    "gzip": (b"\x1f\x8b\x08\x00", r"run\.json:1:1: .*gzip"),
    "deep": (DEEP, r"run\.json:1:\d+: expected at most 200 levels"),
    "duplicate keys": (TWICE, r"run\.json#/messages/0: expected every key once, got 'content' twice"),
    "NaN": (b'{"messages": [\n{"role": "user", "content": NaN}]}', r"run\.json:2:\d+: expected a finite number"),
    "1e400": (b'{"messages": [\n{"role": "user", "content": 1e400}]}', r"run\.json:2:\d+: expected a finite number"),
    "lone surrogate": (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', r"run\.json:1:\d+: .*surrogate"),
    "half a line": (LINE + b"\n" + LINE[:40] + b"\n", r"run\.json:2:\d+: .*"),
    "no trace": (b'{"hello": 1}', r"run\.json: expected a trace in a known format, got an object with hello"),
    "a number": (b"7", r"run\.json: expected a trace in a known format"),
    "no messages": (b'{"messages": []}', r"run\.json: expected a trace with at least one step"),
    "text": (b"Dear all,\nit happened again.\n", r"run\.json:1:1: expected JSON, got 'Dear all"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_file_is_named_with_its_place_and_nothing_is_written(tmp_path, kind):
    data, told = BROKEN[kind]
    (tmp_path / "run.json").write_bytes(data)
    done = call("import", "run.json", "--id", "i1", cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert re.match(f"error: {told}", done.err)
    assert os.listdir(tmp_path) == ["run.json"]


def test_gigantic_file_is_refused_at_once(tmp_path):
    with (tmp_path / "run.json").open("wb") as file:
        file.truncate(1 << 40)
    done = call("import", "run.json", cwd=tmp_path)
    assert (done.code, "run.json" in done.err) == (2, True)
    assert os.listdir(tmp_path) == ["run.json"]


def test_broken_line_is_skipped_on_request(tmp_path):
    (tmp_path / "run.jsonl").write_bytes(b"{]\n" + LINE + b"\n")
    assert call("import", "run.jsonl", "--id", "i1", cwd=tmp_path).code == 2
    assert call("import", "run.jsonl", "--id", "i1", "--skip-broken", cwd=tmp_path).code == 0


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero", "pipe", "folder"])
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    done = call("import", name, cwd=tmp_path)
    assert (done.code, "expected a file" in done.err) == (2, True)


def imported(folder, source, name="i1"):
    """Import in this process."""
    os.chdir(folder)
    os.environ.update(environment())
    import_trace(ImportRequest(file=source, id=name))


def assert_whole_or_nothing(folder):
    """Check a library after a killed import, and that the next import is not in the way of it."""
    incidents = folder / "incidents"
    cases = list_cases(incidents)
    for case in cases:
        load(case)
        assert evidence.verify(case.path) == []
    done = call("import", folder / "run.json", "--id", "next", cwd=folder)
    assert done.code == 0
    left = {each.name for each in incidents.iterdir()} - {"case.schema.json", ".gitattributes"}
    assert left == {*(case.id for case in cases), "next"}
    return bool(cases)


@pytest.fixture
def source(tmp_path):
    """A file of one conversation."""
    call("import", write(tmp_path, {"messages": CHAT}), "--list", cwd=tmp_path)  # modules are loaded before forks
    return tmp_path / "run.json"


def test_import_killed_at_each_step_leaves_nothing_or_a_whole_case(tmp_path, source):
    call("import", source, "--id", "warm", cwd=tmp_path)
    seen = set()
    for step in range(1, 200):
        folder = tmp_path / f"at-{step}"
        folder.mkdir()
        write(folder, {"messages": CHAT})
        killed = killed_at(step, lambda folder=folder: imported(folder, folder / "run.json"))
        seen.add(assert_whole_or_nothing(folder))
        if not killed:
            break
    assert not killed
    assert seen == {True, False}


def test_program_killed_at_any_time_leaves_nothing_or_a_whole_case(tmp_path, source):
    chance = random.Random(7)
    started = time.monotonic()
    subprocess.run(command("import", source, "--id", "first", "--json"), cwd=tmp_path, env=environment(), check=True)
    lasts_s = time.monotonic() - started
    for number in range(24):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, {"messages": CHAT})
        args = command("import", "run.json", "--id", "i1", "--json")
        process = subprocess.Popen(args, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
        time.sleep(lasts_s * chance.uniform(0.5, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_whole_or_nothing(folder)


@contextmanager
def mounted(folder, options):
    """Mount a small file system on a folder; only a privileged user can."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting needs a privileged user")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


READ_ONLY = [["import", "../run.json"], ["init"], ["demo"], ["schema", "--out", "new/case.schema.json"]]


@pytest.mark.parametrize("args", READ_ONLY, ids=str)
def test_folder_that_cannot_be_written_is_one_line(tmp_path, source, args):
    with mounted(tmp_path / "disk", "ro") as disk:
        done = call(*args, cwd=disk)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "Read-only file system" in done.err


@pytest.fixture
def small_disk(tmp_path):
    """A file system that is soon full."""
    with mounted(tmp_path / "disk", "size=256k") as disk:
        yield disk


def test_full_disk_leaves_no_part_of_a_case(small_disk, tmp_path):
    long = [*CHAT, *({"role": "user", "content": f"{number} " + "x" * 500} for number in range(300))]
    source = write(tmp_path, {"messages": long}, "long.json")
    done = call("import", source, "--id", "i1", cwd=small_disk)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert done.err.endswith("incidents/i1: No space left on device\n")
    assert files_of(small_disk) == {}
    assert call("import", write(tmp_path, {"messages": CHAT}), "--id", "i1", cwd=small_disk).code == 0


def fill(path: Path) -> None:
    """Write to a file until its disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_full_disk_is_noticed_before_a_proof_is_started(tmp_path):
    with mounted(tmp_path / "disk", "size=8m") as disk:
        project = desk(disk / "desk")
        fill(disk / "fill")
        done = call("prove", "inc-wrong-account", "--candidate", "v2", cwd=project)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "expected a place to write results to, got: No space left on device" in done.err
