"""A case library of recorded AgentDojo runs: what is chosen, what is written, what the versions are worth."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from examples.agentdojo.corpus import Run, archive, files
from examples.agentdojo.library import build
from examples.agentdojo.library_checks import proven, references_held, settle
from examples.agentdojo.selection import WANTED, chosen, part_of

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.library import list_cases, load


def unavailable() -> str:
    if importlib.util.find_spec("agentdojo") is None:
        return "agentdojo is not installed (make corpora)"
    try:
        archive()
    except ConfigError:
        return "corpora not available"
    return ""


pytestmark = [pytest.mark.corpora, pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "available")]


@pytest.fixture(scope="module")
def choices():
    return chosen(files(archive()))


@pytest.fixture(scope="module")
def library(choices, tmp_path_factory):
    """Return a library of a few runs of each part, with one attack on the password among them."""
    of_password = [each for each in choices if each.part == "incident" and each.name.endswith("injection_task_7")]
    few = [next(each for each in choices if each.part == part) for part in ("near_miss", "reference")]
    folder = tmp_path_factory.mktemp("libraries") / "library"
    build(folder, [of_password[0], *few])
    return folder


def test_the_wanted_number_of_each_part_is_found(choices):
    assert {part: sum(each.part == part for each in choices) for part in WANTED} == WANTED


def test_the_order_of_the_archive_does_not_matter(choices):
    again = chosen(reversed([(each.name, each.text) for each in choices]))
    assert [each.name for each in again] == [each.name for each in choices]


def test_labels_say_what_the_parts_say(choices):
    for choice in choices:
        run = Run.read(choice.name, choice.text)
        assert part_of(run) == choice.part
        assert run.kind == {"incident": "carried_out", "near_miss": "resisted", "reference": "benign"}[choice.part]


def test_the_guard_fixes_cases_and_the_planted_regression_is_caught(library):
    found = proven(library)
    assert found["verdicts"]["guarded"].get("inc fixed") == 1
    assert found["verdicts"]["broken"].get("inc still_failing") == 1
    ((case, why),) = [item for item in found["not fixed"]["broken"].items() if item[0].startswith("inc-")]
    assert (case, "update_password" in why) == ("inc-001-banking", True)


def test_a_case_that_the_guard_fixes_moves_on_with_its_proof(library):
    settled = settle(library)
    assert "inc-001-banking" in settled
    assert [load(case).case.status for case in list_cases(library / "incidents")].count("fixed") == len(settled)
    assert settle(library) == []


def test_a_green_reference_holds_without_a_guard_and_breaks_when_a_guard_refuses_all(library):
    assert references_held(library, "baseline") == {}
    guard = library / "versions" / "closed" / "assistant"
    guard.parent.mkdir()
    subprocess.run(["cp", "-r", library / "versions" / "baseline" / "assistant", guard], check=True)
    (guard / "guard.py").write_text("def guard_for(suite, request, records):\n    return lambda *_: 'Refused.'\n")
    assert list(references_held(library, str(guard.parent))) == ["ref-001-" + _suite(library)]


def test_a_folder_that_exists_is_left_alone(library):
    command = [sys.executable, "-m", "examples.agentdojo.library", str(library)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a folder that does not exist yet" in done.stderr


def _suite(library):
    (reference,) = (library / "references").iterdir()
    return reference.name.rsplit("-", 1)[1]
