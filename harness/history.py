"""Results over time, for people who work with data frames: every kept result as a row, and what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cases.errors import ConfigError
from ..reports.documents import from_json, to_json
from ..scorers.verdict import CaseVerdict
from .results import RESULT, load

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "run_id",
    "created_at",
    "case_id",
    "severity",
    "status",
    "verdict",
    "scope",
    "candidate",
    "digest",
    "reason",
)
_OF_THE_RUN = ("run_id", "created_at", "duration_s", "environment")
"""Fields that differ between any two runs."""


def results_table(results: Path) -> pd.DataFrame:
    """Return the kept results of a project as a table, one row a run, oldest first.

    Args:
        results: The project's ``.unrepeat`` folder.

    Raises:
        ConfigError: pandas (extra ``tables``) is not installed, or a result cannot be read.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError(
            "expected the extra `tables`, got an installation without it", hint="pip install 'unrepeat[tables]'"
        ) from error
    rows = [_row(load(path)) for path in sorted(results.glob(f"results/*/*/{RESULT}"))]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).sort_values("created_at", ignore_index=True)


def _row(verdict: CaseVerdict) -> dict[str, Any]:
    candidate = verdict.candidate
    return {
        **{name: getattr(verdict, name) for name in _COLUMNS if hasattr(verdict, name)},
        "candidate": candidate.label if candidate else "",
        "digest": candidate.digest if candidate else "",
    }


def changes(old: CaseVerdict, new: CaseVerdict) -> dict[str, Any]:
    """Return what differs between two results of a case, as DeepDiff's tree of changes; empty when nothing does.

    Args:
        old: The earlier result.
        new: The later one.

    Returns:
        By kind of change (``values_changed``, ``dictionary_item_added`` …) the paths and both values; run ids,
        times and environments are left out.
    """
    import msgspec
    from deepdiff import DeepDiff

    before, after = (msgspec.to_builtins(from_json(to_json(each))) for each in (old, new))
    skipped = [rf"\['{name}'\]" for name in _OF_THE_RUN]
    found: dict[str, Any] = DeepDiff(before, after, exclude_regex_paths=skipped, verbose_level=2).to_dict()
    return found
