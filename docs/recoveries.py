"""The page of recovery.json and of the signatures beside it, for ``docs.generate``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import msgspec
from docs.results import fields_of, first_sentence

from unrepeat.harness import sign_off
from unrepeat.harness.required_facts import REQUIRED
from unrepeat.reports.attestation import NAMESPACE, PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, SUBJECTS, Predicate
from unrepeat.scorers.recovery import (
    AssertionResult,
    EarlierDecision,
    Known,
    MissingFact,
    RecoveredCase,
    RecoveryReport,
    Subject,
    TraceResult,
)
from unrepeat.scorers.validations import KINDS, Validation

STRUCTS: tuple[type[msgspec.Struct], ...] = (
    RecoveryReport,
    Validation,
    Known,
    MissingFact,
    EarlierDecision,
    RecoveredCase,
    AssertionResult,
    TraceResult,
    Subject,
)


_ABOUT = """
`unrepeat recovery` writes `recovery.json`, and `recovery.html` made from it, into a folder below `recoveries`;
`unrepeat sign` adds one file for each decision under `signatures/`. Commit the folder. How to use it stands in
[approve a recovery](../how-to/approve-a-recovery.md). The report holds text of the trace: treat it like the trace.

Both are canonical JSON (RFC 8785): keys sorted, no white space, no newline at the end. Integers beyond ±(2^53−1)
are written as decimal strings. A report or an envelope in any other form is refused.
"""
_DEMANDED = """
Keys of case.yaml without which a report cannot be approved. A case without a severity needs all of them, and one.
Every severity needs an author of the fix (`unrepeat recovery --author`), who may not approve it.
"""


def _words(names: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


_ENVELOPE = f"""
One DSSE envelope a decision, with one signature. `payloadType` is `{PAYLOAD_TYPE}`;
the payload is an in-toto Statement (`{STATEMENT_TYPE}`) with `predicateType`
`{PREDICATE_TYPE}` and the subjects {_words(SUBJECTS)},
each with its SHA-256. The signature is an SSHSIG in the namespace `{NAMESPACE}`, base64 of its binary form, over
the pre-authentication encoding of DSSE v1. `keyid` is the fingerprint of the key, a hint only.
"""


def recoveries_page(note: str) -> str:
    """Return the page.

    Args:
        note: The comment that says that the page is generated.
    """
    rules = inspect.cleandoc(sign_off.__doc__ or "").replace("``", "`").split("\n\n", 1)[1]
    lines = ["# recovery.json and its signatures", "", note, ""]
    lines += [*_ABOUT.strip().splitlines(), ""]
    lines += [
        "## The rules of sign-off",
        "",
        *rules.splitlines(),
        "",
        "## Facts that each severity demands",
        "",
        *_DEMANDED.strip().splitlines(),
        "",
        "| key | says | needed from |",
        "|---|---|---|",
        *_facts(),
        "",
        "## What validates what",
        "",
        "`tested` needs an assertion of one of these types, and every score of one decided and passed on the",
        "candidate.",
        "",
        "| validation | types of assertion |",
        "|---|---|",
        *(f"| {kind.replace('_', ' ')} | {_words(types)} |" for kind, types in KINDS.items()),
        "",
        "Some of these types belong to later versions.",
        "",
        "## The envelope",
        "",
        *_ENVELOPE.strip().splitlines(),
        "",
        "## Predicate",
        "",
        first_sentence(Predicate),
        "",
        *fields_of(Predicate),
    ]
    for struct in STRUCTS:
        lines += ["", f"## {struct.__name__}", "", first_sentence(struct), "", *fields_of(struct)]
    return "\n".join(lines) + "\n"


def _facts() -> list[str]:
    first: dict[str, str] = {}
    for severity, facts in REQUIRED.items():
        for key in facts:
            first.setdefault(key, severity)
    words = {key: said for facts in REQUIRED.values() for key, said in facts.items()}
    return [f"| `{key}` | {words[key]} | {severity} |" for key, severity in first.items()]
