"""Importing OTLP/JSON lines: canonical traces against bare parsing, by CPU seconds and peak memory.

    python benchmarks/import_otlp.py --size-mb 1024

Each contender runs in a process of its own over the same generated file. The ratio to a bare orjson parse of the
same run is the figure to look at; seconds differ between machines.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGET_RATIO, TARGET_RSS_MB = 3.0, 100


def bare_orjson(path: Path) -> int:
    """Parse every line into dictionaries and drop them."""
    import orjson

    lines = 0
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            lines += 1
    return lines


def canonical(path: Path) -> int:
    """Read canonical traces: spans gathered by trace, attributes, typed views, messages."""
    from unrepeat.cases.readers import read_traces

    return sum(len(trace.spans) for trace in read_traces(path, keep_original=False))


def canonical_strict(path: Path) -> int:
    """The same as an import does it: strict reading, and the source of every trace kept."""
    from unrepeat.cases.readers import read_traces

    return sum(len(trace.spans) for trace in read_traces(path))


def one_trace(path: Path) -> int:
    """Import one trace out of the file, strictly."""
    from unrepeat.cases.readers import read_traces

    with path.open("rb") as file:
        trace_id = json.loads(file.readline())["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    return sum(len(trace.spans) for trace in read_traces(path, trace_ids=[trace_id]))


def pydantic_json(path: Path) -> int:
    """Parse with pydantic's own JSON parser into models of OTLP."""
    model = _model()
    with path.open("rb") as file:
        return sum(_spans(model.model_validate_json(line)) for line in file)


def pydantic_after_orjson(path: Path) -> int:
    """Parse with orjson, validate with pydantic."""
    import orjson

    model = _model()
    with path.open("rb") as file:
        return sum(_spans(model.model_validate(orjson.loads(line))) for line in file)


def _spans(batch: Any) -> int:
    return sum(len(scope.spans) for each in batch.resource_spans for scope in each.scope_spans)


def _model() -> Any:
    from pydantic import BaseModel, ConfigDict
    from pydantic.alias_generators import to_camel

    class Otlp(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)

    class AnyValue(Otlp):
        string_value: str | None = None
        int_value: int | None = None
        bool_value: bool | None = None
        double_value: float | None = None
        array_value: dict[str, Any] | None = None
        kvlist_value: dict[str, Any] | None = None
        bytes_value: str | None = None

    class KeyValue(Otlp):
        key: str
        value: AnyValue

    class Span(Otlp):
        trace_id: str
        span_id: str
        parent_span_id: str = ""
        name: str
        start_time_unix_nano: int
        end_time_unix_nano: int
        attributes: list[KeyValue] = []
        status: dict[str, Any] = {}

    class ScopeSpans(Otlp):
        scope: dict[str, Any] = {}
        spans: list[Span]

    class ResourceSpans(Otlp):
        resource: dict[str, Any] = {}
        scope_spans: list[ScopeSpans]

    class TracesData(Otlp):
        resource_spans: list[ResourceSpans]

    return TracesData


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "orjson, bare parse": bare_orjson,
    "unrepeat, canonical traces": canonical,
    "unrepeat, strict with source kept": canonical_strict,
    "unrepeat, one trace, strict": one_trace,
    "orjson + pydantic": pydantic_after_orjson,
    "pydantic's own parser": pydantic_json,
}


def measure(name: str, path: Path) -> dict[str, Any]:
    """Run one contender in a child process."""
    command = [sys.executable, __file__, "--run", name, "--file", str(path)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"name": name, **json.loads(found.stdout)}


def run(name: str, path: Path) -> dict[str, Any]:
    """Run one contender here and return what it cost."""
    started = time.process_time()
    count = CONTENDERS[name](path)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rss_mb = usage / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return {"cpu_s": time.process_time() - started, "rss_mb": rss_mb, "count": count}


def compare(size_mb: int, rounds: int) -> dict[str, Any]:
    """Generate the file, run every contender ``rounds`` times in turn and return the medians."""
    from otlp_lines import write_lines

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traces.jsonl"
        spans = write_lines(path, size_mb * 1024 * 1024)
        size = path.stat().st_size
        runs = [{name: measure(name, path) for name in CONTENDERS} for _ in range(rounds)]
    rows = []
    for name in CONTENDERS:
        cpu_s = statistics.median(each[name]["cpu_s"] for each in runs)
        base = [each[name]["cpu_s"] / each["orjson, bare parse"]["cpu_s"] for each in runs]
        rss_mb = max(each[name]["rss_mb"] for each in runs)
        rows.append({"name": name, "cpu_s": cpu_s, "ratio": statistics.median(base), "rss_mb": rss_mb})
    return {"size_mb": size / 1024 / 1024, "spans": spans, "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """Return the result as a markdown table."""
    lines = [
        f"{result['size_mb']:.0f} MB of OTLP/JSON lines, {result['spans']:,} spans of "
        f"{result['size_mb'] * 1024 / result['spans']:.1f} KB, medians of {result['rounds']}",
        "",
        "| | CPU s | × bare orjson | peak MB |",
        "|---|---|---|---|",
    ]
    for row in result["rows"]:
        lines.append(f"| {row['name']} | {row['cpu_s']:.2f} | {row['ratio']:.2f} | {row['rss_mb']:.0f} |")
    lines += ["", f"Target: canonical traces at most {TARGET_RATIO:g} × bare orjson and {TARGET_RSS_MB} MB."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=256, help="size of the generated file in MB")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(run(options.run, options.file)))
        return
    result = compare(options.size_mb, options.rounds)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
