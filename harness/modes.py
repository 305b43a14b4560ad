"""From a case's replay settings to the modes of its boundaries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ..cases.errors import ConfigError
from ..cases.replay_settings import BoundaryRule, ReplaySettings
from ..replayers.playback import Modes


def modes_of(
    settings: ReplaySettings, allow_live: Iterable[str], where: str, *, model: bool = False, unrecorded: bool = False
) -> Modes:
    """Return how each boundary is answered.

    Args:
        settings: The ``replay`` block of the case.
        allow_live: What the system allows to run for real.
        where: What to call the case in errors.
        model: Whether a live model is at hand; it may answer without being allowed by the system.
        unrecorded: Whether the case has no trace. What the system allows then answers for itself, for nothing else
            can; the rest has no answer unless the case states one.

    Raises:
        ConfigError: The case wants something live that the system does not allow by name, or a boundary
            that cannot be replaced yet.
    """
    allowed = frozenset(allow_live)
    live: set[str] = {"model"} if model or settings.preset == "model-change" else set()
    if unrecorded:
        live |= allowed
    recorded: set[str] = set()
    static = {}
    for kind, rule in settings.boundaries.items():
        if kind == "clock":
            raise ConfigError(
                "expected a boundary this version replaces, got clock", where=f"{where}: replay.boundaries"
            )
        keys = _keys(kind, rule)
        if rule.mode == "live":
            live |= keys
        elif rule.mode == "recorded":
            live -= keys
            recorded |= keys
        else:
            static.update(dict.fromkeys(keys, rule.value))
    _require_allowed(live - {"model"} if model or unrecorded else live, allowed, where)
    return Modes(
        live=frozenset(live),
        static=static,
        recorded=frozenset(recorded),
        live_from_step=settings.from_step,
        allowed_live=allowed,
        on_miss=settings.on_miss,
        answers=settings.compare.results,
    )


def _keys(kind: str, rule: BoundaryRule) -> set[str]:
    return {f"{kind}:{name}" for name in rule.only} or {kind}


def _require_allowed(live: Iterable[str], allowed: frozenset[str], where: str) -> None:
    for key in sorted(live):
        kind = key.partition(":")[0]
        if key not in allowed and kind not in allowed and not any(fnmatchcase(key, each) for each in allowed):
            raise ConfigError(
                f"expected {key} to be allowed to run for real in a replay, got allow_live = {sorted(allowed)}",
                where=where,
                hint="Name a live model with --model PROVIDER/NAME"
                if key == "model"
                else f"Add {key!r} to allow_live of the system in unrepeat.toml if running it can do no harm",
            )
