"""Trials with a live model: announced with what they will take, kept as they end, held to their caps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from ..cases.errors import ConfigError
from ..cases.trace import Trace
from ..replayers.live import LiveModel, Patience
from ..replayers.replay import Replay
from ..replayers.system import Checkout
from ..replayers.usage import Estimate, Meter, Prices, Usage
from ..scorers.verdict import JudgedReplay
from .config import ModelConfig, Project
from .estimates import Round, estimate_words, measured_round, recorded_round
from .replaying import Plan, replay_outcome
from .trials import Trials, passed, run_trials

Progress = Callable[[str], None]
"""Called with what is being done, for people who wait."""
Keep = Callable[[str, int, JudgedReplay], None]
"""Called with each trial as it ends: what it is a trial of, its number from 1, and the trial."""


Connect = Callable[[str, Meter, Patience], LiveModel]
"""Makes a model, given its name."""
Score = Callable[[Replay], JudgedReplay]
"""Judges one replay."""


def silent(_: str) -> None:
    """Progress for callers that do not want any."""


def forget(_label: str, _number: int, _trial: JudgedReplay) -> None:
    """Keep nothing before the end: for callers that are not to write anything."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that live trials may take; None: no cap."""

    calls: int | None = None
    cost_usd: float | None = None


NO_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of live trials besides those who wait."""

    announce: Progress = silent
    """Of what the live trials will take, before they begin."""
    keep: Keep = forget
    """Of each trial, as it ends."""


@dataclass(slots=True)
class Session:
    """The live trials of one case."""

    what: Plan
    model: LiveModel
    most: int
    """Trials of each trace, at most."""
    prices: Prices | None
    progress: Progress
    keep: Keep
    ran: int = 0
    failed: int = 0
    seconds: float = 0.0

    @property
    def usage(self) -> Usage:
        """What the trials have taken so far."""
        return self.model.usage

    def expected(self) -> Estimate:
        """Return what all trials will take, going by the recording."""
        return recorded_round(self.what.loaded.document.traces).times(self.most, self.prices)

    def a_round(self) -> Round:
        """Return what one trial of every trace has taken so far."""
        traces = max(1, len(self.what.loaded.document.traces))
        return measured_round(self.usage, self.seconds, self.ran, traces)

    def trials(self, label: str, trace: Trace, checkout: Checkout, score: Score) -> Trials:
        """Run the trials of one version on one trace.

        Args:
            label: What they are trials of, such as ``candidate``; a short word.
            trace: The recording, which answers what is not live.
            checkout: The version.
            score: Judges one replay.
        """
        seeds: set[str] = set()

        def trial(number: int) -> JudgedReplay:
            self.progress(self._told(label, number))
            replay = replay_outcome(self.what, trace, checkout, self.model)
            self.ran, self.seconds = self.ran + 1, self.seconds + replay.duration_s
            found = msgspec.structs.replace(score(replay), repeats=self._repeats(replay, seeds))
            self.failed += not passed(found)
            self.keep(label, number, found)
            return found

        return run_trials(self.most, trial)

    def _told(self, label: str, number: int) -> str:
        usage = self.usage
        told = (
            f"{self.what.loaded.case.id}: {label} {number} of {self.most} with {self.model.name}, {self.failed} failed"
        )
        if not self.ran:
            return told
        left = self.seconds / self.ran * (self.most - number + 1)
        return f"{told}, {usage.calls} calls so far, at most {left:.0f} s left"

    def _repeats(self, replay: Replay, seeds: set[str]) -> str:
        """Return why a trial is not independent of an earlier one, whose seeds are given; empty when it is."""
        shared = seeds & (own := seeds_of(replay))
        seeds |= own
        if self.model.repeated():
            return "answers came from a cache: not independent. Switch off the cache between here and the model"
        if shared:
            named = ", ".join(sorted(shared))
            return f"trials share a seed ({named}): not independent. Let the system send none, or another each time"
        return ""


def seeds_of(replay: Replay) -> set[str]:
    """Return the seeds that a replay sent to a live model."""
    params = (
        event.request.get("params") or {}
        for event in replay.events
        if event.kind == "model" and event.mode == "live" and isinstance(event.request, dict)
    )
    return {str(each["seed"]) for each in params if each.get("seed") is not None}


@contextmanager
def live_session(
    what: Plan,
    name: str,
    most: int,
    caps: Caps,
    *,
    progress: Progress = silent,
    listeners: Listeners | None = None,
    connect: Connect | None = None,
) -> Iterator[Session]:
    """Set up the live trials of a case, and say what they will take.

    Args:
        what: The case and its system.
        name: The model's Inspect name.
        most: Trials of each trace, at most.
        caps: The most they may take.
        progress: Told of each trial.
        listeners: Told of what they will take, and given each as it ends.
        connect: Makes the model; by its name by default.

    Raises:
        ConfigError: The model cannot be called, or a cap on cost has no prices to go by.
    """
    settings = what.project.config.models.get(name, ModelConfig())
    prices = prices_of(settings)
    if caps.cost_usd is not None and prices is None:
        raise ConfigError(
            "expected the prices of the model, got none",
            where=f"--max-cost {caps.cost_usd:g}",
            hint=f'State input_per_million and output_per_million under [models."{name}"] in {_file(what.project)}',
        )
    meter = Meter(prices, max_calls=caps.calls, max_cost_usd=caps.cost_usd)
    live = (connect or LiveModel.connect)(name, meter, Patience(settings.timeout_s, settings.retries))
    told = listeners or Listeners()
    try:
        session = Session(what, live, most, prices, progress, told.keep)
        told.announce(estimate_words(session.expected(), live.name, prices))
        yield session
    finally:
        live.close()


def prices_of(settings: ModelConfig) -> Prices | None:
    """Return the prices that are stated of a model; None where they are not."""
    if settings.input_per_million is None or settings.output_per_million is None:
        return None
    return Prices(settings.input_per_million, settings.output_per_million)


def _file(project: Project) -> str:
    return str(project.file) if project.file is not None else "unrepeat.toml"
