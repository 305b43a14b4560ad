"""The clock boundary: what time a replayed system is to see, and how programs in any language are shown it.

A stale policy is stale on the day of the incident only. So a system sees the time at which the recording began, and
real time goes on from there. Python systems have the functions replaced that tell the time (``child.time_of_day``);
other programs are shown it by what their runtime takes from the environment. Programs that can only be told, by
``UNREPEAT_NOW``, may not ask: where the case states a clock, a pass then shows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..cases.trace import Trace
from .preloading import faketime_library, is_node, is_python, only_starts, takes_preload
from .replay import Mode

TOLD = "UNREPEAT_NOW only"
IN_NODE = "Date in Node"
IN_PYTHON = "replaced functions"
BY_FAKETIME = "faketime"
_SHIM = Path(__file__).resolve().parent / "clock.cjs"
_PRELOAD = Path(__file__).resolve().parent / "preload"
"""Holds what Python loads at its start from ``PYTHONPATH``."""
_REPORT = "UNREPEAT_NOW_SHOWN"
"""Names the file to which the scripts add a line with their way once they show the time."""
_NS = 1_000_000_000
_EARLIEST_NS = 946_684_800 * _NS
"""The year 2000. Earlier ones are no dates of an AI system: such a trace counts its time from a start of its own."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClockMode:
    """What time a system is to see."""

    mode: Mode = "recorded"
    """recorded: from the start of the recording on, where it has times; live: the real one; static: ``start_ns``."""
    start_ns: int | None = None
    """For static: where it starts, as Unix time in nanoseconds."""
    stated: bool = False
    """Whether the case states the mode, so that what it asserts may depend on the time."""

    def start(self, trace: Trace) -> int | None:
        """Return the time at which a replay of a trace starts; None: the system sees the real one."""
        if self.mode == "recorded":
            return recorded_start(trace)
        return self.start_ns if self.mode == "static" else None

    def doubt(self, shown: str) -> str:
        """Return why a system may not have seen the time that the case states; empty where it did or none is stated.

        Args:
            shown: How the time was shown, after the words of ``Replay.clock``; empty where it was not.
        """
        if not self.stated or self.mode == "live" or (shown and not shown.endswith(TOLD)):
            return ""
        how = f"the system was only told it ({TOLD})" if shown else "the system saw a time of its own"
        why = ", for the recording has no times" if self.mode == "recorded" and not shown else ""
        return f"the case states the clock, and {how}{why}"


RECORDED_CLOCK = ClockMode()


def recorded_start(trace: Trace) -> int | None:
    """Return when a recording began; None where it has no times of day."""
    times = [span.start_ns for span in trace.spans if span.start_ns is not None and span.start_ns >= _EARLIEST_NS]
    return min(times, default=None)


def rfc3339(when_ns: int) -> str:
    """Return a time as text, with as many digits of a second as it needs."""
    seconds, rest = divmod(when_ns, _NS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:09d}".rstrip("0") if rest else "") + "Z"


def going_on(start_ns: int) -> Callable[[], str]:
    """Return what tells a time that goes on from a start, from this moment at the pace of the real one.

    Args:
        start_ns: The start, as Unix time in nanoseconds.
    """
    began_ns = time.monotonic_ns()
    return lambda: rfc3339(start_ns + time.monotonic_ns() - began_ns)


def shown_as(start_ns: int, how: str) -> str:
    """Return what ``Replay.clock`` says of a time and the way it was shown."""
    return f"{rfc3339(start_ns)}, {how}"


def clock_environment(
    start_ns: int,
    argv: Sequence[str],
    folder: Path | None = None,
    *,
    path: str | None = None,
    report: Path | None = None,
) -> tuple[dict[str, str], str]:
    """Return what shows a program another time from its start on, and processes that it starts too.

    Args:
        start_ns: The time at which it starts, as Unix time in nanoseconds.
        argv: The program and its arguments.
        folder: Where it runs; the current folder by default.
        path: Its ``PATH``; that of this process by default.
        report: A file that the program may write to, for ``proven_way``.

    Returns:
        What to add to its environment, and how it is to be shown, in words: ``Date in Node``, ``replaced functions``
        (Python), ``faketime``, or ``UNREPEAT_NOW only`` where it has to ask by itself. What it has of its own in
        ``NODE_OPTIONS``, ``PYTHONPATH`` and ``LD_PRELOAD`` goes after these: of several modules named
        ``sitecustomize`` Python loads the first only, and ours loads the next.
    """
    started_ns = time.time_ns()
    # Every process counts from the moment this one was started: a second one does not begin at the start again.
    told = {"UNREPEAT_NOW": rfc3339(start_ns), "UNREPEAT_NOW_SINCE": rfc3339(started_ns)}
    if report is not None:
        told[_REPORT] = str(report)
    if is_node(argv, folder, path):
        return {**told, "NODE_OPTIONS": f"--require {_quoted(str(_SHIM))}"}, IN_NODE
    if is_python(argv, folder, path):
        return {**told, "PYTHONPATH": str(_PRELOAD)}, IN_PYTHON
    library = faketime_library()
    if library is not None and takes_preload(argv, folder, path):
        way = TOLD if only_starts(argv, folder, path) else BY_FAKETIME
        return {**told, **_of_faketime(library, start_ns - started_ns)}, way
    return told, TOLD


def proven_way(way: str, report: Path) -> str:
    """Return how a program was shown the time after all: scripts that were to be loaded say so once they are.

    A program can be kept from loading them, by a variable or an option that it is started with. libfaketime says
    nothing; it is named for programs alone that are known to load it.
    """
    if way not in (IN_NODE, IN_PYTHON):
        return way
    try:
        told = report.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return TOLD
    return way if way in told else TOLD


def _of_faketime(library: Path, ahead_ns: int) -> dict[str, str]:
    # An offset, not a date: libfaketime reads dates in the local time zone, and starts anew in each process. With a
    # monotonic clock of its own, waits with a time-out never end (its issue 390). Without, sleeping until a moment
    # fails up to 0.9.10, with an error (426).
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{ahead_ns / _NS:+.6f}",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _quoted(path: str) -> str:
    """Return a path as ``NODE_OPTIONS`` takes it."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
