"""The command line as people meet it: help, mistakes, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from unrepeat.harness import cli
from unrepeat.harness.version import VERSION

from .command_line import call, command, desk, environment, run

EVERY = [*cli.PRIMARY, *cli.MORE]
HEAVY = "pydantic rich msgspec orjson jinja2 yaml jsonschema re2 pandas inspect_ai asyncio"


def test_help_shows_what_most_people_need_first(tmp_path):
    out = call("--help", cwd=tmp_path).out
    places = [out.index(f"  {name} ") for name in EVERY]
    assert places == sorted(places)


@pytest.mark.parametrize("name", EVERY)
def test_help_table_is_what_each_command_says_of_itself(name):
    told = cli.PRIMARY.get(name) or cli.MORE[name]
    command = cli.group.get_command(click.Context(cli.group), name)
    assert command is not None
    assert (command.name, command.short_help) == (name, told)


@pytest.mark.parametrize("name", EVERY)
def test_each_command_has_help_with_an_example(tmp_path, name):
    done = call(name, "--help", cwd=tmp_path)
    assert done.code == 0
    assert f"    unrepeat {name}" in done.out


@pytest.mark.parametrize("name", EVERY)
def test_each_command_prints_json_on_request(tmp_path, name):
    assert "--json" in call(name, "--help", cwd=tmp_path).out


@pytest.mark.parametrize(
    "args",
    [
        ["show"],
        ["show", "inc-wrong-account"],
        ["replay", "inc-wrong-account", "--version", "v2"],
        ["replay", "inc-wrong-account", "--recorded"],
        ["prove", "inc-wrong-account", "--candidate", "v2"],
        ["doctor"],
        ["schema", "case"],
        ["schema", "trace"],
        ["schema", "result"],
        ["import", "traces/wrong-account.json", "--list"],
        ["import", "traces/wrong-account.json"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_nothing_else(tmp_path, args):
    done = call(*args, "--json", cwd=desk(tmp_path / "desk"))
    assert done.json
    assert done.err == ""


def test_json_of_init_is_one_document(tmp_path):
    assert call("init", "--json", cwd=tmp_path).json["written"]


@pytest.mark.parametrize(("typed", "meant"), [("improt", "import"), ("dmeo", "demo"), ("reprot", "report")])
def test_unknown_command_names_the_nearest(tmp_path, typed, meant):
    done = call(typed, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert f"Did you mean '{meant}'?" in done.err


MISTAKES = [
    ["bogus"],
    ["--bogus"],
    ["show", "--bogus"],
    ["show", "nothing-of-that-name"],
    ["prove"],
    ["prove", "inc-wrong-account", "-n", "0"],
    ["prove", "inc-wrong-account", "--candidate", "nowhere"],
    ["prove", "inc-wrong-account", "--baseline", "nowhere"],
    ["prove", "inc-wrong-account", "--set", "guard"],
    ["prove", "inc-wrong-account", "--set", "guard=nowhere.py"],
    ["prove", "inc-wrong-account", "--set", "bogus=x"],
    ["replay", "inc-wrong-account", "--recorded", "--version", "v1"],
    ["report", "inc-wrong-account"],
    ["report", "nowhere.json"],
    ["import", "nowhere.json"],
    ["import", "traces"],
    ["import", "traces/wrong-account.json", "--format", "bogus"],
    ["import", "traces/wrong-account.json", "--redact", "none"],
    ["import", "traces/wrong-account.json", "--redact", "bogus"],
    ["schema", "bogus"],
    ["demo", "--dir", "unrepeat.toml"],
    ["init"],
    ["show", "\x1b]52;c;AAAA\x07"],
    ["show", "::error::\n::error::x"],
]


@pytest.mark.parametrize("args", MISTAKES, ids=" ".join)
def test_mistake_is_one_line_on_standard_error(tmp_path, args):
    done = call(*args, cwd=desk(tmp_path / "desk"))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1


def test_mistake_prints_no_escape_that_was_typed(tmp_path):
    assert "\x1b" not in call("show", "\x1b]52;c;AAAA\x07", cwd=tmp_path).err


def test_mistake_of_ours_is_never_taken_for_a_verdict(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "_run", lambda argv: 1 // 0)
    done = call("show", cwd=tmp_path)
    assert done.code == 2
    assert "please report" in done.err.splitlines()[0]


@pytest.mark.parametrize("args", [[], ["--help"], ["--version"]], ids=str)
def test_command_line_starts_without_heavy_modules(tmp_path, args):
    code = f"import sys; sys.argv = ['unrepeat', *{args}]\nimport unrepeat.harness.cli as cli\n"
    code += "try:\n    cli.main() if sys.argv[1:] else None\nexcept SystemExit:\n    pass\n"
    code += f"print([name for name in {HEAVY.split()} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "[]\n"


def test_version_is_printed(tmp_path):
    assert call("--version", cwd=tmp_path).out == f"unrepeat, version {VERSION}\n"


def test_without_a_command_help_is_shown(tmp_path):
    done = call(cwd=tmp_path)
    assert done.code == 2
    assert "Commands:" in done.err


SLOW_APP = "import time\n\ndef handle(**request):\n    open('started', 'w').close()\n    time.sleep(60)\n"


def hanging(folder: Path) -> Path:
    """Return the desk with a version that never answers."""
    project = desk(folder)
    (project / "slow/support_desk").mkdir(parents=True)
    for source in (project / "support_desk/v2/support_desk").glob("*.py"):
        (project / "slow/support_desk" / source.name).write_bytes(source.read_bytes())
    (project / "slow/support_desk/app.py").write_text(SLOW_APP)
    return project


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption_leaves_nothing_running(tmp_path, number, code):
    project = hanging(tmp_path / "desk")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    args = command("replay", "inc-wrong-account", "--version", "slow")
    process = subprocess.Popen(args, cwd=project, env=environment(TMPDIR=str(scratch)), stderr=subprocess.PIPE)
    # What the app writes is found in its scratch folder, or beside its code where no namespace can be had.
    waited_until(lambda: any(each.exists() for each in (project / "slow/started", *scratch.rglob("started"))))
    children = children_of(process.pid)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert children
    assert not [child for child in children if os.path.exists(f"/proc/{child}/cwd")]
    assert list(scratch.iterdir()) == []


def waited_until(condition, seconds=20.0):
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.parametrize(
    "args", [["--help"], ["show"], ["show", "inc-wrong-account"], ["schema"], ["demo"]], ids=" ".join
)
def test_reader_that_goes_away_is_no_error(tmp_path, args):
    project = desk(tmp_path / "desk")
    with subprocess.Popen(
        command(*args), cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode in (0, 141)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("args", [["--help"], ["show"], ["schema"]], ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(tmp_path, args):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*args),
            cwd=desk(tmp_path / "d"),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n"


def closed(*args: str, cwd: Path, streams: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command with standard streams closed."""
    code = f"import os, sys\nfor number in {streams}: os.close(number)\nos.execv(sys.executable, {command(*args)})"
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment(), check=False, timeout=60)


