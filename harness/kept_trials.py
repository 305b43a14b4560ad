"""Finished trials on disk while a run goes on: a run that is interrupted or killed keeps them.

Each is a file of its own beside the result that is to come, written whole or not at all. A run that reaches its
result removes them: the result holds every trial.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..cases.files import write_atomic
from ..reports.documents import encoded
from ..reports.secrets import without_secrets
from ..scorers.verdict import JudgedReplay

FOLDER = "trials"


class KeptTrials:
    """The finished trials of one run.

    Args:
        run: The folder of the run; made when the first trial ends.
    """

    def __init__(self, run: Path) -> None:
        self.folder = run / FOLDER
        self.count = 0
        """How many have been kept."""

    def keep(self, label: str, _number: int, trial: JudgedReplay) -> None:
        """Write one trial; its name says in which order it ended, and what it is a trial of."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.count + 1:05d}-{label}.json"
        write_atomic(path, without_secrets(encoded(trial, indent=1)))
        self.count += 1

    def drop(self) -> None:
        """Remove them: the result holds them now."""
        shutil.rmtree(self.folder, ignore_errors=True)
