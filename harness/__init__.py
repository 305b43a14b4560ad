"""What runs it all: the command line and the same jobs for Python.

Names load when they are first used, so that the command line starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import ImportRequest, import_trace, prove, replay, report
    from .gating import GateRequest, run_gate

__all__ = ["GateRequest", "ImportRequest", "import_trace", "prove", "replay", "report", "run_gate"]


def __getattr__(name: str) -> Any:
    if name in ("GateRequest", "run_gate"):
        from . import gating

        return getattr(gating, name)
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
