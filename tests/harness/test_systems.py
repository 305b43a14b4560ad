"""Systems that are programs or deployments, from the configuration to the verdict."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.cases.case_samples import ACT
from tests.harness.command_line import call
from tests.replayers.programs import DESK, GUARDED
from tests.replayers.recordings import refund_trace

from unrepeat.cases import library
from unrepeat.cases.errors import ConfigError
from unrepeat.cases.trace import TraceDocument
from unrepeat.harness.config import parsed
from unrepeat.harness.versions import resolve, with_components

ASSERT = "assert: [{type: not-tool-called, tool: refund}]\nseverity: medium\nowners: {engineering: desk}\n"
COMMAND = f"command = {json.dumps([sys.executable, 'desk.py'])}\n"


def project(folder: Path, system: str = COMMAND + 'boundaries.tool = ["get_order", "refund"]\n') -> Path:
    """Write a project whose system is a program, with a case about it."""
    folder.mkdir(exist_ok=True)
    (folder / "unrepeat.toml").write_text(f"[systems.desk]\n{system}")
    (folder / "desk.py").write_text(GUARDED)
    (folder / "v1").mkdir()
    (folder / "v1" / "desk.py").write_text(DESK)
    document = TraceDocument(traces=(refund_trace(),))
    library.create(folder / "incidents/inc-1", f"id: inc-1\ntitle: Unasked refund\n{ASSERT}", document, {}, ACT)
    return folder


def test_fix_of_a_program_is_proven(tmp_path):
    folder = project(tmp_path / "p")
    proven = call("prove", "inc-1", "--json", cwd=folder)
    assert proven.code == 0, proven.err
    verdict = proven.json
    assert (verdict["verdict"], verdict["scope"]) == ("fixed", "recorded_action")
    assert verdict["traces"][0]["candidate"]["replay"]["replayer"] == "command"
    assert call("prove", "inc-1", "--candidate", "v1", cwd=folder).code == 1


def test_gate_judges_programs(tmp_path):
    folder = project(tmp_path / "p")
    call("prove", "inc-1", cwd=folder)
    call("status", "inc-1", "fixed", cwd=folder)
    assert call("gate", "--require-isolation", "landlock", cwd=folder).code == 0
    (folder / "desk.py").write_text(DESK)
    assert call("gate", cwd=folder).code == 1


def test_tool_that_a_program_runs_by_itself_is_not_seen(tmp_path):
    folder = project(tmp_path / "p", COMMAND)
    same = '    return {"get_order": "paid 10", "refund": "refunded 0"}[name]'
    (folder / "desk.py").write_text(DESK.replace("    return tool(name, arguments)", same))
    proven = call("prove", "inc-1", "--json", cwd=folder)
    assert proven.json["verdict"] == "cannot_judge"
    assert "no boundary name" in proven.json["reason"]


def test_named_tool_that_a_program_runs_by_itself_is_not_taken_for_prevented(tmp_path):
    folder = project(tmp_path / "p")
    same = '    return {"get_order": "paid 10", "refund": "refunded 0"}[name]'
    (folder / "desk.py").write_text(DESK.replace("    return tool(name, arguments)", same))
    proven = call("prove", "inc-1", "--json", cwd=folder).json
    assert proven["verdict"] == "cannot_judge"
    assert "ran refund by itself" in proven["reason"]


def test_answer_of_the_programs_own_is_named_among_what_is_not_shown(tmp_path):
    proven = call("prove", "inc-1", "--json", cwd=project(tmp_path / "p")).json
    assert any("refund was not run inside of the program" in line for line in proven["not_proven"])


def test_time_that_was_not_shown_is_named_among_what_is_not_shown(tmp_path):
    proven = call("prove", "inc-1", "--json", cwd=project(tmp_path / "p")).json
    assert any("the system saw the time of this replay" in line for line in proven["not_proven"])


@pytest.mark.parametrize(
    ("system", "complaint"),
    [
        ('python = "a:b"\ncommand = ["x"]\n', "expected one of python, command and url, got python and command"),
        ("command = []\n", "at least 1 item"),
        ('url = "staging:80"\n', "url"),
        ('url = "http://x/"\nlisten = "8731"\n', "listen"),
        ('url = "http://x/"\nlisten = "127.0.0.1:99999"\n', "expected a port from 1 to 65535, got 99999"),
        ('url = "http://x/"\nlisten = "127.0.0.1:0"\n', "expected a port from 1 to 65535, got 0"),
        *(
            (f'url = "http://x/"\nlisten = "{host}:8731"\n', f"[::1], localhost), got {host}: the recording")
            for host in ("0.0.0.0", "[::]", "192.168.0.7", "127.0.0.1.example.com")
        ),
        ('command = ["x"]\nisolation = "none"\n', "'netns', 'landlock' or 'guard'"),
        ('command = ["x"]\noutput = "stderr"\n', "'stdout' or 'last-line'"),
        ('command = ["x"]\nmcp.orders.comand = "x"\n', "Did you mean 'command'?"),
    ],
)
def test_mistake_in_the_configuration_is_named(system, complaint):
    with pytest.raises(ConfigError) as error:
        parsed(f"[systems.desk]\n{system}", Path("unrepeat.toml"))
    assert complaint in str(error.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
def test_deployment_finds_its_boundaries_on_this_machine(host):
    found = parsed(f'[systems.desk]\nurl = "http://x/"\nlisten = "{host}:65535"\n', Path("unrepeat.toml"))
    assert found.systems["desk"].listen == f"{host}:65535"


def test_system_that_names_nothing_to_run_is_refused(tmp_path):
    done = call("replay", "inc-1", cwd=project(tmp_path / "p", "timeout_s = 3\n"))
    assert done.code == 2
    assert "python, command or url" in done.err


def test_header_needs_its_variable(tmp_path):
    folder = project(tmp_path / "p", 'url = "http://127.0.0.1:9/"\nheaders.authorization = "Bearer ${NO_SUCH_TOKEN}"\n')
    done = call("replay", "inc-1", cwd=folder)
    assert done.code == 2
    assert "NO_SUCH_TOKEN" in done.err


def test_isolation_options_exclude_each_other(tmp_path):
    done = call("replay", "inc-1", "--require-isolation", "netns", "--allow-no-isolation", cwd=project(tmp_path / "p"))
    assert done.code == 2
    assert "exclude each other" in done.err


def test_doctor_looks_for_the_program(tmp_path):
    folder = project(tmp_path / "p", 'command = ["no-such-program"]\n')
    done = call("doctor", "--json", cwd=folder)
    (found,) = (each for each in done.json if each["check"] == "system desk")
    assert not found["ok"]
    assert "no-such-program is not there" in found["detail"]


def test_doctor_looks_for_the_script(tmp_path):
    folder = project(tmp_path / "p", f"command = {json.dumps([sys.executable, 'dist/agent.js'])}\n")
    (found,) = (each for each in call("doctor", "--json", cwd=folder).json if each["check"] == "system desk")
    assert "dist/agent.js is not in the version" in found["detail"]


def test_doctor_asks_the_deployment(tmp_path):
    folder = project(tmp_path / "p", 'url = "http://127.0.0.1:9/tickets"\nlisten = "127.0.0.1:8732"\n')
    (found,) = (each for each in call("doctor", "--json", cwd=folder).json if each["check"] == "system desk")
    assert not found["ok"]
    assert "nothing answers at http://127.0.0.1:9/tickets" in found["detail"]


def test_version_of_a_deployment_is_a_url(tmp_path):
    folder = project(tmp_path / "p", 'url = "http://a/x"\nversions = { v41 = "http://b/y" }\n')
    from unrepeat.harness.config import load_project

    loaded = load_project(folder)
    system = loaded.config.systems["desk"]
    urls = [resolve(loaded, system, wanted).url for wanted in (None, "v41", "https://c/z")]
    assert urls == ["http://a/x", "http://b/y", "https://c/z"]
    with pytest.raises(ConfigError, match="expected a URL or a named version"):
        resolve(loaded, system, "v42")
    with (
        pytest.raises(ConfigError, match="Deploy the change"),
        with_components(resolve(loaded, system, None), system, {"prompt": "x"}),
    ):
        pass


def test_installed_packages_are_there_in_a_copy_of_a_version(tmp_path):
    folder = project(tmp_path / "p", COMMAND + 'components.mood = { env = "MOOD" }\n')
    (folder / "node_modules" / "lib").mkdir(parents=True)
    from unrepeat.harness.config import load_project

    loaded = load_project(folder)
    system = loaded.config.systems["desk"]
    with with_components(resolve(loaded, system, None), system, {"mood": "calm"}) as ready:
        assert (ready.folder / "node_modules" / "lib").is_dir()


def test_isolation_that_is_stronger_than_required_will_do(tmp_path):
    done = call("replay", "inc-1", "--require-isolation", "guard", cwd=project(tmp_path / "p"))
    assert done.code == 0, done.err


@pytest.mark.parametrize("command", ["prove", "replay"])
def test_isolation_that_is_required_cannot_be_had_of_a_deployment(tmp_path, command):
    done = call(
        command, "inc-1", "--require-isolation", "guard", cwd=project(tmp_path / "p", 'url = "http://127.0.0.1:9/"\n')
    )
    assert done.code == 2
    assert "nothing here isolates it" in done.err


def test_input_may_be_a_text(tmp_path):
    folder = project(tmp_path / "p", 'command = ["cat"]\n')
    case = folder / "incidents/inc-1/case.yaml"
    case.write_text(case.read_text() + "replay: {input: I want my money back}\n")
    replayed = call("replay", "inc-1", "--json", cwd=folder).json
    assert replayed[0]["candidate"]["replay"]["trace"]["output"] == "I want my money back"


def test_last_words_of_a_crashed_program_are_shown(tmp_path):
    folder = project(tmp_path / "p", 'command = ["sh", "-c", "echo the reason >&2; exit 3"]\n')
    shown = call("replay", "inc-1", cwd=folder).out
    assert "exit code 3" in shown
    assert "the reason" in shown


def test_doctor_finds_recorded_tools_that_a_program_does_not_name(tmp_path):
    folder = project(tmp_path / "p", COMMAND + 'boundaries.tool = ["get_order", "refnd"]\n')
    (found,) = (each for each in call("doctor", "--json", cwd=folder).json if each["check"] == "case inc-1")
    assert not found["ok"]
    assert "recorded calls of refund" in found["detail"]


def test_doctor_takes_an_interpreter_of_the_version(tmp_path):
    folder = project(tmp_path / "p", 'python = "desk:handle"\ninterpreter = ".venv/bin/python"\n')
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    found = {each["check"]: each for each in call("doctor", "--json", cwd=folder).json}
    assert found[f"isolation of {folder}/.venv/bin/python"]["ok"]
