"""Records the example traces: ``python -m unrepeat.cases.shipped.record --help``.

The desk runs for real; its model, its reviewer and its customers are scripts. Ids and times come from the
scenario, so recording again gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from .recording.case_folders import make
from .recording.recorder import Recorder
from .recording.scenarios import SCENARIOS, Scenario

HERE = Path(__file__).parent
TRACES = HERE / "traces"
CASES = HERE / "incidents"


def main(argv: Sequence[str] | None = None) -> int:
    """Record the scenarios with one version of the desk."""
    parser = argparse.ArgumentParser(description="Record the example traces with a version of the desk.")
    parser.add_argument("--version", default="v1", choices=["v1", "v2"])
    parser.add_argument("--out", type=Path, default=TRACES, help="folder to write to")
    parser.add_argument("--all", action="store_true", help="also the runs that are no incident")
    parser.add_argument("--cases", action="store_true", help="also make the case folders anew from the traces")
    options = parser.parse_args(argv)
    if options.cases and (options.version != "v1" or options.out != TRACES):
        parser.error("--cases goes with the traces of v1 in their own folder")
    options.out.mkdir(parents=True, exist_ok=True)
    for file, scenarios in groupby(SCENARIOS, key=lambda each: each.file):
        runs = list(scenarios)
        case = runs[0].case
        path = options.out / file
        if options.all or case:
            path.write_text(record(runs, options.version), encoding="utf-8", newline="\n")
            print(path)
        if options.cases and case:
            make(CASES / case, path)
            print(CASES / case)
    return 0


def record(scenarios: Sequence[Scenario], version: str) -> str:
    """Return the traces of scenarios as the text of one OTLP/JSON file: one document, or one a line."""
    use(version)
    documents = [Recorder(each, version).run() for each in scenarios]
    if len(documents) == 1:
        return json.dumps(documents[0], indent=1, ensure_ascii=False) + "\n"
    lines = (json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in documents)
    return "".join(f"{line}\n" for line in lines)


def use(version: str) -> None:
    """Make ``support_desk`` mean one version of the desk, for the rest of this process."""
    folder = str(HERE / "support_desk" / version)
    for variable in ("MODEL", "SUPPORT_DESK_STORE"):
        os.environ.pop(variable, None)
    if folder not in sys.path:
        sys.path.insert(0, folder)


if __name__ == "__main__":
    raise SystemExit(main())
