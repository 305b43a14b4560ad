"""Gate runs on disk: one folder a run under ``.unrepeat/gates``, from which an interrupted one goes on.

``run.json`` says what the run is about, ``cases/ID.json`` holds what is known of each case that was finished,
``gate.json`` the result. Whoever runs a gate holds the lock of its folder, so that ``--resume`` never takes a run that
is still going on.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..cases.errors import ConfigError, EvidenceError
from ..cases.files import write_atomic
from ..cases.locks import locked
from ..cases.trace import Record
from ..reports.documents import encoded
from ..reports.secrets import without_secrets
from ..scorers.gate_result import GateResult
from .exit_codes import INTERRUPTED
from .gate import Facts
from .results import prepare

GATES = "gates"
RESULT = "gate.json"
_RUN = "run.json"
_CASES = "cases"


class About(Record):
    """What a run is about: it goes on only while all of it is the same."""

    tool: str
    """Version of unrepeat."""
    claim: str
    policy: str
    """Digest of the policy."""
    systems: str
    """Digest of how systems and models are run."""
    candidate: str
    """Digest of what is judged."""
    model: str
    """The live model and the trials asked for; empty without one."""
    base: str
    selection: str
    """``named`` where the cases were asked for by name, else ``all``."""
    cases: dict[str, str]
    """Digest of each case folder's files, by id."""


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run, whose lock is held."""

    id: str
    folder: Path

    def kept(self) -> dict[str, Facts]:
        """Return what is known of each case that was finished, by id.

        A file that is no such thing is as good as none: the case runs again.
        """
        found = {}
        for path in sorted((self.folder / _CASES).glob("*.json")):
            try:
                facts = msgspec.json.decode(path.read_bytes(), type=Facts)
            except (OSError, msgspec.MsgspecError):
                continue
            if facts.case_id == path.stem:
                found[facts.case_id] = facts
        return found

    def keep(self, facts: Facts) -> None:
        """Write what is known of a finished case."""
        write_atomic(self.folder / _CASES / f"{facts.case_id}.json", without_secrets(msgspec.json.encode(facts)))

    def finish(self, result: GateResult) -> Path:
        """Write the result and return its file."""
        path = self.folder / RESULT
        write_atomic(path, without_secrets(encoded(result)))
        return path


@contextmanager
def new_run(results: Path, about: About, now: dt.datetime) -> Iterator[GateRun]:
    """Begin a run in a folder of its own.

    Raises:
        ConfigError: The folder cannot be written to.
    """
    gates = prepare(results) / GATES
    run_id = f"{now.strftime('%Y%m%dT%H%M%S%fZ')}-{secrets.token_hex(4)}"
    folder = gates / run_id
    (folder / _CASES).mkdir(parents=True)
    with locked(folder):
        write_atomic(folder / _RUN, encoded(about))
        yield GateRun(run_id, folder)


@contextmanager
def resumed_run(results: Path, about: About) -> Iterator[GateRun]:
    """Go on with the last run that was interrupted.

    Raises:
        ConfigError: There is none, it is still going on, or it is about something else by now.
    """
    folder = _last_interrupted(results / GATES)
    try:
        with locked(folder, wait_s=0):
            _require_same(folder, about)
            yield GateRun(folder.name, folder)
    except EvidenceError as error:
        if error.where != str(folder):
            raise
        raise ConfigError(
            "expected an interrupted run, got one that is still going on",
            where=f"--resume {folder.name}",
            hint="Wait for it to end",
        ) from None


def _last_interrupted(gates: Path) -> Path:
    runs = sorted((path.parent for path in gates.glob(f"*/{_RUN}")), reverse=True)
    found = next((folder for folder in runs if _is_interrupted(folder)), None)
    if found is None:
        raise ConfigError(
            "expected an interrupted run to go on with, got none", where="--resume", hint="Run `unrepeat gate`"
        )
    return found


def _is_interrupted(folder: Path) -> bool:
    """Say whether a run has no result, or one that says it was interrupted."""
    try:
        result = msgspec.json.decode((folder / RESULT).read_bytes(), type=dict[str, object])
    except (OSError, msgspec.MsgspecError):
        return True
    return result.get("exit_code") == INTERRUPTED


def _require_same(folder: Path, about: About) -> None:
    try:
        before = msgspec.json.decode((folder / _RUN).read_bytes(), type=About)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(
            "expected the notes of an interrupted run, got something else",
            where=str(folder / _RUN),
            hint="Run the gate again without --resume",
        ) from error
    changed = [name for name in About.__struct_fields__ if getattr(before, name) != getattr(about, name)]
    if changed:
        raise ConfigError(
            f"expected the run to be about the same as before, got another {changed[0]}",
            where=f"--resume {folder.name}",
            hint="Run the gate again without --resume",
        )
