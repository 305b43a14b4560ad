"""Results of tau-bench: a list of records, each with a transcript under ``traj``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trace import Trace
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .transcript import Transcript


def looks_like(sample: Any) -> bool:
    """Tell by task and ``traj``, of one record or of the first of a list."""
    if isinstance(sample, list):
        return bool(sample) and looks_like(sample[0])
    return isinstance(sample, Mapping) and isinstance(sample.get("traj"), list) and "task_id" in sample


def build(source: SourceFile, record: SourceRecord) -> Trace:
    """Return the trace of one record."""
    fields = record.value
    transcript = Transcript()
    transcript.extend(fields["traj"])
    trial = fields.get("trial")
    return Trace(
        trace_id=f"task-{fields['task_id']}" + (f"-trial-{trial}" if trial is not None else ""),
        source=source.stamp("tau-bench", record.offset),
        labels={key: value for key, value in fields.items() if key != "traj"},
        original=record.original() if source.options.keep_original else None,
        **transcript.fields(),
    )


READER = record_reader("tau-bench", "records with `task_id` and `traj`", looks_like=looks_like, build=build)
