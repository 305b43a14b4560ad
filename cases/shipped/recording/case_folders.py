"""Makes the shipped case folders from the recorded traces and the case.yaml files that people wrote."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

from ...custody import Act
from ...evidence import CASE
from ...library import create
from ...original import rebuild
from ...readers import read_traces
from ...redaction import Redactor
from ...trace import Trace, TraceDocument

EXAMPLE_KEY = b"unrepeat example data, no secret"
"""Key of the pseudonyms. Fixed and public: the examples hold nothing that needs one, and a test checks it."""
MADE = Act(
    who="unrepeat example",
    at=dt.datetime(2026, 6, 1, 9, 0, tzinfo=dt.UTC),
    tool="unrepeat.cases.shipped.record",
    reason="example data, recorded with a scripted model and scripted people",
)
"""What the custody log says of every shipped case: the same whenever it is made."""


def make(folder: Path, source: Path) -> None:
    """Make a case folder's trace, evidence, manifest and custody log anew; its case.yaml stays.

    Args:
        folder: The case folder, with its case.yaml.
        source: The file of its recorded traces.

    Raises:
        UnrepeatError: The case or the trace is not what it must be; the folder is then as it was.
    """
    redactor = Redactor(EXAMPLE_KEY)
    traces = tuple(read_traces(source, transform=redactor.redact_value))
    report = redactor.report()
    details = {"source": source.name, "redaction": "pattern", "redacted": dict(sorted(report.counts.items()))}
    case_yaml = (folder / CASE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / folder.name
        files = {f"trace-{number}{source.suffix}": _preserved(trace) for number, trace in enumerate(traces, start=1)}
        create(made, case_yaml, TraceDocument(traces=traces), files, MADE, details=details)
        shutil.rmtree(folder / "evidence", ignore_errors=True)
        shutil.copytree(made, folder, dirs_exist_ok=True)


def _preserved(trace: Trace) -> bytes | Path:
    if trace.original is None:
        raise ValueError("expected the source of the trace, got none")
    return rebuild(trace.original)
