"""The scrubbed environment: what a replayed system sees of the caller's."""

from __future__ import annotations

import os

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH")


def scrubbed_environment(scratch: str) -> dict[str, str]:
    """Return the environment of a replayed system: no keys of the caller, a home and a temp folder of its own.

    Args:
        scratch: The folder that is home and temp folder.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": scratch, "TMPDIR": scratch}
