"""From a case's replay settings to the modes of its boundaries. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ..cases.errors import ConfigError
from ..cases.replay_settings import BoundaryRule, ReplaySettings
from ..replayers.clock import RECORDED_CLOCK, ClockMode
from ..replayers.playback import Modes, Turns

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        ConfigError: The case wants something live that the system does not allow by name, or a clock that is none.
    """
    allowed = frozenset(allow_live)
    live: set[str] = {"model"} if model or settings.preset == "model-change" else set()
    if unrecorded:
        live |= allowed
    recorded: set[str] = set()
    static: dict[str, Any] = {}
    rules = dict(settings.boundaries)
    clock = _clock(rules.pop("clock", None), f"{where}: replay.boundaries.clock", unrecorded=unrecorded)
    for kind, rule in rules.items():
        keys = _keys(kind, rule)
        if rule.mode == "live":
            live |= keys
        elif rule.mode == "recorded":
            live -= keys
            recorded |= keys
        else:
            stated = rule.value if rule.turns is None else Turns(tuple(rule.turns))
            static.update(dict.fromkeys(keys, stated))
    _require_allowed(live - {"model"} if model or unrecorded else live, allowed, where)
    return Modes(
        live=frozenset(live),
        static=static,
        recorded=frozenset(recorded),
        live_from_step=settings.from_step,
        allowed_live=allowed,
        on_miss=settings.on_miss,
        answers=settings.compare.results,
        clock=clock,
    )


def _clock(rule: BoundaryRule | None, where: str, *, unrecorded: bool) -> ClockMode:
    """Return what time the system sees; a case without a trace has none to show."""
    if rule is None:
        return ClockMode(mode="live") if unrecorded else RECORDED_CLOCK
    if rule.only:
        raise ConfigError(f"expected a clock without `only`, got {rule.only}", where=where)
    if rule.mode == "recorded" and unrecorded:
        raise ConfigError(
            "expected mode live or static, got recorded: the case has no trace to take the time from", where=where
        )
    start_ns = _time(rule.value, f"{where}.value") if rule.mode == "static" else None
    return ClockMode(mode=rule.mode, start_ns=start_ns, stated=True)


def _time(value: Any, where: str) -> int:
    """Return a time of RFC 3339 as Unix time in nanoseconds."""
    try:
        when = datetime.fromisoformat(value.upper()) if isinstance(value, str) and _RFC_3339.fullmatch(value) else None
    except ValueError:  # the 30th of February
        when = None
    if when is None or when < _EPOCH:
        raise ConfigError(
            f"expected a time after 1970 with its zone, got {value!r}",
            where=where,
            hint='State it as in `value: "2026-03-03T10:00:00Z"`',
        )
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


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
