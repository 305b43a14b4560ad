"""The ladder: what can be had, what is chosen, and what is told where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.isolation import ladder
from unrepeat.replayers.isolation.ladder import chosen, level_for, obstacles
from unrepeat.replayers.isolation.levels import LEVELS, is_at_least, stronger
from unrepeat.replayers.system import CommandSystem

from .cells import needs, run

TELL = "import json; from unrepeat.replayers.isolation.ladder import obstacles; print(json.dumps(obstacles()))"


@pytest.fixture
def only(monkeypatch):
    """Let only some levels be had."""
    return lambda *levels: monkeypatch.setattr(
        ladder, "_obstacle", lambda level: "" if level in levels else "not here; do this"
    )


@pytest.mark.parametrize(
    ("levels", "required", "python", "expected"),
    [
        (LEVELS, "", True, "netns"),
        (LEVELS, "guard", True, "netns"),
        (LEVELS, "none", False, "netns"),
        (("landlock", "guard", "none"), "", False, "landlock"),
        (("guard", "none"), "", True, "guard"),
        (("guard", "none"), "none", True, "guard"),
        (("guard", "none"), "none", False, "none"),
    ],
)
def test_strongest_that_can_be_had_is_chosen(only, levels, required, python, expected):
    only(*levels)
    assert chosen(required, python=python) == expected


@pytest.mark.parametrize(
    ("levels", "required", "python"),
    [
        (("landlock", "guard", "none"), "netns", True),
        (("guard", "none"), "landlock", True),
        (("guard", "none"), "", False),
        (("guard", "none"), "guard", False),
        (("none",), "", True),
    ],
)
def test_less_than_is_required_is_refused(only, levels, required, python):
    only(*levels)
    with pytest.raises(ReplayError, match="unrepeat doctor") as refused:
        chosen(required, python=python)
    assert ("--allow-no-isolation" in str(refused.value)) == (not required)


def test_level_that_there_is_not_is_refused():
    with pytest.raises(ReplayError, match="expected one of netns, landlock, guard, none, got firewall"):
        chosen("firewall", python=True)


def test_unknown_levels_stand_between_none_and_guard():
    assert not is_at_least("external", "none")
    assert not is_at_least("external", "guard")
    assert stronger("guard", "netns") == stronger("netns", "guard") == "netns"
    assert [is_at_least(level, "landlock") for level in LEVELS] == [True, True, False, False]


def test_obstacles_are_found_by_trying():
    found = obstacles()
    assert tuple(found) == LEVELS
    assert found["guard"] == found["none"] == ""
    found.clear()
    assert obstacles()


def test_user_namespaces_that_are_switched_off_are_told_with_what_to_do():
    needs("netns")
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = ["unshare", "-Ur", "sh", "-c", script, "sh", sys.executable, "-c", TELL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    why = json.loads(done.stdout)
    assert "a refusal to make new namespaces: No space left on device" in why["netns"]
    assert "set the sysctl user.max_user_namespaces to 10000 or so" in why["netns"]
    assert "\n" not in why["netns"]
    assert why["landlock"] == obstacles()["landlock"]


def test_harness_in_a_cell_tells_what_it_cannot_have_there(tmp_path):
    own = Path(ladder.__file__).resolve().parents[2]
    _, out, _ = run("netns", tmp_path, sys.executable, "-c", TELL, env={"TMPDIR": "/tmp"}, reads=[own])
    why = json.loads(out)
    assert "make new namespaces: Operation not permitted" in why["netns"]
    assert why["landlock"] == obstacles()["landlock"]


def system(isolation="", required=""):
    return CommandSystem(name="desk", command=("true",), isolation=isolation, required_isolation=required)


def test_system_runs_at_the_level_it_names(only):
    only("netns", "landlock", "guard", "none")
    assert level_for(system(), python=False) == "netns"
    assert level_for(system("landlock"), python=False) == "landlock"
    assert level_for(system("guard"), python=True) == "guard"


@pytest.mark.parametrize(
    ("isolation", "required", "python", "complaint"),
    [
        ("netns", "", False, "cannot be had here: not here; do this"),
        ("landlock", "netns", False, "expected at least netns, got landlock"),
        ("guard", "", False, "expected a level that can hold it, got guard"),
        ("none", "none", True, "expected a level that can hold it, got none"),
        ("vacuum", "", True, "expected one of netns, landlock, guard, none, got vacuum"),
    ],
)
def test_level_that_will_not_do_is_refused(only, isolation, required, python, complaint):
    only("landlock", "guard", "none")
    with pytest.raises(ReplayError, match=complaint):
        level_for(system(isolation, required), python=python)
