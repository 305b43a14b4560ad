"""Results on disk: one folder a case and run under ``.unrepeat/results``, which git ignores."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from ..cases.errors import CaseError, ConfigError
from ..cases.files import write_atomic
from ..reports.documents import load_result, to_json
from ..reports.secrets import without_secrets
from ..scorers.verdict import CaseVerdict

RESULT = "result.json"
_RESULTS = "results"
_PROBE_BYTES = 64 * 1024
"""What must fit at the least: a full disk is better found before a run than after it."""


def prepare(results: Path) -> Path:
    """Make the folder of results, which ignores itself in git, see that it can be written to, and return it.

    Raises:
        ConfigError: It cannot be made or written to, or is a symbolic link: results stay in the project.
    """
    _refuse_links(results, results / _RESULTS)
    try:
        (results / _RESULTS).mkdir(parents=True, exist_ok=True)
        marker = results / ".gitignore"
        if not marker.exists():
            write_atomic(marker, b"*\n")
        with tempfile.TemporaryFile(dir=results / _RESULTS) as probe:
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        raise _unwritable(results, error) from None
    return results


def save(results: Path, verdict: CaseVerdict) -> Path:
    """Write a verdict and return its file.

    Raises:
        ConfigError: There is no room for it, or its folder cannot be written to.
    """
    prepare(results)
    folder = run_folder(results, verdict.case_id, verdict.run_id)
    _refuse_links(folder.parent, folder)
    path = folder / RESULT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, without_secrets(to_json(verdict)))
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def _refuse_links(*folders: Path) -> None:
    for folder in folders:
        if folder.is_symlink():
            raise ConfigError(
                "expected a folder for results, got a symbolic link",
                where=str(folder),
                hint="Remove it; results are kept in the project",
            )


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"expected a place to write results to, got: {error.strerror}",
        where=str(path),
        hint="Make room for it, or run unrepeat where you may write",
    )


def run_folder(results: Path, case_id: str, run_id: str) -> Path:
    """Return the folder of one run of a case."""
    return results / _RESULTS / case_id / run_id


def all_of(results: Path, case_id: str) -> list[Path]:
    """Return the results of a case, oldest first."""
    return sorted(path for path in (results / _RESULTS / case_id).glob(f"*/{RESULT}") if path.is_file())


def latest(results: Path, case_id: str) -> Path:
    """Return the newest result of a case.

    Raises:
        CaseError: There is none.
    """
    found = all_of(results, case_id)
    if not found:
        raise CaseError(
            "expected a result to report, got none", where=case_id, hint=f"Run `unrepeat prove {case_id}` first"
        )
    return found[-1]


class Glance(msgspec.Struct):
    """What a list shows of a result; the rest is not even looked at."""

    verdict: str = ""
    created_at: str = ""


def glance(results: Path, case_id: str) -> Glance | None:
    """Return the newest result of a case at a glance; None where there is none that can be read."""
    try:
        return msgspec.json.decode(latest(results, case_id).read_bytes(), type=Glance)
    except (CaseError, OSError, msgspec.MsgspecError):
        return None


def load(path: Path) -> CaseVerdict:
    """Read a result back; see ``reports.documents.load_result``."""
    return load_result(path)
