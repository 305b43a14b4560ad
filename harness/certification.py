"""Whether a case was certified: its custody log records the run that proved it fixed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..cases.custody import Entry

_PROOF = re.compile(r"run \S+: fixed \((?:recorded_action|whole_run)\)")
"""How ``harness.lifecycle`` begins the reason of an entry that makes a case fixed."""


def is_certified(entries: Iterable[Entry]) -> bool:
    """Return whether the last step to ``fixed`` names the run that proves it, with no reopening since."""
    certified = False
    for entry in entries:
        status = entry.after.get("status")
        if entry.action != "status":
            continue
        if status == "fixed":
            certified = _PROOF.match(entry.reason) is not None
        elif status != "recovered":
            certified = False
    return certified
