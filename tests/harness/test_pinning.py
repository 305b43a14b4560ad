"""What a change may not take away from what the base revision has, in a real repository."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.cases.case_samples import ACT
from tests.harness.command_line import call
from tests.harness.gate_project import CASE, add_case, commit, edit, git, protected, regress
from tests.harness.refund_project import ASSERT

from unrepeat.cases import library


@pytest.fixture
def project(tmp_path):
    return protected(tmp_path / "project")


def gated(project, *args, base="main"):
    return call("gate", "--base", base, *args, "--json", cwd=project)


def problems(done):
    return [(each["rule"], each["effect"]) for each in done.json.get("problems", [])]


def policy(project, text):
    path = project / "unrepeat.toml"
    path.write_text(f"{path.read_text()}\n[gate]\n{text}\n")


def test_unchanged_project_passes(project):
    done = gated(project)
    assert (done.code, problems(done)) == (0, [])
    assert done.json["base"].startswith("main (")


def test_regression_is_blocked(project):
    regress(project)
    assert gated(project).code == 1


def test_added_case_assertion_and_custody_pass(project):
    add_case(project, "inc-2")
    edit(project / CASE, "assert: [", "assert: [{type: not-tool-called, tool: refund, args: {order_id: ord_1}}, ")
    call("status", "inc-2", "retired", "--owner", "Ada", "--reason", "a double", cwd=project)
    assert gated(project).code == 0


def test_removed_case_fails(project):
    shutil.rmtree(project / "incidents/inc-1")
    add_case(project, "inc-2")
    done = gated(project)
    assert (done.code, problems(done)) == (1, [("case-removed", "fail")])


def test_edit_that_nobody_finished_is_not_finished_by_the_gate(project):
    """The change commits a pending edit that would retire the case."""
    before = (project / CASE).read_bytes()
    call("status", "inc-1", "retired", "--owner", "Ada", "--reason", "a double", cwd=project)
    pending = project / "incidents/inc-1/.unrepeat-edit"
    pending.mkdir()
    for name in ("case.yaml", "custody.jsonl"):
        shutil.move(project / "incidents/inc-1" / name, pending / name)
    git(project, "checkout", "-q", "--", "incidents")
    regress(project)
    done = gated(project)
    assert (done.code, problems(done)) == (1, [("case-unreadable", "fail")])
    assert [each["rule"] for each in done.json["cases"]] == ["edited"]
    assert ((project / CASE).read_bytes(), pending.is_dir()) == (before, True)


def test_case_folder_that_became_a_link_cannot_be_read(project):
    shutil.move(project / "incidents/inc-1", project / "elsewhere")
    (project / "incidents/inc-1").symlink_to(project / "elsewhere")
    assert problems(gated(project)) == [("case-unreadable", "fail")]


def test_case_that_is_not_gated_is_pinned_too(project):
    add_case(project, "inc-2")
    commit(project)
    shutil.rmtree(project / "incidents/inc-2")
    assert problems(gated(project, "inc-1")) == [("case-removed", "fail")]


WEAKENED = {
    "another tool": ("tool: refund}", "tool: launch_missiles}", "assertion-changed"),
    "another stage": ("tool: refund}", "tool: refund, args: {amount: 99}}", "assertion-changed"),
    "all gone": (ASSERT, "assert: []\n", "assertion-changed"),
    "static answers": ("owners:", "replay: {boundaries: {tool: {mode: static, value: x}}}\nowners:", "replay-changed"),
    "another input": ("owners:", "replay: {input: {text: hello}}\nowners:", "replay-changed"),
    "another system": ("owners:", "system: desk\nowners:", "replay-changed"),
    "lower severity": ("severity: medium", "severity: low", "weakened"),
    "not blocking": ("owners:", "blocks_while_open: false\nowners:", None),
    "other words": ("title: A refund", "title: The refund", None),
    "a label": ("tool: refund}", "tool: refund, name: no refund}", None),
    "higher severity": ("severity: medium", "severity: critical", None),
}


@pytest.mark.parametrize(("before", "after", "rule"), WEAKENED.values(), ids=WEAKENED.keys())
def test_only_what_weakens_a_case_fails(project, before, after, rule):
    edit(project / CASE, before, after)
    done = gated(project)
    assert problems(done) == ([(rule, "fail")] if rule else [])
    assert done.code == (1 if rule else 0)


def test_problem_names_the_key(project):
    edit(project / CASE, "tool: refund}", "tool: launch_missiles}")
    assert gated(project).json["problems"][0]["where"] == "inc-1: assert[0]"


def test_severity_that_is_taken_out_counts_as_the_policy_says(project):
    edit(project / CASE, "severity: medium\n", "")
    assert gated(project).code == 0  # not stated counts as high
    policy(project, "unstated_severity = 'low'")
    commit(project)
    edit(project / CASE, "owners:", "severity: high\nowners:")
    commit(project)
    edit(project / CASE, "severity: high\n", "")
    assert problems(gated(project)) == [("weakened", "fail")]


def test_block_while_open_is_not_taken_back(project):
    add_case(project, "inc-2", ASSERT + "blocks_while_open: true\n")
    commit(project)
    edit(project / "incidents/inc-2/case.yaml", "blocks_while_open: true", "blocks_while_open: false")
    assert problems(gated(project)) == [("weakened", "fail")]


def test_case_made_anew_under_its_id_is_another(project):
    """Evidence, manifest and custody log agree with each other, only not with the base revision."""
    shutil.rmtree(project / "incidents/inc-1")
    folder = add_case(project, "inc-1", ASSERT + "severity: medium\n")
    (folder / "evidence").mkdir(exist_ok=True)
    assert ("custody-rewritten", "fail") in problems(gated(project))


def test_evidence_that_is_exchanged_fails(project):
    path = project / "incidents/inc-1/manifest-sha256.txt"
    path.write_text(path.read_text().replace(path.read_text()[:64], "0" * 64))
    assert problems(gated(project)) == [("evidence-changed", "fail")]


def test_recording_that_a_case_never_had_is_not_brought_by_a_change(project):
    folder = project / "incidents/inc-2"
    library.create(folder, "id: inc-2\ntitle: From a ticket\nassert: []\n", None, {}, ACT)
    commit(project)
    shutil.rmtree(folder)
    add_case(project, "inc-2", "assert: []\n")
    assert ("evidence-changed", "fail", "inc-2: trace.json") in [
        (each["rule"], each["effect"], each["where"]) for each in gated(project).json["problems"]
    ]


@pytest.mark.parametrize("place", ["incidents", "unrepeat.toml"])
def test_link_in_the_base_revision_is_not_read_as_nothing_there(project, place):
    shutil.move(project / place, project / "elsewhere")
    (project / place).symlink_to("elsewhere")
    commit(project)
    (project / place).unlink()
    shutil.move(project / "elsewhere", project / place)
    done = call("gate", "--base", "main", cwd=project)
    assert (done.code, done.out) == (2, "")
    assert f"--base main:{place}: expected files of the revision, got a symbolic link" in done.err


def test_submodule_in_the_base_revision_is_not_read_as_nothing_there(project):
    commit_id = git(project, "rev-parse", "HEAD").strip()
    git(project, "rm", "-rq", "--cached", "incidents")
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{commit_id},incidents")
    git(project, "commit", "-qm", "state")
    done = call("gate", "--base", "main", cwd=project)
    assert (done.code, done.out) == (2, "")
    assert "--base main:incidents: expected files of the revision, got a submodule" in done.err


@pytest.mark.parametrize("status", ["open", "retired"])
def test_status_that_goes_back_is_for_a_person(project, status):
    add_case(project, "inc-2")
    assert call("status", "inc-1", status, "--owner", "Ada", "--reason", "a mistake", cwd=project).code == 0
    done = gated(project)
    assert (done.code, problems(done)) == (10, [("status-lowered", "hold")])


def test_case_that_the_base_cannot_read_is_for_a_person(project):
    good = (project / CASE).read_text()
    (project / CASE).write_text("id: inc-1\n  : [\n")
    commit(project)
    (project / CASE).write_text(good)
    done = gated(project)
    assert (done.code, problems(done)) == (10, [("base-unreadable", "hold")])


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("blocks = ['medium']", "blocks = ['high']", "loosened"),
        ("blocks = ['high']", "blocks = ['medium', 'high']", "tightened"),
        ("hold = []", "hold = ['cannot_judge']", "loosened"),
        ("claim = 'fixed'", "claim = 'no_regression'", "loosened"),
        ("trials = 20", "trials = 10", "loosened"),
        ("scope = {high = 'whole_run'}", "scope = {}", "loosened"),
        ("unstated_severity = 'low'", "unstated_severity = 'high'", "tightened"),
        ("model = 'a/b'", "model = 'a/c'", "changed"),
        ("", "waivers = [{case = 'inc-1', reason = 'r', owner = 'o', expires = 2999-01-01}]", "loosened"),
    ],
)
def test_policy_of_the_base_holds_and_a_change_of_it_is_named(project, before, after, told):
    policy(project, before)
    commit(project)
    held = gated(project).json["policy_sha256"]
    edit(project / "unrepeat.toml", f"[gate]\n{before}", f"[gate]\n{after}")
    done = gated(project)
    assert [(each["rule"], told in each["reason"]) for each in done.json["problems"]] == [("policy-changed", True)]
    assert done.json["policy_sha256"] == held


def test_loosened_policy_does_not_let_a_regression_through(project):
    regress(project)
    policy(project, "blocks = ['high']")
    assert gated(project).code == 1
    assert call("gate", cwd=project).code == 0


def test_policy_is_that_of_the_base_behind_a_link_too(project):
    """The change makes unrepeat.toml a link to a file that the base has, with a policy that blocks little."""
    (project / "lax.toml").write_text((project / "unrepeat.toml").read_text() + "\n[gate]\nblocks = ['high']\n")
    commit(project)
    (project / "unrepeat.toml").unlink()
    (project / "unrepeat.toml").symlink_to("lax.toml")
    regress(project)
    assert gated(project).code == 1


def configured_in_pyproject(project):
    text = (project / "unrepeat.toml").read_text()
    nested = text.replace("[systems", "[tool.unrepeat.systems") + "\n[tool.unrepeat.gate]\nclaim = 'fixed'\n"
    (project / "pyproject.toml").write_text(nested)
    (project / "unrepeat.toml").unlink()
    commit(project)


def test_policy_in_pyproject_of_the_base_holds(project):
    configured_in_pyproject(project)
    edit(project / "pyproject.toml", "claim = 'fixed'", "claim = 'no_regression'")
    assert gated(project).json["claim"] == "fixed"


@pytest.mark.parametrize("pyproject", [False, True], ids=["unrepeat.toml", "pyproject.toml"])
def test_another_configuration_than_that_of_the_base_is_for_a_person(project, pyproject):
    (project / "inner").mkdir()
    shutil.copytree(project / "incidents", project / "inner/incidents")
    for each in ("app.py", "model.py", "tools.py", "unrepeat.toml"):
        shutil.copy(project / each, project / "inner")
    if pyproject:
        shutil.move(project / "inner", project.parent / "inner")
        configured_in_pyproject(project)
        shutil.move(project.parent / "inner", project / "inner")
    done = call("gate", "--base", "main", "--json", cwd=project / "inner")
    assert (done.code, done.json["claim"]) == (10, "fixed" if pyproject else "no_regression")
    assert ("configuration-moved", "hold") in problems(done)


def test_table_that_was_taken_out_of_a_pyproject_is_for_a_person(project):
    (project / "inner").mkdir()
    (project / "inner/pyproject.toml").write_text("[tool.unrepeat]\nincidents = '../incidents'\n")
    commit(project)
    (project / "inner/pyproject.toml").write_text("[project]\nname = 'unrepeat-desk'\n")
    done = call("gate", "--base", "main", "--json", cwd=project / "inner")
    assert (done.code, problems(done)) == (10, [("configuration-moved", "hold")])


def test_cases_moved_to_another_folder_are_still_pinned(project):
    edit(project / "unrepeat.toml", "\n[systems.desk]", 'incidents = "cases"\n[systems.desk]')
    (project / "cases").mkdir()
    done = gated(project)
    assert ("case-removed", "fail") in problems(done)


def test_changed_system_is_named(project):
    edit(project / "unrepeat.toml", "timeout_s = 5", "timeout_s = 6")
    done = gated(project)
    assert (done.code, problems(done)) == (0, [("system-changed", "reported")])
    assert "(timeout_s)" in done.json["problems"][0]["reason"]


def test_project_below_the_top_of_the_repository_is_found(tmp_path, project):
    shutil.rmtree(project / ".git")
    shutil.move(project, tmp_path / "repository/services/desk")
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    commit(tmp_path / "repository")
    shutil.rmtree(tmp_path / "repository/services/desk/incidents/inc-1/evidence", ignore_errors=True)
    edit(tmp_path / "repository/services/desk" / CASE, "tool: refund}", "tool: other}")
    assert ("assertion-changed", "fail") in problems(gated(tmp_path / "repository/services/desk"))


@pytest.mark.parametrize("name", ["nowhere", "", " main", "--output=x", "-x", "main:unrepeat.toml", "main\n"])
def test_revision_that_is_none_is_a_mistake(project, name):
    done = call("gate", f"--base={name}", cwd=project)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert not (project / ".unrepeat").exists()


def test_shallow_clone_is_told_what_to_fetch(tmp_path, project):
    git(project, "checkout", "-q", "-b", "feature")
    git(project, "commit", "-q", "--allow-empty", "-m", "more")
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=feature", f"file://{project}", "clone")
    done = call("gate", "--base", "origin/main", cwd=tmp_path / "clone")
    assert (done.code, "a shallow clone without it" in done.err) == (2, True)
    [fetch] = [each for each in done.err.split("`") if each.startswith("git fetch")]
    subprocess.run(fetch.split(), cwd=tmp_path / "clone", check=True, capture_output=True)
    assert gated(tmp_path / "clone", base="origin/main").code == 0


def test_folder_outside_of_a_repository_is_a_mistake(project):
    shutil.rmtree(project / ".git")
    done = call("gate", "--base", "main", cwd=project, GIT_CEILING_DIRECTORIES=str(project.parent))
    assert (done.code, "expected a git repository" in done.err) == (2, True)


def test_machine_without_git_is_told_so(project):
    done = call("gate", "--base", "main", cwd=project, PATH=str(project))
    assert (done.code, "expected git" in done.err) == (2, True)


def test_policy_of_the_base_that_cannot_be_used_is_a_mistake(project):
    policy(project, "blocks = 3")
    commit(project)
    git(project, "checkout", "-q", "HEAD~", "--", "unrepeat.toml")
    done = call("gate", "--base", "main", cwd=project)
    assert (done.code, "main:unrepeat.toml: gate.blocks" in done.err) == (2, True)


def test_nothing_is_checked_out(project):
    regress(project)
    before = git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")
    gated(project)
    assert (git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")) == before
