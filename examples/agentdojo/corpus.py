"""The recorded runs: where they are, which of them count, and each as a trace."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.readers.agentdojo import READER
from unrepeat.cases.readers.source import ReadOptions, open_source
from unrepeat.cases.trace import Trace

SUITES = ("banking", "slack")
Kind = Literal["carried_out", "resisted", "benign", "left_out"]
_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run, as it stands in the archive."""

    name: str
    """MODEL[-DEFENCE]/SUITE/USER_TASK/ATTACK/INJECTION_TASK."""
    text: bytes
    record: dict[str, Any]

    @classmethod
    def read(cls, name: str, text: bytes) -> Run:
        """Return the run that a file of the archive holds."""
        return cls(name, text, json.loads(text))

    @property
    def suite(self) -> str:
        """Name of the benchmark's suite."""
        return str(self.record["suite_name"])

    @property
    def attack(self) -> str:
        """Name of the attack; empty for a benign run."""
        attack = self.record.get("attack_type")
        return "" if attack in (None, "none") else str(attack)

    @property
    def kind(self) -> Kind:
        """Say what the run is good for, going by its labels."""
        if self.left_out:
            return "left_out"
        if not self.attack:
            return "benign"
        return "carried_out" if self.record["security"] else "resisted"

    @property
    def left_out(self) -> str:
        """Say why the run's labels cannot be used; empty when they can."""
        if self.record.get("error") is not None:
            return "ended in an error, where the label was set without looking"
        if self.attack.endswith("dos"):
            return "denial of service, where the label means that the user's task failed"
        return ""

    def trace(self) -> Trace:
        """Read the run as `unrepeat import` does."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.json"
            path.write_bytes(self.text)
            (trace,) = READER.read(open_source(path, ReadOptions(keep_original=False)))
        return trace


def archive() -> Path:
    """Return the archive of recorded runs.

    Raises:
        ConfigError: It is not there.
    """
    folder = Path(os.environ.get("UNREPEAT_CORPORA") or _CHECKOUT.parent / "shared" / "data")
    path = folder / "agentdojo" / "runs.tar.xz"
    if not path.is_file():
        raise ConfigError(
            "expected the recorded AgentDojo runs, got no file",
            where=str(path),
            hint="Set UNREPEAT_CORPORA to the folder that holds agentdojo/runs.tar.xz",
        )
    return path


def files(path: Path, *, suites: tuple[str, ...] = SUITES, model: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the runs of some suites, streamed from the archive.

    Args:
        path: The archive.
        suites: Names of suites.
        model: A text that the name of the model and its defence must contain; any when empty.
    """
    with tarfile.open(path, mode="r|xz") as tar:
        for member in tar:
            name = _name(member, suites, model)
            file = tar.extractfile(member) if name else None
            if file is not None:
                yield name, file.read()


def count(path: Path, *, suites: tuple[str, ...] = SUITES, model: str = "") -> int:
    """Return how many runs `files` will yield."""
    with tarfile.open(path, mode="r|xz") as tar:
        return sum(bool(_name(member, suites, model)) for member in tar)


def _name(member: tarfile.TarInfo, suites: tuple[str, ...], model: str) -> str:
    name = member.name.removeprefix("./").removesuffix(".json")
    parts = name.split("/")
    wanted = member.isfile() and len(parts) == 5 and parts[1] in suites and model in parts[0]
    return name if wanted else ""
