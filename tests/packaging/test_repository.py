"""What a fresh clone must and must not contain."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINNED = sorted((ROOT / "requirements").glob("*.txt"))

REQUIRED = {
    "harness",
    "cases",
    "replayers",
    "scorers",
    "reports",
    "tests",
    "pyproject.toml",
    "README.md",
    "docs",
    "benchmarks",
    "examples",
}
USUAL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "SECURITY.md",
    "hatch_build.py",
    "requirements",
}

# Put together from parts, so that this file passes its own test.
INDEX_ADDRESS = re.compile(r"(?:index-url|find-links|trusted-host)[\s=]+['\"]?\w|https?://[^\s'\"]+/simple" + r"\b")
HOME = re.compile(r"(?<![\w./])(?:/home/|/Users/|[A-Z]:\\Users\\)(?!(?:user|you|me|name)\b)\w+|(?<![\w./])/root" + r"/")


def tracked_files() -> list[str]:
    """Files in the index and those that would be added; skips where there is no git (an unpacked sdist)."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def lines_matching(pattern: re.Pattern[str]) -> Iterator[str]:
    for name in tracked_files():
        text = (ROOT / name).read_text("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{name}:{number}: {line.strip()[:120]}"


def pins(path: Path) -> dict[str, set[str]]:
    """The versions a requirements file pins each distribution to; more than one where markers choose."""
    found: dict[str, set[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if re.match(r"\w", line):
            requirement = Requirement(line.rstrip(" \\"))
            found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


def declared() -> dict[str, list[Requirement]]:
    """The requirements in pyproject.toml by the file that pins them."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = document["dependency-groups"]
    base = document["project"]["dependencies"]
    extras = [r for extra in document["project"]["optional-dependencies"].values() for r in extra]
    by_file = {
        "demo": [*base, *groups["setup"]],
        "dev": [*base, *extras, *groups["setup"], *groups["dev"]],
        "corpora": groups["corpora"],
        "clients": groups["clients"],
        "bench": groups["bench"],
    }
    return {
        file: [r for text in texts if isinstance(text, str) and (r := Requirement(text)).name != "unrepeat"]
        for file, texts in by_file.items()
    }


def test_top_level_is_the_required_one() -> None:
    present = {name.split("/")[0] for name in tracked_files()}
    assert REQUIRED - present == set()
    assert {name for name in present if not name.startswith(".")} - REQUIRED - USUAL == set()


def test_no_file_names_a_package_index() -> None:
    assert list(lines_matching(INDEX_ADDRESS)) == []


def test_no_file_names_somebodys_home_or_this_checkout() -> None:
    here = re.compile(re.escape(str(ROOT)) + r"\b") if len(ROOT.parts) > 2 else HOME
    assert list(lines_matching(HOME)) + list(lines_matching(here)) == []


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_every_pin_has_a_hash_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    blocks = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_declared_dependencies_are_pinned_within_their_range(path: Path) -> None:
    pinned = pins(path)
    wrong = [
        str(requirement)
        for requirement in declared()[path.stem]
        if not (found := pinned.get(canonicalize_name(requirement.name)))
        or not all(requirement.specifier.contains(version.removeprefix("==")) for version in found)
    ]
    assert wrong == [], "run `make lock`"


@pytest.mark.parametrize("name", ["demo", "corpora", "clients", "bench"])
def test_pins_agree_with_those_of_development(name: str) -> None:
    dev = pins(ROOT / "requirements" / "dev.txt")
    other = pins(ROOT / "requirements" / f"{name}.txt")
    assert {key: found for key, found in other.items() if key in dev and not found <= dev[key]} == {}


def test_extra_all_holds_every_other_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    everything = Requirement(extras["all"][0])
    assert everything.name == "unrepeat"
    assert everything.extras == set(extras) - {"all"}


def test_declared_dependencies_say_why() -> None:
    source = (ROOT / "pyproject.toml").read_text("utf-8")
    base = source.partition("\ndependencies = [")[2].partition("\n]")[0]
    assert [line for line in base.splitlines() if line.strip() and "#" not in line] == []
