"""What runs it all: the command line and the same jobs for Python.

Names load when they are first used, so that the command line starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import ImportRequest, import_trace, prove, replay, report
    from .gating import GateRequest, run_gate
    from .recovering import recover
    from .verifying import verify

__all__ = ["GateRequest", "ImportRequest", "import_trace", "prove", "recover", "replay", "report", "run_gate", "verify"]
_ELSEWHERE = {"GateRequest": "gating", "recover": "recovering", "run_gate": "gating", "verify": "verifying"}
"""Modules of names that are not in ``api``."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f".{_ELSEWHERE.get(name, 'api')}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
