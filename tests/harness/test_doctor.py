"""Doctor: each check can fail, and says what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from unrepeat.harness.config import SystemConfig
from unrepeat.harness.isolation_checks import levels
from unrepeat.harness.probing import escapes
from unrepeat.replayers.isolation import ladder
from unrepeat.replayers.isolation.ladder import obstacles
from unrepeat.replayers.isolation.levels import ISOLATING

from .command_line import call, desk, run


@pytest.fixture
def project(tmp_path):
    """The shipped desk."""
    return desk(tmp_path / "desk")


def findings(folder, **env):
    """Return the checks that failed, by name, with their detail."""
    done = run("doctor", "--json", cwd=folder, **env) if env else call("doctor", "--json", cwd=folder)
    failed = {each["check"]: each["detail"] for each in done.json if not each["ok"]}
    assert done.code == (1 if failed else 0)
    return failed


def edit(folder, file, old, new):
    """Change a text in a file."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_shipped_project_is_in_order(project):
    assert findings(project) == {}


def test_people_read_one_line_a_check(project):
    done = call("doctor", cwd=project)
    assert done.code == 0
    assert {line[:6] for line in done.out.splitlines()} == {"ok    "}


def test_missing_configuration_is_found(tmp_path):
    assert "unrepeat init" in findings(tmp_path)["configuration"]


@pytest.mark.parametrize("text", ["[systems.x", "bogus = 1", "[systems.x]\npython = 7", "incidents = []"])
def test_broken_configuration_is_found(project, text):
    (project / "unrepeat.toml").write_text(text)
    assert "unrepeat.toml" in findings(project)["configuration"]


def test_configuration_without_a_system_is_found(project):
    (project / "unrepeat.toml").write_text("")
    assert "no systems yet" in findings(project)["configuration"]


def test_changed_evidence_is_found(project):
    path = project / "incidents/inc-wrong-account/evidence/trace-1.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert "evidence is not as it was left: evidence/trace-1.json" in findings(project)["case inc-wrong-account"]


def test_evidence_that_was_added_is_found(project):
    (project / "incidents/inc-wrong-account/evidence/more.txt").write_text("x")
    assert "more.txt" in findings(project)["case inc-wrong-account"]


def test_broken_custody_log_is_found(project):
    edit(project, "incidents/inc-wrong-account/custody.jsonl", '"created"', '"altered"')
    assert "custody" in findings(project)["case inc-wrong-account"]


def test_misspelt_key_of_a_case_is_found(project):
    edit(project, "incidents/inc-wrong-account/case.yaml", "\ntitle:", "\ntilte:")
    assert "title" in findings(project)["case inc-wrong-account"]


def test_system_that_no_case_may_name_is_found(project):
    edit(project, "incidents/inc-wrong-account/case.yaml", "\nstatus:", "\nsystem: bogus\nstatus:")
    assert findings(project)["case inc-wrong-account"]


@pytest.mark.parametrize(("old", "new"), [("search", "serach"), ("support_desk.tools", "support_desk.nowhere")])
def test_boundary_that_names_nothing_is_found(project, old, new):
    edit(project, "unrepeat.toml", old, new)
    assert new in findings(project)["system support-desk, version v1"]


def test_recorded_tool_that_would_run_for_real_is_found(project):
    edit(project, "unrepeat.toml", "support_desk.tools:*", "support_desk.tools:get_order")
    found = findings(project)["system support-desk, version v1"]
    assert "is called like a recorded tool and is no boundary: it would run for real" in found


def test_recorded_tool_that_no_version_has_is_found(project):
    for version in ("v1", "v2"):
        edit(project, f"support_desk/{version}/support_desk/tools.py", "def issue_refund(", "def pay(")
    expected = "recorded calls of issue_refund, and no boundary function of support-desk has that name"
    assert any(detail.startswith(expected) for check, detail in findings(project).items() if check.startswith("case"))


def test_recorded_tool_that_one_version_has_is_in_order(project):
    edit(project, "support_desk/v2/support_desk/tools.py", "def issue_refund(", "def pay(")
    assert findings(project) == {}


def test_model_function_that_cannot_be_understood_is_found(project):
    edit(project, "support_desk/v1/support_desk/llm.py", "messages: list", "history: list")
    assert "takes none of messages, input, prompt, contents" in findings(project)["system support-desk, version v1"]


