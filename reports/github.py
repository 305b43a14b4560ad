"""What a gate tells a GitHub runner: one annotation a case, in workflow commands.

These lines are the only ones the project prints that a runner obeys. What stands in them is escaped as the runner's
own toolkit does it, and holds no trace text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..scorers.gate_result import Effect, GatedCase, GateResult
from .gate_words import words_of_case
from .text import inline

_COMMAND: dict[Effect, str] = {"fail": "error", "hold": "warning", "reported": "notice"}


def to_annotations(result: GateResult, file_of: Callable[[str], str]) -> str:
    """Return the workflow commands of a gate, one a line; empty when everything passed.

    Args:
        result: What the gate said.
        file_of: The case.yaml of a case id, relative to the root of the repository, with forward slashes.
    """
    lines = [*_of_cases(result, file_of), *_of_problems(result)]
    if result.exit_code and not any(line.startswith(("::error", "::warning")) for line in lines):
        lines.append(_line("error" if result.exit_code == 1 else "warning", result.reason, title="unrepeat gate"))
    return "".join(f"{line}\n" for line in lines)


def _of_cases(result: GateResult, file_of: Callable[[str], str]) -> Iterator[str]:
    for case in result.cases:
        if case.effect != "pass":
            yield _line(_COMMAND[case.effect], words_of_case(case), title=_title(case), file=file_of(case.case_id))


def _title(case: GatedCase) -> str:
    return f"{case.case_id}: {case.verdict or case.rule}".replace("_", " ")


def _of_problems(result: GateResult) -> Iterator[str]:
    for problem in result.problems:
        if problem.effect != "pass":
            yield _line(_COMMAND[problem.effect], f"{problem.where}: {problem.reason}", title=problem.rule)


def _line(command: str, message: str, **properties: str) -> str:
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{command} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return inline(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
