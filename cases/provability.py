"""What the traces of a case can and cannot prove, and what to record so that they can.

Each row of the table is one question that people ask of an incident. The sentences are for people; the
attributes named in them are those of the OpenTelemetry GenAI conventions and of ``unrepeat.*``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .completeness import views
from .trace import Approval, Guardrail, ModelCall, Permission, Retrieval, ToolCall, Trace, Write, tool_calls_of


@dataclass(frozen=True, slots=True)
class Provable:
    """What can be proven from the traces, in sentences."""

    can: tuple[str, ...]
    cannot: tuple[str, ...]
    add: tuple[str, ...]
    """What to state or emit; one for each sentence in ``cannot`` that something can be done about."""


@dataclass(frozen=True, slots=True)
class _Question:
    holds: Callable[[Sequence[Trace]], bool]
    can: str
    cannot: str
    add: str
    asked: Callable[[Sequence[Trace]], bool] = lambda traces: True


def prove_statement(traces: Sequence[Trace]) -> Provable:
    """Return what these traces can and cannot prove, and what to add.

    Args:
        traces: The traces of one case; none for a case that was made from a ticket.
    """
    if not traces:
        return Provable(
            can=(),
            cannot=("Nothing can be replayed: the case has no trace, so only a live run can judge it.",),
            add=("Import the trace of the incident with `unrepeat import FILE`.",),
        )
    asked = [each for each in _QUESTIONS if each.asked(traces)]
    yes = [each for each in asked if each.holds(traces)]
    no = [each for each in asked if each not in yes]
    return Provable(tuple(each.can for each in yes), tuple(each.cannot for each in no), tuple(each.add for each in no))


def _has(kind: type[object]) -> Callable[[Sequence[Trace]], bool]:
    return lambda traces: bool(views(traces, kind))


def _input(traces: Sequence[Trace]) -> bool:
    return all(trace.input not in (None, "", {}) for trace in traces)


def _stated(traces: Sequence[Trace]) -> bool:
    """Whether the arguments of the run are recorded, not only guessed from what the user said."""
    origins = [trace.origins.get("input") for trace in traces]
    known = all(origin is None or origin.kind == "stated" for origin in origins)  # what was observed has no note
    return known and all(trace.input not in (None, "", {}) for trace in traces)


def _nothing_of_ai(traces: Sequence[Trace]) -> bool:
    return not any(views(traces, kind) for kind in (ModelCall, ToolCall, Retrieval))


def _output(traces: Sequence[Trace]) -> bool:
    return all(trace.output not in (None, "") for trace in traces)


def _answers(traces: Sequence[Trace]) -> bool:
    calls = views(traces, ModelCall)
    return bool(calls) and all(call.output for _, call in calls)


def _requests(traces: Sequence[Trace]) -> bool:
    calls = views(traces, ModelCall)
    return bool(calls) and all(call.input or call.system_instructions for _, call in calls)


def _executed(traces: Sequence[Trace]) -> list[ToolCall]:
    return [call for _, call in views(traces, ToolCall) if call.stage == "executed"]


def _calls_tools(traces: Sequence[Trace]) -> bool:
    if views(traces, ToolCall):
        return True
    return any(
        tool_calls_of(message)
        for trace in traces
        for _, call in trace.views(ModelCall)
        for message in trace.outputs(call)
    )


def _results(traces: Sequence[Trace]) -> bool:
    calls = _executed(traces)
    return bool(calls) and all(call.result is not None or call.result_raw or call.error for call in calls)


def _effects(traces: Sequence[Trace]) -> bool:
    calls = _executed(traces)
    return bool(views(traces, Write)) or (bool(calls) and all(call.effect != "unknown" for call in calls))


def _freshness(traces: Sequence[Trace]) -> bool:
    documents = [each for _, view in views(traces, Retrieval) for each in view.documents]
    return bool(documents) and all(each.status or each.version or each.updated_at for each in documents)


def _shown(traces: Sequence[Trace]) -> bool:
    return all(view.shown_evidence for _, view in views(traces, Approval))


def _prompt_version(traces: Sequence[Trace]) -> bool:
    calls = views(traces, ModelCall)
    return bool(calls) and all(call.prompt and (call.prompt.version or call.prompt.sha256) for _, call in calls)


def _times(traces: Sequence[Trace]) -> bool:
    return all(span.start_ns is not None for trace in traces for span in trace.spans)


_QUESTIONS = (
    _Question(
        lambda traces: not _nothing_of_ai(traces),
        "",
        "Nothing can be replayed: there is no model call, tool call or retrieval in this trace.",
        "Import a trace of the run itself: spans with `gen_ai.operation.name`, or the conversation.",
        asked=_nothing_of_ai,
    ),
    _Question(
        _stated,
        "The run can be started again: its input is recorded or stated.",
        "The run may not start again as it did: its input is only inferred, from what the user said, and is passed as "
        "the only argument.",
        "State the arguments by name in case.yaml, `replay: {input: {…}}`, or emit `unrepeat.input` on the root span.",
        asked=_input,
    ),
    _Question(
        _input,
        "",
        "The system cannot be started again: the input of the run is not recorded.",
        "State the arguments under `replay.input` in case.yaml, or emit `unrepeat.input` on the root span.",
        asked=lambda traces: not _input(traces),
    ),
    _Question(
        _answers,
        "Code around the model can be replayed without a model: every answer of the model is recorded.",
        "Code around the model cannot be replayed without a live model: answers of the model are not recorded.",
        "Record message content: emit `gen_ai.output.messages` on model spans.",
    ),
    _Question(
        _requests,
        "A changed prompt or request is noticed: what the model was asked is recorded.",
        "A changed prompt or request goes unnoticed: what the model was asked is not recorded.",
        "Emit `gen_ai.input.messages` and `gen_ai.system_instructions` on model spans.",
    ),
    _Question(
        _output,
        "The final answer can be judged.",
        "The final answer cannot be judged: it is not recorded.",
        "Emit `unrepeat.output` on the root span, or `gen_ai.output.messages` on the last model span.",
    ),
    _Question(
        lambda traces: bool(_executed(traces)),
        "Which tools ran, and with which arguments, can be judged.",
        "What was executed cannot be judged: the model's proposals are recorded, the tool calls are not.",
        "Emit an `execute_tool` span for each call, with `gen_ai.tool.name` and `gen_ai.tool.call.arguments`.",
        asked=_calls_tools,
    ),
    _Question(
        _results,
        "Tools need not run in a replay: their results are recorded.",
        "Tools must run live in a replay: results of tool calls are not recorded.",
        "Emit `gen_ai.tool.call.result` (or `unrepeat.result`) on `execute_tool` spans.",
        asked=_calls_tools,
    ),
    _Question(
        _effects,
        "Which calls changed something can be judged.",
        "Which calls changed something cannot be told: neither writes nor the effect of tools are recorded.",
        "Emit `unrepeat.tool.effect` (read, write or external) on tool spans, and `unrepeat.write.*` for writes; "
        "or name the tools under `tools_that_write` of a `writes` assertion.",
        asked=lambda traces: bool(_executed(traces)),
    ),
    _Question(
        _has(Retrieval),
        "Which documents the answer rests on can be judged.",
        "Which documents were used cannot be judged: no retrieval is recorded. A system that searches stops there in a "
        "replay, unless case.yaml states the answer: `replay: {boundaries: {retrieval: {mode: static, value: …}}}`.",
        "Emit retrieval spans with `gen_ai.retrieval.documents`, or `unrepeat.documents` with id, version and status.",
    ),
    _Question(
        _freshness,
        "Whether a document was out of date can be judged.",
        "Whether a document was out of date cannot be judged: documents have no version, status or date.",
        "Emit `version`, `status` and `updated_at` of each document in `unrepeat.documents`.",
        asked=_has(Retrieval),
    ),
    _Question(
        _has(Approval),
        "Whether an action had an approval in force can be judged.",
        "Whether a person approved an action cannot be judged: no approval is recorded.",
        "Emit `unrepeat.approval.decision` and `unrepeat.approval.approver` on the review step.",
        asked=lambda traces: _calls_tools(traces) or bool(views(traces, Approval)),
    ),
    _Question(
        _shown,
        "What the approver had on the screen can be judged.",
        "What the approver had on the screen cannot be judged: it is not recorded.",
        "Emit `unrepeat.approval.shown_evidence` with the names of what was shown.",
        asked=_has(Approval),
    ),
    _Question(
        _has(Permission),
        "Whether the action was permitted can be judged.",
        "Whether the action was permitted cannot be judged: no permission decision is recorded.",
        "Emit `unrepeat.permission.principal`, `.capability` and `.decision` where access is decided.",
        asked=_calls_tools,
    ),
    _Question(
        _has(Guardrail),
        "Whether a guardrail ran, and what it found, can be judged.",
        "Whether a guardrail ran cannot be judged: none is recorded.",
        "Emit `unrepeat.guardrail.name` and `.verdict` on guardrail spans.",
    ),
    _Question(
        _prompt_version,
        "The prompt version that failed is known.",
        "The prompt version that failed is not known.",
        "Emit `unrepeat.prompt.name` and `unrepeat.prompt.version` on model spans.",
        asked=_has(ModelCall),
    ),
    _Question(
        _times,
        "How long each step took, and what ran at the same time, is known.",
        "Times are not recorded: the order of steps is that of the file.",
        "Export spans with their start and end times.",
    ),
)