def test_system_that_does_not_start_is_found(project):
    (project / "support_desk/v2/support_desk/app.py").write_text('raise OSError("no licence")\n')
    assert "no licence" in findings(project)["system support-desk, version v2"]


def test_interpreter_that_is_not_there_is_found(project):
    edit(project, "unrepeat.toml", "[systems.support-desk]", '[systems.support-desk]\ninterpreter = "/nowhere/python"')
    found = findings(project)
    assert "/nowhere/python" in found["system support-desk, version v1"]
    assert "/nowhere/python" in found["isolation of /nowhere/python"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_key_that_others_can_read_is_found(project, tmp_path, mode):
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(mode)
    assert f"{mode:04o}" in findings(project, UNREPEAT_TENANT_KEY_FILE=str(key))["tenant key"]


def test_key_is_not_made_by_looking(project, tmp_path):
    assert findings(project, UNREPEAT_TENANT_KEY_FILE=str(tmp_path / "none")) == {}
    assert not (tmp_path / "none").exists()


def test_isolation_holds_here():
    assert escapes(sys.executable, allow_subprocess=False) == []


def test_allowed_processes_are_no_escape():
    assert escapes(sys.executable, allow_subprocess=True) == []


def test_interpreter_without_a_guard_is_found(project, tmp_path):
    """Stands for a Python whose audit hooks do nothing."""
    deaf = tmp_path / "deaf-python"
    program = (
        "import sys, runpy; sys.addaudithook = str; del sys.argv[0]; runpy.run_path(sys.argv[0], None, '__main__')"
    )
    deaf.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}" "$@"\n')
    deaf.chmod(0o755)
    edit(project, "unrepeat.toml", "[systems.support-desk]", f'[systems.support-desk]\ninterpreter = "{deaf}"')
    assert "got out of its replay: connection" in findings(project)[f"isolation of {deaf}"]


def test_name_of_a_folder_cannot_write_on_the_terminal(project):
    folder = project / "incidents" / "\x1b]52;c;QQ\x07"
    folder.mkdir()
    (folder / "case.yaml").touch()
    assert "\x1b" not in call("doctor", cwd=project).out


def test_each_level_of_isolation_is_told(project):
    told = {each["check"]: each["detail"] for each in call("doctor", "--json", cwd=project).json}
    assert [each for each in told if each.startswith("level ")] == ["level netns", "level landlock", "level guard"]


def test_level_that_is_switched_off_is_told_with_what_to_do(project):
    if obstacles()["netns"]:
        pytest.skip(obstacles()["netns"])
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = [
        "unshare",
        "-Ur",
        "sh",
        "-c",
        script,
        "sh",
        sys.executable,
        "-c",
        "from unrepeat.harness.cli import main; main()",
        "doctor",
        "--json",
    ]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=True)
    (netns,) = (each for each in json.loads(done.stdout) if each["check"] == "level netns")
    assert "user.max_user_namespaces" in netns["detail"]
    assert netns["ok"], "no system here asks for it"


def test_level_that_a_system_needs_and_cannot_have_is_found(monkeypatch):
    monkeypatch.setattr(ladder, "_obstacle", lambda level: "no" if level == "netns" else "")
    app, program = SystemConfig(python="a:b"), SystemConfig(command=["a"])
    named = [SystemConfig(python="a:b", isolation=level) for level in ISOLATING]
    assert [ok for _, ok, _ in levels([app, *named])] == [False, True, True]
    assert [ok for _, ok, _ in levels([app, program, *named[1:]])] == [True, True, True]


def test_level_that_is_named_is_needed_although_a_stronger_one_is_had(monkeypatch):
    monkeypatch.setattr(ladder, "_obstacle", lambda level: "no" if level == "landlock" else "")
    assert [ok for _, ok, _ in levels([SystemConfig(python="a:b", isolation="landlock")])] == [True, False, True]
    assert [ok for _, ok, _ in levels([SystemConfig(command=["a"])])] == [True, True, True]


def test_deployment_needs_no_level_here(monkeypatch):
    monkeypatch.setattr(ladder, "_obstacle", lambda level: "" if level in ("guard", "none") else "no")
    assert [ok for _, ok, _ in levels([SystemConfig(url="http://agent.example")])] == [True, True, True]
    assert [ok for _, ok, _ in levels([SystemConfig(command=["a"])])] == [True, False, True]
