"""The end of a replay: its trace, its missing calls, its coverage and its digest."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .canonical import digest
from .coverage import coverage
from .playback import Playback
from .replay import Outcome, Replay, Version
from .transcript import Transcript


def environment() -> dict[str, Any]:
    """Return what a result records about the machine it was made on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "implementation": sys.implementation.name,
    }


@dataclass(frozen=True, slots=True)
class Ending:
    """How the system came to its end."""

    outcome: Outcome
    output: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was known of a run besides its calls; see the fields of ``Replay``."""

    isolation: str = "none"
    refused: tuple[str, ...] = ()
    refused_at_start: int = 0
    faults: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    clock: str = ""
    clock_doubt: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)


NO_SURROUNDINGS = Surroundings()


def finished(
    playback: Playback,
    ending: Ending,
    *,
    case_id: str,
    version: Version,
    replayer: str,
    duration_s: float,
    preset: str = "code-change",
    around: Surroundings = NO_SURROUNDINGS,
) -> Replay:
    """Return the replay that a finished playback amounts to."""
    playback.finish()
    events = tuple(playback.events)
    return Replay(
        case_id=case_id,
        version=version,
        replayer=replayer,
        outcome=ending.outcome,
        trace=Transcript(playback).build(ending.output, ending.outcome == "completed"),
        trace_id=playback.trace.trace_id,
        preset=preset,
        events=events,
        divergences=tuple(playback.divergences),
        limit=playback.limit,
        error=ending.error or playback.stopped,
        coverage=coverage(events, playback.index.missing()),
        isolation=around.isolation,
        refused=around.refused,
        refused_at_start=around.refused_at_start,
        faults=around.faults,
        unfinished=around.unfinished,
        unseen=around.unseen,
        functions=around.functions,
        clock=around.clock,
        clock_doubt=around.clock_doubt,
        environment=dict(around.environment),
        duration_s=duration_s,
        digest=_digest(playback, ending),
    )


def _digest(playback: Playback, ending: Ending) -> str:
    """Return the SHA-256 over all requests (by their keys), answers and the output."""
    calls, keys = [], []
    for event, request in zip(playback.events, playback.requests, strict=True):
        head, messages = request.exact
        calls.append([event.kind, event.name, len(head), len(messages), event.answer, event.error])
        keys.append(head)
        keys += messages
    return digest([calls, hashlib.sha256(b"".join(keys)).hexdigest(), ending.outcome, ending.output])
