"""The demo: what it shows, where it writes, and that it needs neither network nor heavy modules."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from unrepeat.cases import evidence
from unrepeat.cases.library import list_cases
from unrepeat.harness.demo import CHAPTERS, materialize

from .command_line import call, command, environment, files_of, run

EXPECTED = ["still_failing", *["fixed"] * 7, "cannot_judge"]
HEAVY = ("pandas", "inspect_ai", "numpy", "openai", "anthropic")


def test_verdicts_are_those_that_ship(tmp_path):
    done = call("demo", "--json", cwd=tmp_path)
    assert done.code == 0
    assert [each["verdict"] for each in done.json] == EXPECTED == [each.expected for each in CHAPTERS]


def test_each_verdict_has_its_page(tmp_path):
    for each in call("demo", "--json", cwd=tmp_path).json:
        assert "<html" in (tmp_path / each["page"]).read_text()


def test_demo_shows_each_chapter_with_the_command_that_does_it(tmp_path):
    out = call("demo", cwd=tmp_path).out
    assert [chapter.command() in out for chapter in CHAPTERS] == [True] * len(CHAPTERS)
    assert "--model PROVIDER/NAME" in out


def test_demo_ends_with_how_many_cases_there_are(tmp_path):
    out = call("demo", cwd=tmp_path).out
    assert "cases  11 in unrepeat-demo; " in out
    assert len(list_cases(tmp_path / "unrepeat-demo/incidents")) == 11


def test_commands_of_the_demo_do_by_hand_what_it_did(tmp_path):
    call("demo", cwd=tmp_path)
    first = CHAPTERS[0].command().split()[1:]
    done = call(*first, "--json", cwd=tmp_path / "unrepeat-demo")
    assert (done.code, done.json["verdict"]) == (1, "still_failing")


def test_demo_can_be_run_again(tmp_path):
    first, second = (call("demo", "--json", cwd=tmp_path).json for _ in range(2))
    assert [each["verdict"] for each in first] == [each["verdict"] for each in second]


def test_unchanged_evidence_is_copied(tmp_path):
    materialize(tmp_path / "demo")
    for case in list_cases(tmp_path / "demo/incidents"):
        assert evidence.verify(case.path) == []


def test_work_in_an_earlier_demo_is_not_lost(tmp_path):
    folder = materialize(tmp_path / "demo")
    case = folder / "incidents/inc-wrong-account/case.yaml"
    case.write_text(case.read_text() + "# mine\n")
    before = files_of(folder)
    done = call("demo", "--dir", "demo", cwd=tmp_path)
    assert (done.code, "got one that was changed" in done.err) == (2, True)
    assert files_of(folder) == before


def test_demo_that_was_never_finished_is_begun_again(tmp_path):
    folder = materialize(tmp_path / "demo")
    (folder / ".unrepeat-demo").write_text("A copy of the incidents that ship with unrepeat, not finished.\n")
    (folder / "unrepeat.toml").unlink()
    materialize(folder)
    assert (folder / "unrepeat.toml").is_file()


@pytest.mark.parametrize("inside", ["notes.txt", ".hidden", "incidents/mine/case.yaml"])
def test_foreign_folder_is_left_alone(tmp_path, inside):
    path = tmp_path / "unrepeat-demo" / inside
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    done = call("demo", cwd=tmp_path)
    assert (done.code, "Choose another with --dir" in done.err) == (2, True)
    assert files_of(tmp_path) == {f"unrepeat-demo/{inside}": b"mine"}


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_is_no_folder_is_left_alone(tmp_path, kind):
    target = tmp_path / "unrepeat-demo"
    target.write_text("mine") if kind == "file" else target.symlink_to("nowhere")
    assert call("demo", cwd=tmp_path).code == 2
    assert os.path.lexists(target)


def test_two_demos_at_once_do_not_disturb_each_other(tmp_path):
    args = command("demo", "--json")
    both = [
        subprocess.Popen(args, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    ended = [(*each.communicate(timeout=120), each.returncode) for each in both]
    assert [(err, code) for _, err, code in ended] == [(b"", 0), (b"", 0)]


def test_demo_under_way_keeps_what_it_reads(tmp_path):
    folder = materialize(tmp_path / "demo")
    inodes = {path: path.stat().st_ino for path in folder.rglob("*")}
    materialize(folder)
    assert {path: path.stat().st_ino for path in folder.rglob("*")} == inodes


def test_copy_of_another_release_is_replaced(tmp_path):
    folder = materialize(tmp_path / "demo")
    mark = folder / ".unrepeat-demo"
    mark.write_text(mark.read_text().rpartition("of ")[0] + "of another\n")
    before = (folder / "unrepeat.toml").stat().st_mtime_ns
    materialize(folder)
    assert (folder / "unrepeat.toml").stat().st_mtime_ns > before
    assert not mark.read_text().endswith("of another\n")


def test_demo_needs_no_network(tmp_path):
    unshare = ["unshare", "-n"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network of its own needs a privileged user")
    done = subprocess.run(
        [*unshare, *command("demo")], cwd=tmp_path, env=environment(), capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_demo_needs_no_heavy_module(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        f"class Refused:\n    def find_spec(self, name, *rest):\n        if name in {HEAVY}:\n"
        "            raise RuntimeError(name)\n"
        "sys.meta_path.insert(0, Refused())\n"
    )
    done = run("demo", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.code, done.err) == (0, "")


def test_pages_of_the_demo_load_nothing(tmp_path):
    for each in call("demo", "--json", cwd=tmp_path).json:
        text = (tmp_path / each["page"]).read_text()
        assert 'src="http' not in text
        assert sys.prefix not in text
