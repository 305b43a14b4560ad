"""The levels of isolation and their order; imports nothing, because the options of the command line name them."""

from __future__ import annotations

from typing import Literal, get_args

Level = Literal["netns", "landlock", "guard", "none"]
"""What holds a program, strongest first; see docs/explanation/isolation.md."""
Isolating = Literal["netns", "landlock", "guard"]
"""The levels that a system can be required to run at."""
LEVELS: tuple[Level, ...] = get_args(Level)
ISOLATING: tuple[Isolating, ...] = get_args(Isolating)


def is_at_least(reached: str, required: Level) -> bool:
    """Tell whether a level is as strong as another. A word that is none (``external``) is never strong enough."""
    levels: tuple[str, ...] = LEVELS
    return reached in levels and levels.index(reached) <= levels.index(required)


def stronger(one: Level, other: Level) -> Level:
    """Return the stronger one of two levels."""
    return one if is_at_least(one, other) else other
