"""Measures programs in processes of their own, and lays the results out as Markdown tables."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "INSPECT_DISPLAY": "none",
    "LANGSMITH_TRACING": "false",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
}
"""No peer reports home or asks for updates while it is measured."""
NOT_INSTALLED = 3
"""Exit code of a child whose program is not there."""
_PEAK_UNIT = 1 << 20 if sys.platform == "darwin" else 1 << 10

Row = dict[str, Any]


def run(command: Sequence[str], cwd: Path | None = None) -> Row:
    """Run a program to its end.

    Returns:
        ``wall_s``, ``cpu_s`` and ``peak_mb`` as the operating system reports them, the members of the JSON object on
        the last line it printed, if there is one; or ``missing``: why there is no measurement.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        started = time.perf_counter()
        try:
            child = subprocess.Popen(command, stdout=said, stderr=complained, env=os.environ | QUIET, cwd=cwd)
        except OSError:
            return {"missing": "not installed"}
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        lines, errors = _lines(said), _lines(complained)
    if child.returncode == NOT_INSTALLED:
        return {"missing": "not installed"}
    if child.returncode != 0:
        return {"missing": errors[-1] if errors else f"exit code {child.returncode}"}
    measured = {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / _PEAK_UNIT}
    return measured | _reported(lines)


def _lines(file: Any) -> list[str]:
    file.seek(0)
    return file.read().decode(errors="replace").strip().splitlines()


def _reported(lines: Sequence[str]) -> Row:
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def interleaved(sides: Mapping[str, Callable[[], Row]], runs: int) -> dict[str, Row]:
    """Run all sides in turn, so that a busy moment of the machine hits all of them.

    Returns:
        The medians of each side.
    """
    results: dict[str, list[Row]] = {side: [] for side in sides}
    for number in range(runs):
        for side, work in sides.items():
            if number == 0 or "missing" not in results[side][0]:
                results[side].append(work())
    return {side: medians(rows) for side, rows in results.items()}


def medians(rows: Sequence[Row]) -> Row:
    """Return the median of each number over several runs, or why there is none."""
    for row in rows:
        if "missing" in row:
            return row
    numbers = [name for name, value in rows[0].items() if isinstance(value, int | float)]
    return {**rows[0], **{name: statistics.median(row[name] for row in rows) for name in numbers}}


def cell(row: Row | None, name: str, form: str, factor: float = 1.0) -> str:
    """Return a number of a row for a table; why it is missing, where it is; nothing where it was not due."""
    if not row:
        return ""
    return format(row[name] * factor, form) if name in row else row.get("missing", "")


def ratio(row: Row | None, base: Row | None, name: str) -> str:
    """Return how many times a number is the base's."""
    if not row or not base or name not in row or name not in base:
        return ""
    return f"{row[name] / base[name]:.3g} ×"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its first column left, the others right."""
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def published(page: Path, name: str, text: str) -> None:
    """Put generated tables into a page, between ``<!-- name: generated -->`` and ``<!-- end of name -->``."""
    begin, end = f"<!-- {name}: generated -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page}: expected the lines {begin.strip()} and {end.strip()}, got a page without them")
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
