"""Makes a case library of 200 recorded AgentDojo runs, and judges versions of an assistant with it.

    python -m examples.agentdojo.library FOLDER [--prove N] [--gate] [--json]

FOLDER must not exist. It gets `incidents/` (100 attacks carried out, 50 that fell short of their goal), `references/`
(50 benign runs that a fix must not break), `versions/` (baseline, guarded, guarded with one regression) and
`unrepeat.toml`.
Exit code 0: done. 2: the runs or the package agentdojo are missing, or FOLDER is there already.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from unrepeat.cases.custody import Act
from unrepeat.cases.errors import ConfigError, UnrepeatError
from unrepeat.cases.files import new_folder
from unrepeat.cases.library import create
from unrepeat.cases.messages import to_openai
from unrepeat.cases.readers import read_traces
from unrepeat.cases.trace import ModelCall, Trace, TraceDocument
from unrepeat.cases.trace_file import encode
from unrepeat.harness.version import VERSION
from unrepeat.scorers.registry import score_trace

from .corpus import Run, archive, files
from .environments import fresh_environment, require_agentdojo
from .failures import assertions_for, attempts_for, compiled
from .guards import records_of
from .library_checks import gated, proven, references_held
from .replaying import red
from .selection import Choice, chosen

_HERE = Path(__file__).parent
_MADE = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
"""The same for every library, so that two of them are equal byte by byte."""
_TOML = """[systems.assistant]
python = "assistant.app:handle"
boundaries.model = ["assistant.model:complete"]
boundaries.tool = ["assistant.tools:run(name, arguments)"]
components.guard = ["assistant/guard.py"]
paths = [".", "versions/guarded"]

[systems.assistant.versions]
baseline = "versions/baseline"
guarded = "versions/guarded"
broken = "versions/broken"
"""
_REGRESSION = ('if tool == "update_password" and ', 'if tool == "change_password" and ')
"""What is planted in the broken version: the password is no longer looked after, because a tool is misnamed."""


def build(folder: Path, choices: list[Choice]) -> Counter[str]:
    """Write the library: complete, or not at all.

    Args:
        folder: The new folder.
        choices: The runs that go into it.

    Returns:
        How many of each part.

    Raises:
        ConfigError: The folder is there already.
    """
    if folder.exists():
        raise _is_there(folder)
    counts: Counter[str] = Counter()
    with new_folder(folder) as building:
        _write_versions(building)
        (building / "unrepeat.toml").write_text(_TOML)
        for choice in choices:
            counts[choice.part] += 1
            _write(building, choice, counts[choice.part])
    return counts


def _write(folder: Path, choice: Choice, number: int) -> None:
    run = Run.read(choice.name, choice.text)
    trace, given = _trace_and_input(folder, run)
    document = TraceDocument(traces=(trace,))
    if choice.part == "reference":
        place = folder / "references" / f"ref-{number:03d}-{run.suite}"
        place.mkdir(parents=True)
        (place / "trace.json").write_bytes(encode(document))
        (place / "input.json").write_bytes(msgspec.json.encode(given))
        return
    name = f"{'inc' if choice.part == 'incident' else 'near'}-{number:03d}-{run.suite}"
    reason = "public benchmark, nothing to redact"
    act = Act(who="examples/agentdojo", at=_MADE, tool=f"unrepeat {VERSION}", reason=reason)
    evidence: dict[str, bytes | Path] = {"run.json": choice.text}
    create(folder / "incidents" / name, _case_text(name, choice, run, trace, given), document, evidence, act)


def _trace_and_input(folder: Path, run: Run) -> tuple[Trace, dict[str, Any]]:
    """Return the trace of a run and what the assistant is given to drive it again."""
    path = folder / "run.json"
    path.write_bytes(run.text)
    (trace,) = read_traces(path, format="agentdojo")
    path.unlink()
    call: ModelCall = next(view for _, view in trace.views(ModelCall))
    given = {
        "model_name": call.request_model,
        "messages": [to_openai(message) for message in trace.inputs(call)],
        "suite": run.suite,
        "records": records_of(run.suite, fresh_environment(run)),
    }
    return trace, given


def _case_text(name: str, choice: Choice, run: Run, trace: Trace, given: dict[str, Any]) -> str:
    """Return case.yaml as JSON, which is YAML: the texts in it are the benchmark's."""
    goal, task = str(run.record["injection_task_id"]), str(run.record["user_task_id"])
    near = choice.part == "near_miss"
    words = "attempted" if near else "carried out"
    case = {
        "format": 1,
        "id": name,
        "title": f"{goal} {words} in {run.suite} during {task} ({choice.name.split('/')[0]})",
        "assert": _broken(attempts_for(run.suite, goal), trace) if near else assertions_for(run.suite, goal),
        "kind": choice.part,
        "status": "open",
        "system": "assistant",
        "failure": {"category": "prompt_injection"},
        **({"barrier": "chance"} if near else {}),
        "replay": {"preset": "code-change", "input": given},
    }
    return json.dumps(case, indent=2, ensure_ascii=False) + "\n"


def _broken(entries: list[Any], trace: Trace) -> list[Any]:
    """Return the assertions that a recording breaks: one it keeps would stay undecided once a guard has refused."""
    return [entry for entry in entries if red(score_trace(compiled([entry]), trace))]


def _write_versions(folder: Path) -> None:
    rules = (_HERE / "rules.py").read_text()
    good, bad = _REGRESSION
    if rules.count(good) != 1:
        raise ValueError(f"expected one place for the planted regression, got {rules.count(good)}")
    for name, guard in (("baseline", None), ("guarded", rules), ("broken", rules.replace(good, bad))):
        package = folder / "versions" / name / "assistant"
        shutil.copytree(_HERE / "assistant", package, ignore=shutil.ignore_patterns("__pycache__"))
        if guard is not None:
            (package / "guard.py").write_text(guard)


def _is_there(folder: Path) -> ConfigError:
    return ConfigError("expected a folder that does not exist yet, got one that does", where=str(folder))


def _options() -> argparse.Namespace:
    about, usage = (__doc__ or "").split("\n\n")[:2]
    parser = argparse.ArgumentParser(
        description=about, epilog=usage.strip(), prog="python -m examples.agentdojo.library"
    )
    parser.add_argument("folder", type=Path, help="the new folder")
    parser.add_argument(
        "--prove", type=int, default=0, metavar="N", help="judge so many cases of each kind; -1 for all"
    )
    parser.add_argument("--gate", action="store_true", help="gate the three versions with the library")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> int:
    """Run the command and return its exit code."""
    options = _options()
    try:
        require_agentdojo()
        if options.folder.exists():
            raise _is_there(options.folder)  # before the archive is read
        summary: dict[str, Any] = {"parts": dict(build(options.folder, chosen(files(archive()))))}
        if options.prove:
            summary["proven"] = proven(options.folder, options.prove)
            summary["references"] = references_held(options.folder, "guarded", options.prove)
        if options.gate:
            summary["gate"] = gated(options.folder)
    except UnrepeatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(summary, indent=None if options.json else 2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
