"""The end of a replay: its trace, its missing calls, its coverage and its digest."""

from __future__ import annotations

import hashlib
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
    refused_at_start: int = 0,
    functions: tuple[str, ...] = (),
    env: Mapping[str, Any] | None = None,
) -> Replay:
    """Return the replay that a finished playback amounts to."""
    playback.finish()
    events = tuple(playback.events)
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
        refused_at_start=refused_at_start,
        functions=functions,
        environment=dict(env or {}),
        duration_s=duration_s,
        digest=_digest(playback, outcome, output),
    )


def _digest(playback: Playback, outcome: Outcome, output: Any) -> str:
    """Return the SHA-256 over all requests (by their keys), answers and the output."""
    calls, keys = [], []
    for event, request in zip(playback.events, playback.requests, strict=True):
        head, messages = request.exact
        calls.append([event.kind, event.name, len(head), len(messages), event.answer, event.error])
        keys.append(head)
        keys += messages
    return digest([calls, hashlib.sha256(b"".join(keys)).hexdigest(), outcome, output])
