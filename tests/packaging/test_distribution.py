"""The wheel is built from the sdist, and everything in it works in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("cases", "replayers", "scorers", "reports", "harness")
NEVER_SHIPPED = {"__pycache__", ".unrepeat", ".DS_Store", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

# Modules that only an extra makes importable, and the missing package that may be the reason.
NEEDS_EXTRA = {"unrepeat.harness.pytest_plugin": "pytest", "unrepeat.harness.inspect_task": "inspect_ai"}

HEAVY = {
    "deepdiff",
    "inspect_ai",
    "jinja2",
    "numpy",
    "pandas",
    "pydantic",
    "rich",
    "scipy",
    "starlette",
    "uvicorn",
}


def layer_files() -> set[str]:
    """Every file of the layers that belongs in a distribution, relative to the checkout."""
    files = (path.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("*") if path.is_file())
    return {f.as_posix() for f in files if not NEVER_SHIPPED & set(f.parts) and f.suffix not in {".pyc", ".pyo"}}


def library_modules(names: set[str]) -> list[str]:
    """Module names among the files of a wheel; the example systems under `cases/shipped` are applications."""
    modules = []
    for name in sorted(names):
        path = PurePosixPath(name)
        if path.suffix == ".py" and path.stem != "__main__" and path.parts[1:3] != ("cases", "shipped"):
            modules.append(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    return modules


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a command and returns what it printed; a failure shows both streams."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel; `build` without a choice makes the wheel from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="session")
def wheel_files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="session")
def empty_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the wheel and its base dependencies, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(python, "-I", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return python


@pytest.mark.slow
def test_wheel_holds_exactly_the_files_of_the_layers(wheel_files: set[str]) -> None:
    packaged = {name for name in wheel_files if ".dist-info/" not in name}
    assert packaged == {f"unrepeat/{name}" for name in layer_files()}


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_marked_as_typed(layer: str, wheel_files: set[str]) -> None:
    assert f"unrepeat/{layer}/py.typed" in wheel_files


@pytest.mark.slow
def test_wheel_carries_licence_and_command(wheel: Path, wheel_files: set[str]) -> None:
    info = next(name for name in wheel_files if name.endswith(".dist-info/METADATA")).rpartition("/")[0]
    with zipfile.ZipFile(wheel) as archive:
        assert "Apache License" in archive.read(f"{info}/licenses/LICENSE").decode()
        assert "unrepeat = unrepeat.harness.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


@pytest.mark.slow
def test_sdist_holds_the_layers_and_what_builds_and_tests_them(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "hatch_build.py", "Makefile", "LICENSE", "README.md", "requirements/dev.txt"}
    assert needed | layer_files() <= names
    assert not [name for name in names if NEVER_SHIPPED & set(name.split("/")) or name.startswith(".editable")]
    assert f"tests/packaging/{Path(__file__).name}" in names


@pytest.mark.slow
def test_every_module_of_the_wheel_imports_in_an_empty_environment(
    empty_environment: Path, wheel_files: set[str], tmp_path: Path
) -> None:
    modules = library_modules({name for name in wheel_files if name.startswith("unrepeat/")})
    script = tmp_path / "import_all.py"
    script.write_text(
        "import importlib, sys\n"
        f"extra = {NEEDS_EXTRA!r}\n"
        f"for name in {modules!r}:\n"
        "    try:\n"
        "        module = importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if error.name is None or extra.get(name) != error.name.partition('.')[0]:\n"
        "            raise\n"
        "    else:\n"
        "        assert module.__file__.startswith(sys.prefix), module.__file__\n"
        "        print(name)\n"
    )
    imported = run(empty_environment, "-I", script, cwd=tmp_path).split()
    assert [name for name in modules if name not in NEEDS_EXTRA] == [n for n in imported if n not in NEEDS_EXTRA]


@pytest.mark.slow
def test_installed_command_answers(empty_environment: Path, tmp_path: Path) -> None:
    answer = run(empty_environment.with_name("unrepeat"), "--version", cwd=tmp_path)
    assert "0.1.0" in answer


@pytest.mark.parametrize("module", ["unrepeat.harness.cli"])
def test_command_line_starts_without_anything_heavy(module: str, tmp_path: Path) -> None:
    probe = f"import {module}, sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    assert run(sys.executable, "-I", "-c", probe, cwd=tmp_path).split() == []
