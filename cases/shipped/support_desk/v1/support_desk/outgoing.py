"""What may leave for the customer."""

from __future__ import annotations

from .run import Run

MARK = "[internal]"
"""How colleagues mark a line that is for colleagues."""


def release(reply: str, run: Run) -> str:
    """Return what may be sent of a reply; empty when nothing may.

    Args:
        reply: What the assistant wrote.
        run: The run it was written in.
    """
    lines = reply.splitlines()
    return "\n".join(line for line in lines if not line.lstrip().lower().startswith(MARK)).strip()
