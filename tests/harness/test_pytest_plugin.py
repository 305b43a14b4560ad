"""Incidents in pytest, in real runs of pytest over a project of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from tests.cases.case_samples import ACT
from tests.replayers.recordings import refund_trace

from unrepeat.cases import library
from unrepeat.cases.trace import TraceDocument

from .command_line import call, environment
from .refund_project import make_project

GUARDED = ("--incidents-candidate", "guarded")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a fixed case, and folders of the names that unrepeat's own layers have."""
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    call("prove", "inc-1", "--candidate", "guarded", cwd=folder)
    assert call("status", "inc-1", "fixed", cwd=folder).code == 0
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    for name in ("tests", "cases", "reports"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    (folder / "tests/test_own.py").write_text(
        "import cases, reports\n\n\ndef test_own():\n    assert cases and reports\n"
    )
    return folder


def run(folder, *args):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *args],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def add_draft(folder):
    document = TraceDocument(traces=(refund_trace(),))
    library.create(folder / "incidents/inc-2", "id: inc-2\ntitle: t\nassert: []\n", document, {}, ACT)


def marked(folder, text):
    path = folder / "tests/test_marked.py"
    path.write_text(f"import pytest\n\n\n{text}")
    return path


def test_cases_run_beside_the_tests_of_the_project(made):
    code, out = run(made, "--incidents", *GUARDED, "-v")
    assert (code, "2 passed" in out) == (0, True)
    assert "incidents/inc-1/case.yaml::inc-1 PASSED" in out


def test_regression_fails_with_step_reason_and_next_command(made):
    code, out = run(made, "--incidents", "--incidents-candidate", "v1")
    assert (code, "1 failed, 1 passed" in out) == (1, True)
    for words in ("still_failing (still-failing)", "tool refund", "unrepeat replay inc-1"):
        assert words in out
    assert "Traceback" not in out
    assert "no case was judged" not in out


def test_without_the_option_no_case_runs(made):
    code, out = run(made)
    assert (code, "1 passed" in out) == (0, True)


def test_case_can_be_chosen_and_left_out_like_any_test(made):
    assert run(made, "--incidents", *GUARDED, "-m", "incident")[1].count("1 passed, 1 deselected") == 1
    code, out = run(made, "--incidents", *GUARDED, "-k", "own")
    assert (code, "no case was judged" in out) == (1, True)


def test_run_without_cases_fails(made, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out = run(made, "--incidents", str(tmp_path / "empty"))
    assert (code, "no case was judged" in out) == (1, True)


def test_folder_that_is_not_there_is_a_usage_error(made):
    code, out = run(made, "--incidents", "nowhere")
    assert (code, "nowhere" in out) == (4, True)


def test_workers_judge_each_case_once_and_the_run_knows(made):
    code, out = run(made, "--incidents", *GUARDED, "-n", "2")
    assert (code, "2 passed" in out) == (0, True)


def test_junit_of_pytest_has_the_case(made, tmp_path):
    run(made, "--incidents", *GUARDED, f"--junitxml={tmp_path / 'junit.xml'}")
    names = [str(each.get("name")) for each in ET.parse(tmp_path / "junit.xml").iter("testcase")]
    assert sorted(names) == ["inc-1", "test_own"]


def test_marked_test_gets_what_the_gate_says(made):
    path = marked(
        made,
        "@pytest.mark.incident('inc-1', repeat=3)\ndef test_it(incident):\n    assert incident.verdict == 'fixed'\n",
    )
    assert "1 passed" in run(made, str(path), *GUARDED)[1]


def test_marked_test_fails_with_its_case_although_it_does_not_look(made):
    path = marked(made, "@pytest.mark.incident('inc-1')\ndef test_refund():\n    pass\n")
    code, out = run(made, str(path), "--incidents-candidate", "v1")
    assert (code, "unrepeat replay inc-1" in out) == (1, True)


def test_marked_test_fails_where_its_case_was_not_judged(made):
    add_draft(made)
    path = marked(made, "@pytest.mark.incident('inc-2')\ndef test_refund():\n    pass\n")
    code, out = run(made, str(path), *GUARDED)
    shutil.rmtree(made / "incidents/inc-2")
    assert (code, "asserts nothing" in out) == (1, True)


@pytest.mark.parametrize("mark", ["incident", "incident()", "incident('inc-1', repeat=0)", "incident('inc-9')"])
def test_marker_that_names_no_case_is_an_error(made, mark):
    path = marked(made, f"@pytest.mark.{mark}\ndef test_refund():\n    pass\n")
    assert run(made, str(path), *GUARDED)[0] == 1


def test_pytest_without_incidents_imports_nothing_of_it(made):
    path = made / "tests/test_lean.py"
    path.write_text(
        "import sys\n\n\ndef test_lean():\n"
        "    loaded = [name for name in sys.modules if name.startswith('unrepeat.')]\n"
        "    assert sorted(loaded) == ['unrepeat.harness', 'unrepeat.harness.pytest_plugin']\n"
    )
    code, out = run(made, str(path))
    path.unlink()
    assert code == 0, out
