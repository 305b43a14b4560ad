"""A gate as Markdown: a comment on a pull request, kept as one by its marker, or the summary of a CI job.

Each incident with its step, cause and owner. No trace text, no title (an import may have made it of what a user
asked); what people wrote is encoded, so that it cannot become a link, a mention, a picture or markup.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ..scorers.gate_result import Effect, GatedCase, GateResult
from .gate_words import name_of_step
from .text import inline
from .words import count

MARKER = "<!-- unrepeat gate -->"
"""First line of the comment: whoever posts it looks for this and replaces the comment it stands in."""
MOST_ROWS = 200
"""Rows of a table; GitHub takes 65,536 characters in a comment."""

_HEADLINE = {0: "✅ passed", 1: "❌ blocked", 10: "✋ held: a person must decide"}
_ORDER: tuple[Effect, ...] = ("fail", "hold", "reported", "pass")
_MARK: dict[Effect, str] = {"fail": "❌", "hold": "✋", "reported": "·", "pass": "✅"}
_PLAIN = re.compile(r"[^A-Za-z0-9 ,;()%/‘’“”…–·]")
_MENTION = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9_.-]{1,100})?")


def to_markdown(result: GateResult) -> str:
    """Return a gate's result as GitHub-flavoured Markdown, with ``MARKER`` as its first line."""
    headline = _HEADLINE.get(result.exit_code, "❌ did not finish")
    lines = [MARKER, f"### unrepeat gate: {headline}", "", _text(result.reason), ""]
    lines += _table(result)
    lines += _problems(result)
    lines += [_footer(result), ""]
    return "\n".join(lines)


def _table(result: GateResult) -> Iterator[str]:
    if not result.cases:
        return
    ordered = sorted(result.cases, key=lambda case: (_ORDER.index(case.effect), case.case_id))
    shown = [case for case in ordered if case.effect != "pass"] or ordered
    yield "| | incident | verdict | where | cause | ask |"
    yield "|---|---|---|---|---|---|"
    yield from map(_row, shown[:MOST_ROWS])
    yield ""
    for case in shown[:MOST_ROWS]:
        if case.effect in ("fail", "hold"):
            yield f"- {_code(case.case_id)}: {_text(case.reason)}" + _next(case)
    counts = Counter(case.effect for case in ordered)
    told = ", ".join(f"{counts[effect]} {_WORD[effect]}" for effect in _ORDER if counts[effect])
    left = f" The table shows {MOST_ROWS} of {len(shown)}." if len(shown) > MOST_ROWS else ""
    yield from ("", f"{count(len(ordered), 'case')}: {told}.{left}", "")


_WORD: dict[Effect, str] = {"fail": "failed", "hold": "held", "reported": "reported only", "pass": "passed"}


def _row(case: GatedCase) -> str:
    scope = f" · {case.scope}" if case.scope else ""
    verdict = _text(f"{case.verdict or case.rule}{scope}".replace("_", " "))
    cells = (
        _MARK[case.effect],
        _code(case.case_id),
        verdict,
        _text(name_of_step(case)),
        _text(case.cause),
        _owner(case),
    )
    return f"| {' | '.join(cells)} |"


def _next(case: GatedCase) -> str:
    return f". Next: {_code(case.next_command)}" if case.next_command else ""


def _problems(result: GateResult) -> Iterator[str]:
    for problem in result.problems:
        yield f"- {_MARK[problem.effect]} {_code(problem.where)}: {_text(problem.reason)} ({_text(problem.rule)})"
    if result.problems:
        yield ""


def _footer(result: GateResult) -> str:
    facts = [f"claim {result.claim.replace('_', ' ')}", f"exit code {result.exit_code}"]
    facts += [f"candidate {result.candidate}"] if result.candidate else []
    facts += [f"system {result.candidate_sha256[:12]}"] if result.candidate_sha256 else []
    facts += [f"policy {result.policy_sha256[:12]}"] if result.policy_sha256 else []
    facts += [f"base {result.base}"] if result.base else []
    return f"<sub>{_text(' · '.join(facts))}</sub>"


def _owner(case: GatedCase) -> str:
    """Return whom to ask: a handle is left to be a mention, a name is only text."""
    return case.owner if _MENTION.fullmatch(case.owner) else _text(case.owner)


def _text(text: str) -> str:
    """Return words in which nothing is markup: each character that could be is a numeric entity.

    A mention and a bare link are found after entities are read, so an empty comment splits them.
    """
    return _PLAIN.sub(_entity, inline(text))


def _entity(found: re.Match[str]) -> str:
    char = found[0]
    return f"&#{ord(char)};" + ("<!-- -->" if char in "@:#." else "")


def _code(text: str) -> str:
    """Return words in a code span, in which nothing is a link or a mention."""
    return f"<code>{''.join(f'&#{ord(char)};' if _PLAIN.match(char) else char for char in inline(text))}</code>"
