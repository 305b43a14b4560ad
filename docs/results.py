"""The page of result.json, for ``docs.generate``: the structs it is made of, with the docstrings of their fields."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import get_args

import msgspec

from unrepeat.replayers.replay import (
    BoundaryEvent,
    BoundaryKind,
    Coverage,
    Divergence,
    FieldDifference,
    Grade,
    Match,
    Mode,
    Outcome,
    Replay,
    Version,
)
from unrepeat.replayers.usage import Estimate, Usage
from unrepeat.scorers.score import Scope, Score, ScorerFailure, Violation
from unrepeat.scorers.verdict import CaseVerdict, JudgedReplay, Rate, Settlement, TraceVerdict, VerdictWord

STRUCTS: tuple[type[msgspec.Struct], ...] = (
    CaseVerdict,
    TraceVerdict,
    JudgedReplay,
    Replay,
    BoundaryEvent,
    Divergence,
    FieldDifference,
    Coverage,
    Score,
    ScorerFailure,
    Violation,
    Rate,
    Settlement,
    Estimate,
    Usage,
    Version,
)

WORDS = {
    "VerdictWord": VerdictWord,
    "Scope": Scope,
    "Outcome": Outcome,
    "Grade": Grade,
    "Match": Match,
    "Mode": Mode,
    "BoundaryKind": BoundaryKind,
}
"""The closed lists of words that the fields above use."""


def results_page(note: str) -> str:
    """Return the page.

    Args:
        note: The comment that says that the page is generated.
    """
    lines = ["# result.json", "", note, ""]
    lines += [
        "`unrepeat prove` writes one for each run, under `.unrepeat/results/CASE/RUN/result.json`; `--json` prints"
    ]
    lines += ["the same document. `unrepeat report` writes it again beside the page. The JSON Schema is printed by"]
    lines += ["`unrepeat schema result`. The page and the file hold text of the trace: treat them like the trace.", ""]
    lines += [
        "The document is a [CaseVerdict](#caseverdict). Fields that have their default are left out, except `format`."
    ]
    lines += ["Traces are those of `trace.json`; their schema is printed by `unrepeat schema trace`."]
    for struct in STRUCTS:
        lines += ["", f"## {struct.__name__}", "", first_sentence(struct), "", *fields_of(struct)]
    lines += ["", "## Words", "", "| type | one of |", "|---|---|"]
    for name, words in WORDS.items():
        lines.append(f"| `{name}` | {', '.join(f'`{each}`' for each in get_args(words) if each)} |")
    return "\n".join(lines) + "\n"


def first_sentence(struct: type[msgspec.Struct]) -> str:
    """Return what a struct is, in a sentence."""
    return " ".join(inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0].replace("``", "`").split())


def fields_of(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the table of a struct's fields."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    yield from ("| field | type | meaning |", "|---|---|---|")
    for number, field in enumerate(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            meaning = _docstring(statements[number + 1 : number + 2])
            yield f"| `{field.target.id}` | `{_type(ast.unparse(field.annotation))}` | {meaning} |"


def _docstring(below: list[ast.stmt]) -> str:
    for each in below:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
            return " ".join(each.value.value.replace("``", "`").split()).replace("|", "\\|")
    return ""


def _type(annotation: str) -> str:
    return annotation.replace(" | ", " or ").replace(", ...]", ", …]")
