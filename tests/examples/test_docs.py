"""The documentation is true: its commands run, its output is what they print, its links resolve.

A ``console`` block holds commands after ``$ `` and, below each, lines that must occur in its output, in that order.
``…`` stands for any text in a line, and alone on a line for any lines. Blocks of one document run in order in one
folder. A command that is to fail says so: ``# exit code 1``. A ``text`` block is not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from docs import generate

from unrepeat.cases.case import read_case
from unrepeat.cases.readers import READERS
from unrepeat.harness.cli import MORE, PRIMARY, group
from unrepeat.harness.config import Config
from unrepeat.scorers.registry import compile_all

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    page for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if page.name != "CODE_OF_CONDUCT.md"
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_RUN = {"console", "python"}
_SHOWN = {"text", "yaml", "toml", "json", ""}
"""Not run: what needs an index, a key or a checkout to set up, and files, which are checked by other tests below."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    return [Block(found[1], found[2]) for found in _FENCE.finditer(page.read_text("utf-8"))]


def prose_of(page: Path) -> str:
    return re.sub(r"^ {4}.*$", "", _FENCE.sub("", page.read_text("utf-8")), flags=re.MULTILINE)


NOT_RUN = {
    ROOT / "docs" / "examples" / "agentdojo.md": "needs the package agentdojo and its recorded runs",
}
RUNNABLE = [page for page in PAGES if page not in NOT_RUN and any(block.language in _RUN for block in blocks_of(page))]


class Reader:
    """Somebody who types what a page says, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.cwd = folder
        self._pwd = folder.parent / "pwd"
        home = folder.parent / "home"
        home.mkdir()
        self._env = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
        }

    def type(self, command: str) -> str:
        """Run one command, check how it ends, and return what it printed."""
        expected = re.search(r"# exit code (\d+)$", command)
        done = self._run(["bash", "-c", f'{command}\ncode=$?; pwd > "{self._pwd}"; exit $code'])
        assert done.returncode == (int(expected[1]) if expected else 0), f"$ {command}\n{done.stdout}"
        assert "Traceback" not in done.stdout, f"$ {command}\n{done.stdout}"
        self.cwd = Path(self._pwd.read_text().strip())
        return done.stdout

    def execute(self, program: str) -> None:
        done = self._run([sys.executable, "-c", program])
        assert done.returncode == 0, done.stdout

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=240,
            check=False,
        )


def commands_of(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines shown below it."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        elif line == ">" or line.startswith("> "):
            command += "\n" + line[2:]
        else:
            shown.append(line)
    assert command, f"a console block starts with a command: {block.text}"
    yield command, shown


def first_missing(shown: list[str], printed: str) -> str | None:
    """Return the first shown line that does not come in order in what was printed."""
    rest = iter(printed.splitlines())
    for line in shown:
        pattern = re.compile(".*".join(map(re.escape, line.rstrip().split("…"))) + r"\s*")
        if line.strip() not in ("", "…") and not any(pattern.fullmatch(each) for each in rest):
            return line
    return None


@pytest.mark.skipif(shutil.which("bash") is None, reason="the pages are written for a POSIX shell")
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    reader = Reader(tmp_path / "reader")
    for block in blocks_of(page):
        if block.language == "python":
            reader.execute(block.text)
        for command, shown in commands_of(block) if block.language == "console" else ():
            printed = reader.type(command)
            assert first_missing(shown, printed) is None, f"$ {command}\n{first_missing(shown, printed)}\n--\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_escapes_the_tests(page: Path) -> None:
    assert {block.language for block in blocks_of(page)} <= _RUN | _SHOWN


def test_a_missing_line_is_noticed() -> None:
    assert first_missing(["one", "three"], "one\ntwo\n") == "three"


def test_lines_out_of_order_are_noticed() -> None:
    assert first_missing(["two", "one"], "one\ntwo\n") == "one"


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in _LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        paths = {link.partition("#")[0] for link in _LINK.findall(prose_of(page)) if not re.match(r"[a-z]+:", link)}
        todo += [(page.parent / path).resolve() for path in paths if path.endswith(".md")]
    assert {page for page in PAGES if ROOT / "docs" in page.parents} <= reached


def test_reference_is_what_the_code_says() -> None:
    assert generate.stale() == [], "run: python -m docs.generate"


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name in (*PRIMARY, *MORE):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield from generate.leaves(name, command)


@pytest.mark.parametrize(
    ("path", "command"), [*every_command()], ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_command_and_option_is_documented(path: str, command: click.Command) -> None:
    page = (REFERENCE / "commands.md").read_text("utf-8")
    section = page.partition(f"## unrepeat {path}\n")[2].partition("\n## ")[0]
    words = [each for parameter in command.params for each in parameter.opts if each.startswith("-")]
    assert section
    assert words or isinstance(command, click.Group)
    assert [each for each in words if not re.search(rf"(?<![\w-]){each}[ ,`]", section)] == []


def test_every_attribute_that_is_read_is_documented() -> None:
    page = (REFERENCE / "attributes.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "cases" / "readers").glob("*.py")]
    read = {name for source in sources for name in re.findall(r'"(unrepeat\.[a-z_]+(?:\.[a-z_0-9]+)?)"', source)}
    assert {name for name in read if f"`{name}`" not in page} <= {"unrepeat.readers"}  # the name of the log


def test_every_format_is_documented() -> None:
    page = (REFERENCE / "formats.md").read_text("utf-8")
    assert [reader.name for reader in READERS if f"`{reader.name}`" not in page] == []


CASES = [
    (page, block) for page in PAGES for block in blocks_of(page) if block.language == "yaml" and "assert:" in block.text
]


@pytest.mark.parametrize(("page", "block"), CASES, ids=lambda value: getattr(value, "name", "yaml"))
def test_assertions_that_are_shown_are_valid(page: Path, block: Block) -> None:
    shown = {"id": "inc-1", "title": "shown", **yaml.safe_load(block.text)}
    case = read_case(yaml.safe_dump(shown).encode(), page.name)
    assert len(compile_all(case.assertions)) == len(case.assertions)


CONFIGURATIONS = [(page, block) for page in PAGES for block in blocks_of(page) if block.language == "toml"]


@pytest.mark.parametrize(("page", "block"), CONFIGURATIONS, ids=lambda value: getattr(value, "name", "toml"))
def test_configuration_that_is_shown_is_valid(page: Path, block: Block) -> None:
    config = Config.model_validate(tomllib.loads(block.text))
    assert config.systems or config.models, page
