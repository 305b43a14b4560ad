"""Failed runs of several agents from the Who&When collection: one document with ``history``.

Every entry becomes one span, so that ``mistake_step`` counts spans. Roles in these files are relative to one agent
(everybody else is ``user``), so the author is taken from the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..message_parts import text_part
from ..trace import Message, Origin, Span, Trace
from .reader import record_reader
from .source import SourceFile, SourceRecord
from .transcript import Transcript, slug

_TERMINAL = "Computer_terminal"
_EXIT_CODE = re.compile(r"exitcode: (\d+)")


def looks_like(sample: Any) -> bool:
    """Tell by the history and the mistake or question beside it."""
    return (
        isinstance(sample, Mapping)
        and isinstance(sample.get("history"), list)
        and bool({"mistake_agent", "question_ID"} & set(sample))
    )


def build(source: SourceFile, record: SourceRecord) -> Trace:
    """Return the trace of one run."""
    run = record.value
    prompts = run.get("system_prompt")
    prompts = prompts if isinstance(prompts, Mapping) else {}
    transcript = Transcript()
    for entry in run["history"]:
        _add(transcript, entry, prompts)
    fields = transcript.fields()
    if run.get("question"):
        observed = {key: value for key, value in fields["origins"].items() if key != "input"}
        fields |= {"input": run["question"], "origins": observed}
    return Trace(
        trace_id=f"{slug(source.name)}-{run['question_ID']}" if run.get("question_ID") else slug(source.name),
        source=source.stamp("whoandwhen", record.offset),
        labels={key: value for key, value in run.items() if key not in ("history", "question", "system_prompt")},
        original=record.original() if source.options.keep_original else None,
        **fields,
    )


def _add(transcript: Transcript, entry: Mapping[str, Any], prompts: Mapping[str, Any]) -> None:
    name, content = str(entry.get("name") or ""), entry.get("content")
    if name == _TERMINAL:
        _add_execution(transcript, name, str(content or ""), str(entry.get("role") or "user"))
        return
    prompt = prompts.get(name)
    system = (text_part(str(prompt)),) if prompt else ()
    transcript.add({**entry, "role": "assistant"}, system)
    if entry.get("role") != "assistant":
        span = transcript.spans[-1]
        origin = Origin(kind="inferred", note="by name; the role in the file is relative to another agent")
        attributes = {**span.attributes, "role": entry.get("role")}
        transcript.spans[-1] = msgspec.structs.replace(
            span, attributes=attributes, origins=span.origins | {"output": origin}
        )


def _add_execution(transcript: Transcript, name: str, content: str, role: str) -> None:
    found = _EXIT_CODE.match(content)
    failed = found is not None and found[1] != "0"
    span = Span(
        span_id=transcript.next_id(),
        name=name,
        operation="execute_code",
        status="error" if failed else "",
        error=content.splitlines()[0] if failed else "",
        attributes={"role": role, "content": content},
    )
    transcript.add_span(Message(role=role, parts=(text_part(content),), name=name), span)


READER = record_reader(
    "whoandwhen", "`history` with `question_ID` or `mistake_agent`", looks_like=looks_like, build=build
)
