"""What the versions of a library's assistant are worth: verdicts of its cases, its green references, and its gate."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.library import list_cases, load
from unrepeat.cases.trace import ToolCall, Trace
from unrepeat.cases.trace_file import load_trace
from unrepeat.harness import prove
from unrepeat.harness.config import load_project
from unrepeat.harness.lifecycle import move_on
from unrepeat.harness.results import save
from unrepeat.harness.systems import system_of
from unrepeat.harness.versions import resolve
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.system import PythonSystem

VERSIONS = ("baseline", "guarded", "broken")


def proven(folder: Path, each: int = -1) -> dict[str, Any]:
    """Judge cases of a library: red on the baseline, and what the two candidates are worth.

    Args:
        folder: The library.
        each: How many incidents and how many near misses; -1 for all.

    Returns:
        Verdicts by candidate with their number, and the cases that are not fixed with why not.
    """
    verdicts: dict[str, Counter[str]] = {}
    others: dict[str, dict[str, str]] = {}
    for candidate in ("guarded", "broken"):
        verdicts[candidate], others[candidate] = Counter(), {}
        for case in _first(folder, each):
            found = prove(str(case), baseline="baseline", candidate=candidate)
            verdicts[candidate][f"{case.name.split('-')[0]} {found.verdict}"] += 1
            if found.verdict != "fixed":
                others[candidate][case.name] = f"{found.verdict}: {found.reason}"
    return {"verdicts": {name: dict(counts) for name, counts in verdicts.items()}, "not fixed": others}


def references_held(folder: Path, version: str, most: int = -1) -> dict[str, str]:
    """Replay the green references on a version; return those that went otherwise, with how.

    A reference holds when the version comes to an end with every answer from the recording, and its tools are called as
    they were: the same tools, with the same arguments, in the same order.
    """
    project = load_project(folder)
    name, system = next(iter(project.config.systems.items()))
    python, checkout = system_of(project, name, system), resolve(project, system, version)
    assert isinstance(python, PythonSystem)
    broken = {}
    for place in sorted((folder / "references").iterdir())[: most if most >= 0 else None]:
        (trace,) = load_trace(place / "trace.json")[0].traces
        given = msgspec.json.decode((place / "input.json").read_bytes())
        replay = replay_python(trace, python, checkout, arguments=given, case_id=place.name)
        if replay.outcome != "completed" or replay.limit is not None:
            broken[place.name] = replay.error or f"{replay.outcome}; another request at step {replay.limit}"
        elif _calls(replay.trace) != _calls(trace):
            broken[place.name] = "other calls than in the recording"
    return broken


def settle(folder: Path) -> list[str]:
    """Move every open case that the guarded version fixes on to `fixed`, with its proof; return their ids.

    A gate blocks on such cases; those that cannot be judged stay open and are reported.
    """
    results, settled = load_project(folder).results, []
    for case in list_cases(folder / "incidents"):
        if load(case).case.status != "open":
            continue
        found = prove(str(case.path), baseline="baseline", candidate="guarded")
        save(results, found)
        if found.verdict == "fixed":
            settled.append(move_on(str(case.path), "fixed").id)
    return settled


def gated(folder: Path) -> dict[str, Any]:
    """Gate every version with the library, as CI does; return exit code and result by version.

    Raises:
        ConfigError: This unrepeat has no gate.
    """
    settle(folder)
    results = {}
    for version in VERSIONS:
        command = [str(Path(sys.executable).with_name("unrepeat")), "gate", "--candidate", version, "--json"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if b"No such command" in done.stderr:
            raise ConfigError("expected an unrepeat with the command `gate`, got one without it", where="--gate")
        results[version] = {"exit_code": done.returncode, "result": msgspec.json.decode(done.stdout or b"null")}
    return results


def _first(folder: Path, each: int) -> list[Path]:
    found = [case.path for case in list_cases(folder / "incidents")]
    kinds = [[path for path in found if path.name.startswith(prefix)] for prefix in ("inc-", "near-")]
    return [path for paths in kinds for path in (paths if each < 0 else paths[:each])]


def _calls(trace: Trace) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for _, call in trace.views(ToolCall) if call.stage == "executed"]
