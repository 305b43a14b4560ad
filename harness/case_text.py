"""The text of a new case.yaml: what is known, and in comments what people are asked to add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..cases import strict_yaml
from ..cases.errors import CaseError
from ..cases.vocabulary import Kind
from ..reports.text import is_unseen, visible
from ..scorers.proposals import Proposal

SCHEMA_COMMENT = "# yaml-language-server: $schema={}"
SCHEMA_FILE = "../case.schema.json"
"""Where `unrepeat init` and `unrepeat import` put the schema, seen from a case folder."""

_ASKED = {
    "severity": "low, medium, high or critical",
    "failure": "{summary: …, category: tool_misuse, cause: {component: retrieval, status: hypothesis}}",
    "owners": "{engineering: …, business: …, risk: …}",
}
"""What people are asked to add, by key."""


def case_text(
    case_id: str,
    title: str,
    proposals: Sequence[Proposal],
    accepted: Sequence[int],
    *,
    system: str | None,
    kind: Kind = "incident",
    known: Mapping[str, tuple[Any, str]] | None = None,
    recorded: bool = True,
) -> str:
    """Return the text of a new case.

    Args:
        case_id: Id of the case.
        title: What happened, in one line.
        proposals: Assertions that are red on the recording.
        accepted: Indices of those a person accepted; the others stand in comments.
        system: Name of the system, where there is only one.
        kind: What kind of case it is.
        known: What else is known, by key of case.yaml: the value, and where it comes from, which becomes a comment.
        recorded: Whether the case has a recording to be red on.
    """
    known = known or {}
    lines = [
        SCHEMA_COMMENT.format(SCHEMA_FILE),
        "format: 1",
        f"id: {case_id}",
        f"title: {_scalar(title)}",
        "",
        "# The failure, stated as what must hold. At least one must be red on the recording."
        if recorded
        else "# The failure, stated as what must hold. There is no recording, so only live runs can show it.",
    ]
    lines += assertion_lines(proposals, accepted)
    lines += ["", f"kind: {kind} # incident, near_miss, security_event, quality_issue", "status: open"]
    lines += [f"system: {_scalar(system)}"] if system else ["# system: the system in unrepeat.toml that failed"]
    lines += [f"{key}: {flow(value)}{_remark(source)}" for key, (value, source) in known.items()]
    lines += [f"# {key}: {asked}" for key, asked in _ASKED.items() if key not in known]
    return "\n".join([*lines, ""])


def assertion_lines(proposals: Sequence[Proposal], accepted: Sequence[int]) -> list[str]:
    """Return the lines of ``assert``: what was accepted, and in comments what else is proposed."""
    chosen = [proposals[index] for index in accepted]
    others = [proposal for index, proposal in enumerate(proposals) if index not in set(accepted)]
    lines = ["assert:"] if chosen else ["assert: []"]
    for proposal in chosen:
        lines += [f"  # {_comment(proposal.why)}", f"  - {flow(proposal.assertion)}"]
    if others:
        lines += ["  # Proposed, red on the recording; take the `#` off what you accept" + _instead(chosen) + ":"]
    for proposal in others:
        lines += [f"  # {_comment(proposal.why)}", f"  # - {flow(proposal.assertion)}"]
    return lines


def _instead(chosen: Sequence[Proposal]) -> str:
    return "" if chosen else " (and the `[]` above)"


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, with escapes."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def flow(value: Any) -> str:
    """Return a value as YAML on one line, as it is easiest to read and still read back as the same value."""
    text = _dumped(value, yaml.SafeDumper, unicode=True)
    plain = not any(map(is_unseen, text)) and _reads_as(text, value)  # a line break would leave the comment it is in
    return text if plain else _dumped(value, _Quoting, unicode=False)


def _dumped(value: Any, dumper: type[yaml.SafeDumper], *, unicode: bool) -> str:
    text: str = yaml.dump(
        value, Dumper=dumper, default_flow_style=True, width=10**9, sort_keys=False, allow_unicode=unicode
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _reads_as(text: str, value: Any) -> bool:
    """Whether our reader, which is stricter than YAML about numbers and dates, reads the value back."""
    try:
        return bool(strict_yaml.parse(f"value: {text}".encode(), "") == {"value": value})
    except (CaseError, UnicodeEncodeError):
        return False


def _remark(text: str) -> str:
    return f" # {_comment(text)}" if text else ""


def _scalar(text: str) -> str:
    return flow(text)


def _comment(text: str) -> str:
    """Return a text that stays inside of its comment."""
    return visible(text)
