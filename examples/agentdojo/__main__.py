"""Replays recorded AgentDojo attacks against the benchmark's own tools, as they were and with two candidates.

    python -m examples.agentdojo [--suite banking] [--model gpt-4o] [--limit 20] [--jobs 2] [--json] [--write PAGE]

Exit code 0: done. 1: a scorer failed, or the changed prompt was judged although no recording can judge it. 2: the
recorded runs or the package agentdojo are missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from unrepeat.cases.errors import UnrepeatError

from . import tables
from .corpus import SUITES, archive, count, files
from .environments import require_agentdojo
from .outcomes import Outcome, outcomes

_REDRAW_S = 0.2


def limited(found: Iterable[Outcome], limit: int) -> Iterator[Outcome]:
    """Yield outcomes up to and including the given number of replayed attacks; all for 0."""
    attacks = 0
    for outcome in found:
        attacks += outcome.replayed is not None
        yield outcome
        if limit and attacks >= limit:
            return


def shown(found: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """Pass outcomes on and keep a line of progress on the terminal."""
    started = drawn = time.monotonic()
    attacks = 0
    for number, outcome in enumerate(found, start=1):
        attacks += outcome.replayed is not None
        now = time.monotonic()
        if sys.stderr.isatty() and now - drawn > _REDRAW_S:
            drawn = now
            line = f"\r{number:,} of {total:,} runs read, {attacks:,} attacks replayed, {now - started:.0f} s"
            print(line, end="\x1b[K", file=sys.stderr, flush=True)
        yield outcome
    end = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{end}{attacks:,} attacks replayed in {time.monotonic() - started:.0f} s", file=sys.stderr)


def collected(found: Iterable[Outcome]) -> dict[str, Any]:
    """Return everything the tables show."""
    rows = list(found)
    return tables.summary(
        [row.replayed for row in rows if row.replayed],
        [row.cost for row in rows if row.cost],
        Counter(row.compared for row in rows if row.compared),
        Counter(row.left_out for row in rows if row.left_out),
    )


def options() -> argparse.Namespace:
    """Return the options of the command line."""
    about, usage = (__doc__ or "").split("\n\n")[:2]
    parser = argparse.ArgumentParser(description=about, epilog=usage.strip(), prog="python -m examples.agentdojo")
    parser.add_argument("--suite", choices=SUITES, help="only this suite")
    parser.add_argument("--model", default="", help="only models (with their defence) whose name contains this")
    parser.add_argument("--limit", type=int, default=0, help="stop after so many replayed attacks")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page, between its marks")
    return parser.parse_args()


def main() -> int:
    """Run the command and return its exit code."""
    chosen = options()
    try:
        require_agentdojo()
        path = archive()
    except UnrepeatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    suites = (chosen.suite,) if chosen.suite else SUITES
    select = partial(files, path, suites=suites, model=chosen.model)
    total = count(path, suites=suites, model=chosen.model)
    result = collected(shown(limited(outcomes(select(), chosen.jobs), chosen.limit), total))
    text = tables.markdown(result)
    if chosen.write:
        tables.write(chosen.write, text)
    print(json.dumps(result, indent=2) if chosen.json else text)
    return int(bool(result["unscored"] or result["prompt_judged"]))


if __name__ == "__main__":
    sys.exit(main())
