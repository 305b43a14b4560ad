"""Results on disk: one folder a case and run under ``.unrepeat/results``, which git ignores."""

from __future__ import annotations

from pathlib import Path

from ..cases.errors import CaseError, ConfigError
from ..cases.files import write_atomic
from ..reports.documents import load_result, to_json
from ..reports.secrets import without_secrets
from ..scorers.verdict import CaseVerdict

RESULT = "result.json"


def prepare(results: Path) -> Path:
    """Make the folder of results, which ignores itself in git, and return it.

    Raises:
        ConfigError: It cannot be made or written to.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        marker = results / ".gitignore"
        if not marker.exists():
            write_atomic(marker, b"*\n")
    except OSError as error:
        raise ConfigError(
            f"expected a folder to write results to, got: {error.strerror}",
            where=str(results),
            hint="Make room for it, or run unrepeat where you may write",
        ) from None
    return results


def save(results: Path, verdict: CaseVerdict) -> Path:
    """Write a verdict and return its file."""
    prepare(results)
    folder = run_folder(results, verdict.case_id, verdict.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RESULT
    write_atomic(path, without_secrets(to_json(verdict)))
    return path


def run_folder(results: Path, case_id: str, run_id: str) -> Path:
    """Return the folder of one run of a case."""
    return results / "results" / case_id / run_id


def latest(results: Path, case_id: str) -> Path:
    """Return the newest result of a case.

    Raises:
        CaseError: There is none.
    """
    folder = results / "results" / case_id
    found = sorted(path for path in folder.glob(f"*/{RESULT}") if path.is_file())
    if not found:
        raise CaseError(
            "expected a result to report, got none", where=case_id, hint=f"Run `unrepeat prove {case_id}` first"
        )
    return found[-1]


def load(path: Path) -> CaseVerdict:
    """Read a result back; see ``reports.documents.load_result``."""
    return load_result(path)
