"""Runs of the AgentDojo benchmark: one JSON document a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trace import Origin, Trace
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .transcript import Transcript

_LABELS = (
    "suite_name",
    "pipeline_name",
    "user_task_id",
    "injection_task_id",
    "attack_type",
    "injections",
    "security",
    "utility",
    "error",
    "duration",
)
# agentdojo.agent_pipeline.DEFENSES of 0.1.35: the pipeline is named MODEL-DEFENCE.
_DEFENCES = ("repeat_user_prompt", "spotlighting_with_delimiting", "tool_filter", "transformers_pi_detector")


def looks_like(sample: Any) -> bool:
    """Tell by the names of suite and task."""
    return isinstance(sample, Mapping) and {"suite_name", "user_task_id", "messages"} <= set(sample)


def build(source: SourceFile, record: SourceRecord) -> Trace:
    """Return the trace of one run."""
    run = record.value
    pipeline = str(run.get("pipeline_name") or "")
    transcript = Transcript(model=_model(pipeline), model_origin=Origin(kind="inferred", note="pipeline_name"))
    transcript.extend(run["messages"])
    ids = (run.get(key) or "none" for key in ("suite_name", "user_task_id", "attack_type", "injection_task_id"))
    labels = {key: run[key] for key in _LABELS if key in run}
    labels |= {key: value for key, value in run.items() if key not in labels and key != "messages"}
    return Trace(
        trace_id="/".join([pipeline or "unknown", *map(str, ids)]),
        source=source.stamp("agentdojo", record.offset),
        labels=labels,
        original=record.original() if source.options.keep_original else None,
        **transcript.fields(),
    )


def _model(pipeline: str) -> str:
    for defence in _DEFENCES:
        pipeline = pipeline.removesuffix(f"-{defence}")
    return pipeline


READER = record_reader("agentdojo", "`suite_name`, `user_task_id` and `messages`", looks_like=looks_like, build=build)
