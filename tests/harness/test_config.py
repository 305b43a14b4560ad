"""unrepeat.toml: what it says, and what is wrong with it."""

from __future__ import annotations

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.harness.config import load_project, system_named

SYSTEM = '[systems.desk]\npython = "app:handle"\n'


def project(folder, text, name="unrepeat.toml"):
    (folder / name).write_text(text)
    return load_project(folder)


def test_folder_without_a_file_has_the_defaults(tmp_path):
    found = load_project(tmp_path)
    assert (found.file, found.incidents, found.config.systems) == (None, tmp_path / "incidents", {})


def test_file_of_a_folder_above_holds(tmp_path):
    project(tmp_path, SYSTEM)
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert load_project(below).root == tmp_path


def test_own_file_wins_over_pyproject(tmp_path):
    project(tmp_path, '[tool.unrepeat]\nincidents = "a"\n', "pyproject.toml")
    assert project(tmp_path, 'incidents = "b"\n').config.incidents == "b"


def test_table_in_pyproject_is_read(tmp_path):
    assert project(tmp_path, '[tool.unrepeat]\nincidents = "a"\n', "pyproject.toml").config.incidents == "a"


@pytest.mark.parametrize("text", ["", "tool = 3\n", "[tool]\nother = 1\n"])
def test_pyproject_of_others_is_passed_over(tmp_path, text):
    assert project(tmp_path, text, "pyproject.toml").file is None


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("incident = 'x'\n", ": incident", "'incidents'"),
        ('[systems.desk]\npyton = "a:b"\n', "systems.desk.pyton", "'python'"),
        ('[systems.desk]\nboundaries.tols = ["a:b"]\n', "systems.desk.boundaries.tols", "'tool'"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest(tmp_path, text, place, near):
    with pytest.raises(ConfigError) as caught:
        project(tmp_path, text)
    assert place in str(caught.value)
    assert near in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[systems.desk]\npython = 'no callable'\n",
        "[systems.desk]\ntimeout_s = 0\n",
        "[systems.desk]\ntimeout_s = nan\n",
        "[systems.desk]\ntimeout_s = inf\n",
        '[systems.desk]\nallow_live = ["get_order"]\n',
        "systems = 3\n",
    ],
)
def test_value_that_makes_no_sense_is_refused(tmp_path, text):
    with pytest.raises(ConfigError):
        project(tmp_path, text)


def test_syntax_error_names_its_line(tmp_path):
    with pytest.raises(ConfigError, match=r"unrepeat\.toml.*line 2"):
        project(tmp_path, "incidents = 'x'\n[systems\n")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 5000, b"#" * (1024 * 1024 + 1), b"a = 1\0"])
def test_file_that_is_no_configuration_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "unrepeat.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"unrepeat\.toml"):
        load_project(tmp_path)


def test_only_system_needs_no_name(tmp_path):
    assert system_named(project(tmp_path, SYSTEM), None) == ("desk", load_project(tmp_path).config.systems["desk"])


@pytest.mark.parametrize(("text", "name"), [(SYSTEM, "desks"), (SYSTEM + SYSTEM.replace("desk", "shop"), None)])
def test_system_that_is_not_clear_is_asked_for(tmp_path, text, name):
    with pytest.raises(ConfigError, match="expected one of the systems desk"):
        system_named(project(tmp_path, text), name)
