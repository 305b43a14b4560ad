"""Measures the start of the command line: `--help` and `--version`, beside a bare click program and the peers.

    python -m benchmarks.startup [--peers PEERS/bin] [--quick] [--json]

The bare program is a click group with as many commands and a version, behind the same kind of entry point (a script
that imports a function and calls it). All programs run in turn; medians of wall time are printed. The modules that
`unrepeat --help` imports beyond those of the bare program are listed: nothing heavy may be among them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .measure import QUIET, Row, cell, interleaved, ratio, run, table

BARE = '''"""A program."""
import sys
import click

@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog="See the documentation.")
@click.version_option("1.0.0", "-V", "--version", prog_name="bare")
def group() -> None:
    """Do things."""

for name in "demo init import replay prove report doctor schema show".split():
    group.command(name, help=f"Do what {name} does, in a sentence of this length.")(lambda: None)

def main() -> None:
    sys.exit(group.main(None, "bare"))
'''
SCRIPT = """#!{python}
# -*- coding: utf-8 -*-
import re
import sys
{path}from {module} import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""
HEAVY = (
    "asyncio deepdiff importlib.metadata jinja2 jsonschema msgspec numpy orjson pandas pydantic re2 rich ssl yaml"
).split()
OPTIONS = ("--help", "--version")
PEERS = ("inspect", "deepeval", "promptfoo")


def write_program(folder: Path, name: str, module: str, path: str = "") -> str:
    """Write the script that an installer makes for an entry point, and return it."""
    script = folder / name
    script.write_text(SCRIPT.format(python=sys.executable, module=module, path=path))
    script.chmod(0o755)
    return str(script)


def measure(options: argparse.Namespace) -> list[Row]:
    """Measure all programs in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare_click_program.py").write_text(BARE)
        bare = write_program(folder, "bare", "bare_click_program", f"sys.path.insert(0, {name!r})\n")
        own = write_program(folder, "unrepeat", "unrepeat.harness.cli")
        programs = {"bare click program": bare, "unrepeat": own}
        programs |= {peer: shutil.which(peer, path=str(options.peers)) or shutil.which(peer) or "" for peer in PEERS}
        sides: dict[str, Callable[[], Row]] = {
            f"{side} {option}": _start(program, option, folder)
            for side, program in programs.items()
            for option in OPTIONS
        }
        interleaved(sides, 1)  # compiles what is not compiled yet
        found = interleaved({side: work for side, work in sides.items() if not _is_peer(side)}, options.runs)
        found |= interleaved({side: work for side, work in sides.items() if _is_peer(side)}, min(5, options.runs))
    return [{"side": side, **found[side]} for side in sides]


def _is_peer(side: str) -> bool:
    return side.startswith(PEERS)


def _start(program: str, option: str, folder: Path) -> Callable[[], Row]:
    return lambda: run([program, option], folder) if program else {"missing": "not installed"}


def extra_modules() -> list[str]:
    """Return the modules that `unrepeat --help` imports beyond those of the bare program."""
    code = "{}\ngroup.main(['--help'], standalone_mode=False)\nprint('\\n'.join(sys.modules))"
    ours = "import sys\nfrom unrepeat.harness.cli import group"
    return sorted(_printed(code.format(ours)) - _printed(code.format(BARE)))


def _printed(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | QUIET
    )
    return {line for line in said.stdout.splitlines() if line and all(part.isidentifier() for part in line.split("."))}


def report(rows: list[Row], modules: list[str]) -> str:
    """Return the table and the list of modules."""
    found = {row["side"]: row for row in rows}
    lines = []
    for row in rows:
        option = row["side"].rpartition(" ")[2]
        bare, own = found[f"bare click program {option}"], found[f"unrepeat {option}"]
        measured = [cell(row, "wall_s", ".1f", 1000), ratio(row, bare, "wall_s"), ratio(row, own, "wall_s")]
        lines.append([f"`{row['side']}`", *measured, cell(row, "peak_mb", ".0f") if "peak_mb" in row else ""])
    heavy = [module for module in modules if module in HEAVY]
    words = ", ".join(f"`{module}`" for module in modules)
    head = ["start", "ms", "of bare click", "of unrepeat", "peak MB"]
    listed = f"`unrepeat --help` imports beyond those of the bare program: {words}."
    return f"{table(head, lines)}\n\n{listed} Heavy among them: {', '.join(heavy) or 'none'}."


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", type=Path, default=Path(sys.executable).parent, help="folder with the peers' commands"
    )
    parser.add_argument("--runs", type=int, default=31, help="starts of each program; the median is printed")
    parser.add_argument("--quick", action="store_true", help="fewer of them")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    if options.quick:
        options.runs = 15
    rows, modules = measure(options), extra_modules()
    print(json.dumps({"starts": rows, "modules": modules}, indent=2) if options.json else report(rows, modules))
    return 0


if __name__ == "__main__":
    sys.exit(main())
