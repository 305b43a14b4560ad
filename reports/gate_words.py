"""A gated case in words for logs and comments: incident, step, cause, owner, and nothing out of a trace."""

from __future__ import annotations

from ..scorers.gate_result import GatedCase, loggable


def name_of_step(case: GatedCase) -> str:
    """Return the step that shows the failure, such as ``step 5, tool update_address``; empty where there is none.

    A name that is no identifier may be anybody's text, and is left out.
    """
    step = case.step
    if step is None:
        return ""
    name = loggable(step.name)
    return f"step {step.seq}, {step.kind}" + (f" {name}" if name != "?" else "")


def words_of_case(case: GatedCase) -> str:
    """Return a case in one sentence: why, where, cause, whom to ask, what to type."""
    parts = [case.reason.rstrip(".")]
    parts += [name_of_step(case)] if case.step and f"step {case.step.seq}" not in case.reason else []
    parts += [f"cause: {case.cause}"] if case.cause else []
    parts += [f"ask {case.owner}"] if case.owner else []
    parts += [f"next: {case.next_command}"] if case.next_command else []
    return "; ".join(parts)
