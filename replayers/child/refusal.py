"""Refusals: why a system cannot be replayed as it is described, and what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .own_code import is_own


class UnusableError(Exception):
    """The system cannot be replayed as it is described; no mistake of its code."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        """What to do next."""


def require_from_version(module: Any, paths: Sequence[str]) -> None:
    """Raise UnusableError where the entry's module is not the version's: another one would be judged in its place.

    Boundaries may lie in packages of others; the code that is judged may not.

    Args:
        module: The module of the entry.
        paths: The version's folders on the import path.
    """
    file = getattr(module, "__file__", None) or ""
    if not any(is_own(each, paths) for each in (file, os.path.realpath(file))):
        raise UnusableError(
            f"expected the module {module.__name__} below {', '.join(paths) or 'the paths of the version'}, "
            f"got it from {file or 'the interpreter itself'}",
            "Set `paths` in unrepeat.toml to the folders of the version that hold its code, "
            "and check that the version has it",
        )
