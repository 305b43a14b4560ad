"""What becomes of each file of the archive, on several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .corpus import Run
from .replaying import Cost, Replayed, cost_of_guard, is_red, replay_run

File = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file of the archive."""

    suite: str
    left_out: str = ""
    replayed: Replayed | None = None
    cost: Cost | None = None
    compared: tuple[str, bool, bool] | None = None
    """Suite, whether the recording breaks the assertion, and the benchmark's label."""


def work(file: File) -> Outcome:
    """Do with a run what its labels make it good for."""
    run = Run.read(*file)
    match run.kind:
        case "left_out":
            counts = bool(run.attack) and run.record["security"]
            return Outcome(run.suite, left_out=run.left_out if counts else "")
        case "carried_out":
            replayed = replay_run(run)
            return Outcome(run.suite, replayed=replayed, compared=(run.suite, replayed.red_on_recording, True))
        case "resisted":
            return Outcome(run.suite, compared=(run.suite, is_red(run), False))
        case _:
            of_user = str(run.record["user_task_id"]).startswith("user_task")
            return Outcome(run.suite, cost=cost_of_guard(run) if of_user and run.record["utility"] else None)


def outcomes(chosen: Iterable[File], jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each file, in order."""
    if jobs == 1:
        yield from map(work, chosen)
        return
    # Spawned, so that every process loads a suite once and shares nothing else.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(work, chosen, chunksize=8)
