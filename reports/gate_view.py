"""What a gate said, in a terminal: one line a case, what blocks with its step and next command, the headline.

No text of a trace is shown unless asked for: terminals of CI systems are read by more people than traces are.
"""

from __future__ import annotations

from ..scorers.gate_result import Effect, GatedCase, GateProblem, GateResult
from .screen import Part, Screen
from .words import count, duration, verdict_label

EXIT_MEANINGS = {
    0: "pass",
    1: "fail: a case or the policy blocks",
    10: "held: a person must decide",
    130: "interrupted: the same command with --resume goes on",
}
_STYLES: dict[Effect, str] = {"pass": "green", "fail": "red", "hold": "yellow", "reported": "dim"}
_HEADLINES = {0: "green", 10: "yellow"}
_INDENT = 4


def render(screen: Screen, result: GateResult, *, details: bool = False) -> None:
    """Print the result of a gate.

    Args:
        screen: Where to print.
        result: What the gate said.
        details: Whether to show the verdicts' own reasons too, which may hold text of traces.
    """
    _heading(screen, result)
    _table(screen, result.cases)
    for case in result.cases:
        if case.effect != "pass" and (details or case.effect != "reported"):
            screen.gap()
            _case(screen, case, details=details)
    _promotions(screen, result.cases)
    if result.problems:
        screen.gap()
        for problem in result.problems:
            _problem(screen, problem)
    style = f"bold {_HEADLINES.get(result.exit_code, 'red')}"
    screen.gap()
    screen.rule(style=style)
    screen.paragraph(result.reason, style=style)
    screen.paragraph(
        f"exit code {result.exit_code} ({EXIT_MEANINGS.get(result.exit_code, 'no verdict')}), "
        f"{count(len(result.cases), 'case')}, {duration(result.duration_s)}",
        style="dim",
    )


def _heading(screen: Screen, result: GateResult) -> None:
    facts = [f"claim {result.claim.replace('_', ' ')}", f"{result.candidate} {result.candidate_sha256[:12]}".strip()]
    if result.base:
        facts.append(f"base {result.base}")
    screen.line(("GATE  ", "bold"), (screen.data(f" {screen.glyphs.bullet} ".join(filter(None, facts)), 110), "dim"))


def _table(screen: Screen, cases: tuple[GatedCase, ...]) -> None:
    words = {case.case_id: _verdict(screen, case) for case in cases}
    ids = min(max((len(case.case_id) for case in cases), default=0), 40)
    verdicts = max(map(len, words.values()), default=0)
    rules = max((len(case.rule) for case in cases), default=0)
    for case in cases:
        screen.line(
            (f"{_mark(screen, case.effect)} ", _STYLES[case.effect]),
            (screen.data(case.case_id, ids).ljust(ids + 2), "bold"),
            (words[case.case_id].ljust(verdicts + 2), ""),
            (case.rule.ljust(rules + 2), _STYLES[case.effect]),
            (screen.data(case.owner, 32), "dim"),
        )


def _verdict(screen: Screen, case: GatedCase) -> str:
    return screen.encodable(verdict_label(case.verdict, case.scope)) if case.verdict else "no verdict"


def _mark(screen: Screen, effect: Effect) -> str:
    glyphs = screen.glyphs
    marks = {"pass": glyphs.passed, "fail": glyphs.failed, "hold": glyphs.undecided, "reported": glyphs.bullet}
    return marks[effect]


def _case(screen: Screen, case: GatedCase, *, details: bool) -> None:
    mark: Part = (f"{_mark(screen, case.effect)} ", _STYLES[case.effect])
    title = screen.data(case.title, 120) if details else ""  # an import may have made it of what a user asked
    screen.line(mark, (screen.data(case.case_id, 64), "bold"), (f"  {title}", ""))
    screen.paragraph(case.reason, indent=_INDENT)
    facts = {
        "assertion": case.assertion,
        "step": f"{case.step.seq}, {case.step.kind} {case.step.name}" if case.step else "",
        "cause": case.cause,
        "ask": case.owner,
    }
    told = f" {screen.glyphs.bullet} ".join(f"{name}: {fact}" for name, fact in facts.items() if fact)
    if told:
        screen.paragraph(told, indent=_INDENT, style="dim")
    if details and case.detail:
        screen.paragraph(case.detail, indent=_INDENT)
    if case.next_command:
        screen.command(case.next_command, _INDENT)


def _promotions(screen: Screen, cases: tuple[GatedCase, ...]) -> None:
    ready = [case for case in cases if case.rule == "promote"]
    if ready:
        screen.gap()
        screen.paragraph(f"{count(len(ready), 'open case')} came out fixed and would block from now on with")
    for case in ready:
        screen.command(case.next_command, _INDENT)


def _problem(screen: Screen, problem: GateProblem) -> None:
    lead: list[Part] = [(f"{_mark(screen, problem.effect)} ", _STYLES[problem.effect]), (problem.rule, "bold")]
    screen.line(*lead, ("  ", ""), (screen.data(problem.where, 90), ""))
    screen.paragraph(problem.reason, indent=_INDENT)
