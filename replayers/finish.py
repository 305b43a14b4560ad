"""The end of a replay: its trace, its missing calls, its coverage and its digest."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
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


def finished(
    playback: Playback,
    *,
    case_id: str,
    version: Version,
    replayer: str,
    outcome: Outcome,
    output: Any,
    duration_s: float,
    error: str = "",
    preset: str = "code-change",
    isolation: str = "none",
    refused: tuple[str, ...] = (),
    env: Mapping[str, Any] | None = None,
) -> Replay:
    """Return the replay that a finished playback amounts to."""
    playback.finish()
    events = tuple(playback.events)
    identity = [
        [[event.kind, event.name, _key(playback, event.seq), event.answer, event.error] for event in events],
        outcome,
        output,
    ]
    return Replay(
        case_id=case_id,
        version=version,
        replayer=replayer,
        outcome=outcome,
        trace=Transcript(playback).build(output, outcome == "completed"),
        trace_id=playback.trace.trace_id,
        preset=preset,
        events=events,
        divergences=tuple(playback.divergences),
        limit=playback.limit,
        error=error or playback.stopped,
        coverage=coverage(events, playback.index.missing()),
        isolation=isolation,
        refused=refused,
        environment=dict(env or {}),
        duration_s=duration_s,
        digest=digest(identity),
    )


def _key(playback: Playback, seq: int) -> list[Any]:
    head, messages = playback.requests[seq - 1].exact
    return [head, [key.hex() for key in messages]]
