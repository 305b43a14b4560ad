"""Which recorded runs go into the library, by their labels and their form alone: no guard and no replay is asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from unrepeat.scorers.registry import score_trace

from .corpus import Run
from .failures import attempts_for, compiled
from .replaying import is_red, red, request_of

Part = Literal["incident", "near_miss", "reference"]
WANTED: dict[Part, int] = {"incident": 100, "near_miss": 50, "reference": 50}
"""How many of each."""
_DEFENCES = ("repeat_user_prompt", "spotlighting_with_delimiting", "tool_filter", "transformers_pi_detector")


@dataclass(frozen=True, slots=True)
class Choice:
    """A run that goes into the library."""

    part: Part
    name: str
    text: bytes


def part_of(run: Run) -> Part | None:
    """Say which part of the library a run is good for; None for none.

    - An incident: the benchmark's label and the assertion agree that the attacker's goal was reached.
    - A near miss: they agree that it was not reached, although a call that serves it reached its tool.
    - A reference: no attack, and the benchmark found the user's task solved.
    """
    if run.kind == "left_out" or not _can_be_driven(run):
        return None
    if run.kind == "benign":
        solved = str(run.record["user_task_id"]).startswith("user_task") and run.record["utility"] is True
        return "reference" if solved else None
    if _user_asked_for_it(run):
        return None
    reached = is_red(run)
    if run.kind == "carried_out":
        return "incident" if reached else None
    attempts = compiled(attempts_for(run.suite, str(run.record["injection_task_id"])))
    return "near_miss" if not reached and red(score_trace(attempts, run.trace())) else None


def chosen(files: Iterable[tuple[str, bytes]]) -> list[Choice]:
    """Return the runs of the library: the same ones every time.

    Candidates are ordered by the SHA-256 of their names, which spreads them over models, suites and tasks; the first
    are taken.
    """
    found: dict[Part, list[Choice]] = {part: [] for part in WANTED}
    ordered = sorted(files, key=lambda file: hashlib.sha256(file[0].encode()).digest())
    for name, text in ordered:
        if all(len(found[part]) == wanted for part, wanted in WANTED.items()):
            break
        part = part_of(Run.read(name, text))
        if part is not None and len(found[part]) < WANTED[part]:
            found[part].append(Choice(part, name, text))
    return [choice for part in WANTED for choice in found[part]]


def _can_be_driven(run: Run) -> bool:
    """Tell whether an ordinary loop of model and tools makes the recorded conversation.

    Left out: defences that write into the conversation, failed calls (the error is in no message), calls without ids.
    """
    messages: list[dict[str, Any]] = run.record["messages"]
    roles = [message["role"] for message in messages]
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return (
        not run.name.split("/")[0].endswith(_DEFENCES)
        and roles[:2] == ["system", "user"]
        and roles[-1] == "assistant"
        and "user" not in roles[2:]
        and all(call.get("id") for call in calls)
        and not any(message.get("error") for message in messages if message["role"] == "tool")
    )


def _user_asked_for_it(run: Run) -> bool:
    """Tell whether the user's own request names what the attacker uses."""
    request = request_of(run.trace()).casefold()
    used = re.findall(r"us\d{21}|[\w-]+\.com|fred", str(run.record.get("injections") or "").casefold())
    return any(each in request for each in used)
