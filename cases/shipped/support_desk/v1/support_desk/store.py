"""The shop's records: a JSON file, and a journal of every change."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent / "data" / "shop.json"


class Store:
    """Tables of records by id.

    Args:
        path: Where the records are.
        save: Whether changes go back to that file.
    """

    def __init__(self, path: Path, *, save: bool) -> None:
        self._path = path
        self._save = save
        self._tables: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        self.journal: list[dict[str, Any]] = []

    def read(self, table: str, key: str) -> dict[str, Any]:
        """Return a copy of a record, or ``error``."""
        record = self._tables.get(table, {}).get(key)
        return copy.deepcopy(record) if record is not None else {"error": f"no {table} record {key}"}

    def write(self, table: str, key: str, record: dict[str, Any], *, reversible: bool = True, once: str = "") -> None:
        """Store a record and note the change in the journal; ``once`` is its idempotency key."""
        rows = self._tables.setdefault(table, {})
        before = rows.get(key)
        rows[key] = copy.deepcopy(record)
        change = {"system": "shop", "resource": f"{table}/{key}", "before": before, "after": rows[key]}
        change |= {"operation": "update" if before else "create", "reversible": reversible}
        self.journal.append({**change, "idempotency_key": once})
        if self._save:
            self._path.write_text(json.dumps(self._tables, indent=1) + "\n", encoding="utf-8")


_open: list[Store] = []


def current() -> Store:
    """Return the store of this process: the file SUPPORT_DESK_STORE names, else a copy of the samples."""
    if not _open:
        named = os.environ.get("SUPPORT_DESK_STORE")
        _open.append(Store(Path(named) if named else SAMPLE, save=bool(named)))
    return _open[0]


def reset() -> None:
    """Forget the open store; the next use reads the file again."""
    _open.clear()
