"""Lists and runs the benchmarks.

    python -m benchmarks --list
    python -m benchmarks [NAME ...] [--quick] [--json] [--python PEERS/bin/python] [--inspect] [--page PAGE]

Each runs in a process of its own, one after the other. A peer that is not installed is listed as such.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .measure import published

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark and how it is run."""

    words: str
    quick: tuple[str, ...] = ()
    """What it is told when there is little time."""
    as_module: bool = False
    """Started with ``-m``; else by its path."""
    has_json: bool = True
    has_inspect: bool = False
    peers: str = ""
    """The option that names the peers' interpreter, or the folder of their commands."""


BENCHMARKS = {
    "startup": Benchmark("start of the command line", quick=("--quick",), as_module=True, peers="--peers"),
    "replay": Benchmark(
        "recorded replay with scoring", quick=("--quick",), as_module=True, has_inspect=True, peers="--python"
    ),
    "isolation": Benchmark("start of a program in a cell", quick=("--quick",), as_module=True),
    "wire": Benchmark("a stubbed model call over HTTP", quick=("--quick",), as_module=True, peers="--python"),
    "divergence": Benchmark("explanation of a divergence", quick=("--quick",), as_module=True),
    "checks": Benchmark(
        "checks over recorded outputs",
        quick=("--n", "1000", "--ours-n", "10000", "--runs", "1"),
        has_inspect=True,
        peers="--python",
    ),
    "import_otlp": Benchmark("import of OTLP/JSON lines", quick=("--size-mb", "32", "--rounds", "1")),
    "redaction": Benchmark("redaction by patterns", quick=("--megabytes", "1"), has_json=False),
    "injection_resisted": Benchmark("injection-resisted over the recorded AgentDojo runs (needs UNREPEAT_CORPORA)"),
}


def command(name: str, options: argparse.Namespace) -> list[str]:
    """Return the command that runs a benchmark."""
    benchmark = BENCHMARKS[name]
    program = ["-m", f"benchmarks.{name}"] if benchmark.as_module else [str(HERE / f"{name}.py")]
    arguments = list(benchmark.quick) if options.quick else []
    if options.json and benchmark.has_json:
        arguments.append("--json")
    if options.inspect and benchmark.has_inspect:
        arguments.append("--inspect")
    if options.python and benchmark.peers:
        peers = options.python if benchmark.peers == "--python" else str(Path(options.python).parent)
        arguments += [benchmark.peers, peers]
    return [sys.executable, *program, *arguments]


def run_one(name: str, options: argparse.Namespace) -> tuple[str, int]:
    """Run a benchmark and return what it printed and its exit code."""
    print(f"benchmarks: {name}: {BENCHMARKS[name].words} …", file=sys.stderr, flush=True)
    done = subprocess.run(command(name, options), cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip(), done.returncode


def as_json(text: str) -> Any:
    """Return the JSON a benchmark printed; its text, where it prints none."""
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="which to run; all by default")
    made.add_argument("--list", action="store_true", help="only list them")
    made.add_argument("--quick", action="store_true", help="smaller inputs and fewer repetitions")
    made.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    made.add_argument("--python", help="interpreter in which the peers are installed; this one by default")
    made.add_argument("--inspect", action="store_true", help="Inspect too, where it takes minutes")
    made.add_argument("--page", type=Path, help="put the tables into this Markdown page, between its markers")
    return made


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; the exit code is 1 when one of them failed."""
    options = parser().parse_args(argv)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser().error(f"expected names among {', '.join(BENCHMARKS)}, got {', '.join(unknown)}")
    if options.list:
        print("\n".join(f"{name:20}{benchmark.words}" for name, benchmark in BENCHMARKS.items()))
        return 0
    results, failed = {}, []
    for name in options.names or BENCHMARKS:
        text, code = run_one(name, options)
        if code != 0:
            failed.append(name)
            continue
        results[name] = as_json(text)
        if options.page:
            published(options.page, name, text)
        if not options.json:
            print(f"## {name}: {BENCHMARKS[name].words}\n\n{text}\n", flush=True)
    if options.json:
        print(json.dumps(results, indent=2))
    for name in failed:
        print(f"benchmarks: {name} did not run to its end", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
