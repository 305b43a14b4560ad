"""A version is judged by its own code, never by what happens to be installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.replayers.apps import BOUNDARIES, calls, replayed
from tests.replayers.recordings import APP, MODEL, TOOLS, refund_trace, write_app

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.child.own_code import is_own
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.system import Checkout, PythonSystem


def run(folder: Path, entry: str = "app:handle", **system: object) -> Replay:
    described = PythonSystem(name="desk", entry=entry, boundaries=BOUNDARIES, **system)  # type: ignore[arg-type]
    trace = refund_trace()
    return replay_python(trace, described, Checkout(Version(label="v"), folder), arguments=trace.input)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An interpreter of its own, with the app in its site-packages."""
    home = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    [packages] = home.glob("lib/*/site-packages")
    write_app(packages)
    return home


def test_version_without_the_code_is_not_judged_by_what_is_installed(tmp_path, installed):
    with pytest.raises(
        ReplayError, match=r"expected the module app below /.*, got it from /.*site-packages/app\.py\. Set"
    ):
        run(tmp_path, interpreter=str(installed / "bin/python"))


def test_environment_below_the_version_is_not_the_version(installed):
    with pytest.raises(ReplayError, match="got it from"):
        run(installed, interpreter=str(installed / "bin/python"))


def test_module_of_the_interpreter_is_no_version(tmp_path):
    with pytest.raises(ReplayError, match=r"expected the module time below .*, got it from the interpreter itself"):
        run(tmp_path, entry="time:sleep")


def test_boundaries_may_lie_in_packages_of_others(tmp_path, installed):
    (tmp_path / "app.py").write_text(APP)
    assert len(calls(run(tmp_path, interpreter=str(installed / "bin/python")))) == 2


def test_folder_of_sources_is_the_versions(tmp_path):
    write_app(tmp_path / "src")
    assert run(tmp_path, paths=("src",)).outcome == "completed"


def test_package_without_init_is_the_versions(tmp_path):
    write_app(tmp_path)
    (tmp_path / "space").mkdir()
    (tmp_path / "app.py").rename(tmp_path / "space/app.py")
    assert run(tmp_path, "space.app:handle").outcome == "completed"


def test_code_behind_a_link_is_the_versions(tmp_path):
    (tmp_path / "v").mkdir()
    for file in write_app(tmp_path / "real").iterdir():
        (tmp_path / "v" / file.name).symlink_to(file)
    assert run(tmp_path / "v", reads=(tmp_path / "real",)).outcome == "completed"


def test_archive_is_the_versions(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        for name, source in (("app", APP), ("model", MODEL), ("tools", TOOLS)):
            archive.writestr(f"{name}.py", source)
    assert run(tmp_path, paths=("app.zip",)).outcome == "completed"


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("/v/app.py", True),
        ("/v/.venv/lib/site-packages/app.py", False),
        ("/v2/app.py", False),
        ("/v", False),
        ("", False),
        ("/x/site-packages/mine/app.py", True),
    ],
)
def test_own_code_lies_below_a_path_and_is_not_installed_there(file, own):
    assert is_own(file, ("/v", "/x/site-packages/mine/")) is own


def test_replays_of_the_version_do_not_see_the_harness(tmp_path):
    app = "import model, tools, os\ndef handle(text): return sorted(os.environ)\n"
    assert [name for name in replayed(tmp_path, app=app).trace.output if "REPLAY" in name.upper()] == []
