"""The version's own code: what lies below its paths, other than packages that are installed there."""

from __future__ import annotations

import os
from collections.abc import Sequence

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def is_own(file: str, paths: Sequence[str]) -> bool:
    """Whether a file belongs to the version; one inside of a zip archive does where the archive is a path."""
    return any(_lies_in(file, path) for path in paths)


def _lies_in(file: str, path: str) -> bool:
    below = file.removeprefix(path.rstrip(os.sep) + os.sep)
    # An environment below the version, such as .venv, holds what the version needs, not the version.
    return below != file and _INSTALLED.isdisjoint(below.split(os.sep))
