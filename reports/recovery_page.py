"""The page of a recovery report, made from its JSON and nothing else: what approvers read is what they sign."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from markupsafe import Markup

from ..scorers.recovery import RecoveredCase, RecoveryReport
from .html import asset, content_hash, environment

KINDS = {
    "output": "Output",
    "data_flow": "Data flow",
    "access": "Access",
    "integrations": "Integrations",
    "human_review": "Human review",
}
GLYPHS = {"tested": "✓", "failed": "✗", "not tested": "?", "not applicable": "–"}
MARKS = {"pass": "holds", "fail": "fails", "undecided": "undecided", "crashed": "crashed", "absent": "not scored"}
TIMES = ("occurred", "detected", "reported", "contained", "remediated", "recovered")
ORIGINS = {
    "replayed": "shown by a run",
    "observed": "in the recording",
    "inferred": "derived",
    "stated": "stated by people",
    "absent": "not known",
}


def render_recovery(data: bytes) -> str:
    """Return the HTML page of a report.

    Args:
        data: The canonical JSON of the report.

    Returns:
        A complete document. It loads nothing and holds no script.
    """
    report = msgspec.json.decode(data, type=RecoveryReport)
    digest = hashlib.sha256(data).hexdigest()
    style = asset("page.css") + asset("recovery.css")
    policy = f"default-src 'none'; style-src '{content_hash(style)}'; base-uri 'none'; form-action 'none'"
    page = (
        environment()
        .get_template("recovery.html")
        .render(
            report=report,
            digest=digest,
            chunks=[digest[start : start + 4] for start in range(0, 12, 4)],
            state="incomplete" if report.missing or _unproven(report) else "asked",
            style=Markup(style),
            policy=policy,
            severities=list(map(_severity, report.cases)),
            open_actions=list(_open_actions(report)),
            KINDS=KINDS,
            GLYPHS=GLYPHS,
            MARKS=MARKS,
            TIMES=TIMES,
            ORIGINS=ORIGINS,
        )
    )
    return page + "\n"


def _unproven(report: RecoveryReport) -> bool:
    return any(each.verdict != "fixed" for each in report.cases) or any(
        each.state == "failed" for each in report.validations
    )


def _severity(case: RecoveredCase) -> list[tuple[str, str]]:
    """Return the severity factors of a case as words."""
    factors: dict[str, Any] = case.stated.get("severity_factors") or {}
    return [(name.replace("_", " "), str(value).replace("_", " ")) for name, value in factors.items()]


def _open_actions(report: RecoveryReport) -> Iterator[tuple[str, dict[str, Any]]]:
    for case in report.cases:
        for action in case.stated.get("actions") or ():
            if action.get("status", "open") in ("open", "in_progress"):
                yield case.case_id, action
