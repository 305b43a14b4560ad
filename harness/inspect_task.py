"""Cases as a task of Inspect (extra ``live``): ``inspect eval unrepeat/incidents --model … -T cases=DIR``.

A sample is a case. The solver runs the very code that ``unrepeat prove`` runs, with Inspect's model at the model
boundary, all trials of the case within its sample; the score is the verdict computed by that code. A case that cannot
be judged, or a crash on the way, is a score too: Inspect leaves samples with errors out of what it counts.

Found by Inspect through the entry point group ``inspect_ai``; nothing else imports this module.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from ..cases.errors import ConfigError, UnrepeatError
from ..cases.library import CaseFolder, list_cases, load
from ..replayers.live import LiveModel, Patience
from ..replayers.usage import Meter
from ..scorers.verdict import CaseVerdict
from .config import load_project
from .inspect_log import messages_of
from .live_trials import Caps
from .options import overrides
from .proving import Proof, prove
from .replaying import plan
from .trials import DEFAULT_TRIALS
from .version import VERSION

_KEY = "unrepeat:verdict"
_AT_ONCE = 8
"""Cases that are replayed at the same time."""


@task
def incidents(
    cases: str = "",
    candidate: str | None = None,
    baseline: str | None = None,
    set: str | Sequence[str] = (),
    trials: int = DEFAULT_TRIALS,
    max_calls: int | None = None,
) -> Task:
    """Judge each case of a library with the model of this evaluation.

    Args:
        cases: Folder of the cases; that of the nearest unrepeat.toml by default.
        candidate: The version to judge, a name or directory; the working tree by default.
        baseline: The version that failed; the recording by default.
        set: ``COMPONENT=FILE|VALUE``, one or several.
        trials: Most trials of each case.
        max_calls: Most calls of the model for each case.

    Raises:
        ConfigError: There are no cases.
    """
    library = Path(cases) if cases else load_project(Path.cwd()).incidents
    folders = list_cases(library)
    if not folders:
        raise ConfigError("expected a folder of cases, got none", where=f"-T cases={library}")
    pairs = [set] if isinstance(set, str) else list(set)
    return Task(
        dataset=MemoryDataset([_sample(each) for each in folders], name=str(library)),
        solver=replayed(candidate, baseline, pairs, trials, max_calls),
        scorer=verdict(),
        epochs=Epochs(1, "mode"),  # words have no mean
        name="incidents",
    )


def _sample(folder: CaseFolder) -> Sample:
    try:
        title = load(folder).case.title
    except UnrepeatError as error:
        title = f"not a case that can be read: {error}"  # judged as an error, not left out
    return Sample(id=folder.id, input=title, target="fixed", metadata={"case": str(folder.path.resolve())})


@solver
def replayed(
    candidate: str | None, baseline: str | None, components: list[str], trials: int, max_calls: int | None
) -> Solver:
    """Return the solver that judges a case, all its trials within one sample."""
    # A replay waits for its child process. Threads of their own: the model's client needs the default ones to find
    # its server, and would wait for ever where replays that wait for it have taken them all.
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="unrepeat")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        proof = Proof(
            candidate=candidate, baseline=baseline, trials=trials, caps=Caps(max_calls), model=str(get_model())
        )
        work = partial(_judged, state.metadata["case"], proof, components, _connect())
        found = await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work)
        state.store.set(_KEY, _facts(found))
        if isinstance(found, CaseVerdict):
            last = next((each.candidate for each in reversed(found.traces) if each.candidate), None)
            state.messages = messages_of(last) if last is not None else state.messages
        return state

    return solve


def _connect() -> Callable[[str, Meter, Patience], LiveModel]:
    """Return what makes the model of this evaluation answer from another thread."""
    model, loop = get_model(), asyncio.get_running_loop()

    def connect(_name: str, meter: Meter, patience: Patience) -> LiveModel:
        return LiveModel(model, lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(), meter, patience)

    return connect


def _judged(
    case: str, proof: Proof, components: list[str], connect: Callable[[str, Meter, Patience], LiveModel]
) -> CaseVerdict | Exception:
    try:
        what = plan(case, Path(case), model=True)
        asked = replace(proof, components=overrides(components))
        return prove(what, asked, now=dt.datetime.now(dt.UTC), tool_version=VERSION, connect=connect)
    except Exception as error:  # whatever it is, it is the verdict `error` of this case
        return error


def _facts(found: CaseVerdict | Exception) -> dict[str, Any]:
    if isinstance(found, Exception):
        told = str(found) if isinstance(found, UnrepeatError) else f"{type(found).__name__}: {found}"
        return {"verdict": "error", "reason": told}
    rates = [each.rate for each in found.traces if each.rate is not None]
    return {
        "verdict": found.verdict,
        "reason": found.reason,
        "scope": found.scope,
        "failures": sum(each.failures for each in rates),
        "trials": sum(each.trials for each in rates),
        "next_command": found.next_command,
    }


@metric
def fixed() -> Metric:
    """Return the metric: how many cases are fixed."""

    def count(scores: list[SampleScore]) -> float:
        return sum(each.score.value == "fixed" for each in scores)

    return count


@metric
def not_fixed() -> Metric:
    """Return the metric: how many cases are not fixed, whatever the reason."""

    def count(scores: list[SampleScore]) -> float:
        return sum(each.score.value != "fixed" for each in scores)

    return count


@scorer(metrics=[fixed(), not_fixed()])
def verdict() -> Scorer:
    """Return the scorer: the verdict that was computed, never a mean of anything."""

    async def score(state: TaskState, target: Target) -> Score:
        facts = state.store.get(_KEY) or {"verdict": "error", "reason": "the case was never judged"}
        return Score(value=facts["verdict"], explanation=facts["reason"], metadata=facts)

    return score
