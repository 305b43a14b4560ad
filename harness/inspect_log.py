"""A verdict as a log of Inspect (extra ``live``): each trial a sample with its messages, the verdict on all of them.

The verdict is the one that was computed here; Inspect computes nothing. A trial that did not run is a sample with
an error, never one that is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..cases.errors import ConfigError
from ..cases.trace import ModelCall
from ..reports.documents import from_json, to_json
from ..reports.secrets import without_secrets
from ..scorers.score import Score, ScorerFailure
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.model import ChatMessage
    from inspect_ai.scorer import Score as InspectScore

TASK = "unrepeat/incidents"
RECORDED = "none/recorded"
"""Stands for the model where recorded answers were used."""
_MARKS = {True: "passed", False: "failed", None: "undecided"}


def prepare_log(folder: Path) -> Callable[[CaseVerdict], Path]:
    """Return what writes the log of a verdict into a folder.

    Raises:
        ConfigError: The folder cannot be made, or the extra is not installed.
    """
    try:
        import inspect_ai.log  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ConfigError(
            "expected the extra `live`, got an installation without it",
            where="--inspect-log",
            hint="pip install 'unrepeat[live]'",
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"expected a folder to write to, got: {error.strerror}", where=f"--inspect-log {folder}"
        ) from None
    return partial(write_log, folder)


def write_log(folder: Path, verdict: CaseVerdict) -> Path:
    """Write the log of a verdict and return its file."""
    from inspect_ai.log import write_eval_log

    path = folder / f"{verdict.run_id}_{verdict.case_id}.eval"
    write_eval_log(log_of(verdict), path)
    return path


def log_of(verdict: CaseVerdict) -> EvalLog:
    """Return a verdict as a log, without the secrets that a trace may have brought in."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalMetric, EvalResults, EvalScore, EvalSpec

    verdict = from_json(without_secrets(to_json(verdict)))
    samples = list(_samples(verdict))
    fixed = EvalMetric(name="fixed", value=int(verdict.verdict == "fixed"))
    spec = EvalSpec(
        created=verdict.created_at,
        task=TASK,
        task_id=verdict.case_id,
        eval_id=verdict.run_id,
        run_id=verdict.run_id,
        dataset=EvalDataset(name=verdict.case_id, samples=len(samples), sample_ids=[each.id for each in samples]),
        model=verdict.model or RECORDED,
        config=EvalConfig(),
        metadata={
            "case_id": verdict.case_id,
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "scope": verdict.scope,
            "candidate": verdict.candidate.label if verdict.candidate else "",
            "tool_version": verdict.tool_version,
        },
    )
    ran = sum(each.error is None for each in samples)
    return EvalLog(
        status="success",
        eval=spec,
        samples=samples,
        results=EvalResults(
            total_samples=len(samples),
            completed_samples=ran,
            scores=[EvalScore(name="verdict", scorer="unrepeat/verdict", metrics={"fixed": fixed})],
        ),
    )


def _samples(verdict: CaseVerdict) -> Iterator[EvalSample]:
    several = len(verdict.traces) > 1
    for trace in verdict.traces:
        name = f"{verdict.case_id}/{trace.recording.trace_id}" if several else verdict.case_id
        runs = {f"{name}/baseline": trace.baseline_trials, name: trace.trials or _only(trace)}
        for label, trials in runs.items():
            for epoch, trial in enumerate(trials, 1):
                yield _sample(verdict, label, epoch, trial)


def _only(trace: TraceVerdict) -> tuple[JudgedReplay, ...]:
    return (trace.candidate,) if trace.candidate is not None else ()


def _sample(verdict: CaseVerdict, label: str, epoch: int, trial: JudgedReplay) -> EvalSample:
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score as InspectScore

    ran = trial.replay.outcome in ("completed", "stopped")
    messages = messages_of(trial)
    told = trial.replay.error or trial.replay.outcome
    error = None if ran else EvalError(message=told.splitlines()[0], traceback=told, traceback_ansi=told)
    scores = {"verdict": InspectScore(value=verdict.verdict, explanation=verdict.reason)}
    for score in trial.scores:
        scores[_name(verdict, score)] = _score(score)
    return EvalSample(
        id=label,
        epoch=epoch,
        input=verdict.title,
        target="fixed",
        messages=messages,
        output=ModelOutput.from_content(verdict.model or RECORDED, str(trial.replay.trace.output or "")),
        scores=scores,
        metadata={"outcome": trial.replay.outcome, "repeats": trial.repeats, "digest": trial.replay.digest},
        total_time=trial.replay.duration_s,
        error=error,
    )


def _name(verdict: CaseVerdict, score: Score | ScorerFailure) -> str:
    known = score.assertion < len(verdict.assertions)
    words = verdict.assertions[score.assertion] if known else score.type
    return f"{score.assertion + 1}. {words}"


def _score(score: Score | ScorerFailure) -> InspectScore:
    from inspect_ai.scorer import Score as InspectScore

    if isinstance(score, ScorerFailure):
        return InspectScore(value="error", explanation=score.error)
    return InspectScore(value=_MARKS[score.passed], explanation=score.reason)


def messages_of(trial: JudgedReplay) -> list[ChatMessage]:
    """Return the conversation of a trial: what its last model call was asked and answered."""
    from ..replayers.inspect_form import chat_messages

    trace = trial.replay.trace
    calls = [call for _, call in trace.views(ModelCall)]
    if not calls:
        return []
    last = calls[-1]
    return chat_messages(last.system_instructions, [*trace.inputs(last), *trace.outputs(last)])
