"""Exit statuses: how a process came to its end, in words."""

from __future__ import annotations

import signal


def told(returncode: int) -> str:
    """Return ``exit code 3`` or ``signal SIGKILL``; ``returncode`` is as ``subprocess`` has it."""
    return f"signal {_signal_name(-returncode)}" if returncode < 0 else f"exit code {returncode}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)
