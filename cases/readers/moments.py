"""Times as exports write them, in Unix nanoseconds to the digit."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_FRACTION = re.compile(r"[.,](\d+)")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?")
_UNIT_NS = ((10**17, 1), (10**14, 1_000), (10**11, 1_000_000))
"""A number from this size on counts in this many nanoseconds: a time between 1973 and 5138 is only one of them."""


def unix_ns(value: Any, *, naive_utc: bool = False) -> int | None:
    """Return a time as Unix nanoseconds, None for what is no time.

    Args:
        value: RFC 3339 text, or a Unix time in seconds, milliseconds, microseconds or nanoseconds.
        naive_utc: A text without a zone is in UTC; otherwise it is no time.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value * next((factor for least, factor in _UNIT_NS if value >= least), 1_000_000_000)
    if isinstance(value, float):
        return round(value * 1e6) * 1000 if 0 < value < 1e11 else None
    return _parsed(value, naive_utc) if isinstance(value, str) and value else None


def _parsed(text: str, naive_utc: bool) -> int | None:
    fraction = _FRACTION.search(text)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        if not naive_utc:
            return None
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + (_fraction_ns(fraction[1]) if fraction else 0)


def duration_ns(value: Any) -> int | None:
    """Return an ISO 8601 duration such as ``PT1M48.75S`` in nanoseconds, None for what is none."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(found[group] or 0) for group in (1, 2, 3, 4))
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return whole * 1_000_000_000 + (_fraction_ns(found[5]) if found[5] else 0)


def _fraction_ns(digits: str) -> int:
    return int(f"{digits:0<9}"[:9])