@pytest.mark.parametrize("streams", ["[1]", "[2]", "[0, 1, 2]"])
def test_closed_streams_do_not_change_the_verdict(tmp_path, streams):
    project = desk(tmp_path / "desk")
    done = closed("prove", "inc-wrong-account", "--candidate", "v2", cwd=project, streams=streams)
    assert done.returncode == 0
    [result] = project.glob(".unrepeat/results/*/*/result.json")
    assert json.loads(result.read_bytes())["verdict"] == "fixed"


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": "dumb"},
        {"COLUMNS": "20"},
        {"COLUMNS": "junk"},
        {"NO_COLOR": "1", "FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_any_terminal_will_do(tmp_path, env):
    project = desk(tmp_path / "desk")
    for args in (["--help"], ["show"], ["prove", "inc-wrong-account", "--candidate", "v2"]):
        done = subprocess.run(
            command(*args), cwd=project, env=environment(**env), capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, b"error" in done.stderr) == (0, False), done.stderr


def test_folder_that_is_gone_is_one_line(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        f"import os, sys\nos.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\nos.execv(sys.executable, {command('show')})"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: No such file or directory"]


def test_home_that_is_not_set_is_no_problem(tmp_path):
    env = {name: value for name, value in environment().items() if name not in ("HOME", "UNREPEAT_TENANT_KEY_FILE")}
    project = desk(tmp_path / "desk")
    done = subprocess.run(command("show"), cwd=project, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_two_proofs_at_once_both_end_with_their_result(tmp_path):
    project = desk(tmp_path / "desk")
    args = command("prove", "inc-wrong-account", "--candidate", "v2", "--json")
    both = [subprocess.Popen(args, cwd=project, env=environment(), stdout=subprocess.PIPE) for _ in range(2)]
    verdicts = [json.loads(each.communicate(timeout=60)[0])["verdict"] for each in both]
    assert verdicts == ["fixed", "fixed"]
    assert len(list(project.glob(".unrepeat/results/*/*/result.json"))) == 2


@pytest.mark.parametrize("place", [".unrepeat", ".unrepeat/results", ".unrepeat/results/inc-wrong-account"])
def test_file_where_results_belong_is_one_line(tmp_path, place):
    project = desk(tmp_path / "desk")
    (project / place).parent.mkdir(parents=True, exist_ok=True)
    (project / place).write_text("in the way")
    done = run("prove", "inc-wrong-account", "--candidate", "v2", cwd=project)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert (project / place).read_text() == "in the way"
