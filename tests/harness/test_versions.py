"""Versions of the system: which files they are, and what is laid over them."""

from __future__ import annotations

import os
import subprocess
import tempfile

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.harness.config import Config, Project, SystemConfig, load_project
from unrepeat.harness.versions import resolve, tree_digest, version_files, with_components

COMPONENTS = {"prompt": ["prompts/**"], "guard": ["guard.py"], "model": {"env": "MODEL"}}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "prompts").mkdir(parents=True)
    (folder / "guard.py").write_text("x = 1\n")
    (folder / "prompts/a.md").write_text("a")
    (folder / "prompts/b.md").write_text("b")
    return folder


def system(**fields):
    return SystemConfig.model_validate({"python": "app:handle", "components": COMPONENTS, **fields})


def checkout(tree, wanted=None, **fields):
    return resolve(Project(root=tree, config=Config(), file=None), system(**fields), wanted)


def laid_over(tree, **overrides):
    return with_components(checkout(tree), system(), {key: str(value) for key, value in overrides.items()})


def test_digest_changes_with_content_and_names(tree):
    before = tree_digest(tree)
    (tree / "guard.py").write_text("x = 2\n")
    changed = tree_digest(tree)
    (tree / "guard.py").rename(tree / "guards.py")
    assert len({before, changed, tree_digest(tree)}) == 3


@pytest.mark.parametrize("cache", ["__pycache__/x.pyc", ".git/HEAD", ".unrepeat/results/r.json", ".venv/bin/python"])
def test_digest_ignores_caches(tree, cache):
    before = tree_digest(tree)
    (tree / cache).parent.mkdir(parents=True)
    (tree / cache).write_text("x")
    assert tree_digest(tree) == before


def test_files_are_those_that_git_tracks_or_would_add(tree):
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    (tree / ".gitignore").write_text("secret.txt\n")
    (tree / "secret.txt").write_text("x")
    assert version_files(tree) == [".gitignore", "guard.py", "prompts/a.md", "prompts/b.md"]


def test_digest_follows_a_link_out_of_the_version(tree, tmp_path):
    (tmp_path / "shared.md").write_text("one")
    (tree / "prompts/c.md").symlink_to(tmp_path / "shared.md")
    before = tree_digest(tree)
    (tmp_path / "shared.md").write_text("two")
    assert tree_digest(tree) != before


def test_links_that_lead_nowhere_and_pipes_do_not_matter(tree):
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "pipe")
    assert version_files(tree) == ["guard.py", "loop", "prompts/a.md", "prompts/b.md"]
    assert tree_digest(tree)


def test_component_replaces_its_only_file(tree, tmp_path):
    (tmp_path / "new.py").write_text("x = 9\n")
    with laid_over(tree, guard=tmp_path / "new.py") as version:
        assert (version.folder / "guard.py").read_text() == "x = 9\n"


def test_component_of_several_files_is_replaced_by_name(tree, tmp_path):
    (tmp_path / "b.md").write_text("new")
    with laid_over(tree, prompt=tmp_path / "b.md") as version:
        assert [(version.folder / f"prompts/{name}.md").read_text() for name in "ab"] == ["a", "new"]


def test_value_of_an_environment_component_reaches_the_version(tree):
    with laid_over(tree, model="m2") as version:
        assert version.env == {"MODEL": "m2"}


def test_what_is_laid_over_changes_digest_and_label(tree, tmp_path):
    (tmp_path / "new.py").write_text("x = 9\n")
    plain = checkout(tree).version
    with laid_over(tree, guard=tmp_path / "new.py") as one, laid_over(tree, model="m2") as two:
        assert len({plain.digest, one.version.digest, two.version.digest}) == 3
        assert two.version.label == "working tree with model=m2"


def test_version_itself_stays_as_it_was(tree, tmp_path):
    (tmp_path / "new.py").write_text("x = 9\n")
    before = tree_digest(tree)
    with laid_over(tree, guard=tmp_path / "new.py"):
        pass
    assert tree_digest(tree) == before


def test_file_behind_a_link_is_not_written_through(tree, tmp_path):
    (tmp_path / "shared.py").write_text("shared")
    (tree / "guard.py").unlink()
    (tree / "guard.py").symlink_to(tmp_path / "shared.py")
    (tmp_path / "new.py").write_text("new")
    with laid_over(tree, guard=tmp_path / "new.py") as version:
        assert (version.folder / "guard.py").read_text() == "new"
    assert (tmp_path / "shared.py").read_text() == "shared"


def test_relative_links_lead_to_the_same_place_from_the_copy(tree, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data.txt").write_text("data")
    (tree / "shared").symlink_to("../shared")
    with laid_over(tree, model="m2") as version:
        assert (version.folder / "shared/data.txt").read_text() == "data"


def test_nothing_is_left_behind(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(RuntimeError), laid_over(tree, model="m2"):
        raise RuntimeError
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"prompts": "x"}, "expected a declared component"),
        ({"guard": "no-such-file"}, "expected a file"),
        ({"prompt": __file__}, "expected one file of the component prompt"),
    ],
)
def test_component_that_is_not_clear_is_refused(tree, overrides, message):
    with pytest.raises(ConfigError, match=message), laid_over(tree, **overrides):
        pass


def test_version_is_a_name_a_directory_or_the_working_tree(tree):
    (tree / "v1").mkdir()
    found = [checkout(tree, wanted, versions={"old": "v1"}).folder for wanted in ("old", str(tree / "v1"), None)]
    assert found == [tree / "v1", tree / "v1", tree]


@pytest.mark.parametrize("wanted", ["v9", "guard.py", ""])
def test_version_that_is_not_there_is_refused(tree, wanted):
    with pytest.raises(ConfigError, match="expected a directory or a named version"):
        checkout(tree, wanted)


def test_records_about_incidents_are_no_part_of_the_system(tree):
    (tree / "unrepeat.toml").write_text('[signoff]\napprovers = "people.toml"\n')
    before = described(tree)
    for name in ("incidents/inc-1/custody.jsonl", "recoveries/inc-1-production-1/recovery.json", "people.toml"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    assert described(tree) == before
    (tree / "new.py").write_text("x")
    assert described(tree) != before


def described(tree):
    return resolve(load_project(tree), SystemConfig(), None).version.digest
