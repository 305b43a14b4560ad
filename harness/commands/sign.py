"""``unrepeat sign``: decide about a recovery, with an SSH key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..output import json_option, print_json

if TYPE_CHECKING:
    from ...reports.attestation import DecisionWord
    from ..signing import Draft

_DECISIONS = ("approve", "approve-with-conditions", "reject", "revoke")


@click.command(
    "sign",
    short_help="Approve or reject a recovery with an SSH key.",
    epilog="\b\nExamples:\n  unrepeat sign inc-2026-0007-production-1 --role risk --key ~/.ssh/id_ed25519\n"
    "  unrepeat sign inc-2026-0007-production-1 --role risk --key ~/.ssh/id_ed25519 --decision reject"
    " --reason 'no monitoring yet'",
)
@click.argument("report")
@click.option("--role", required=True, help="The role you sign in: engineering, business, risk, or one of your policy.")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A private key, or the public key of one in the SSH agent.",
)
@click.option(
    "--decision", type=click.Choice(_DECISIONS), default="approve", show_default=True, help="What you decide."
)
@click.option("--reason", default="", help="Why; needed to reject or revoke.")
@click.option("--condition", "conditions", multiple=True, metavar="TEXT", help="A condition of the approval.")
@click.option(
    "--expires", default="", metavar="DATE|30d", help="When the approval ends; by default validity_days from now."
)
@click.option("--as", "principal", default="", metavar="PRINCIPAL", help="Who signs; by default whose key it is.")
@click.option(
    "--supersedes",
    multiple=True,
    metavar="DIGEST|FILE",
    help="An earlier rejection or revocation of yours that this replaces.",
)
@json_option
def command(
    report: str,
    role: str,
    key: Path,
    decision: DecisionWord,
    reason: str,
    conditions: tuple[str, ...],
    expires: str,
    principal: str,
    supersedes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Sign a decision about REPORT (its id, folder or recovery.json) and store it beside the report.

    What is signed, and the short digest to compare with the page, is shown first; at a terminal you are asked. The
    decision is noted in the custody log of each case.
    """
    from ..signing import SignRequest, complete, draft

    request = SignRequest(
        report=report,
        role=role,
        key=key.expanduser(),
        decision=decision,
        reason=reason,
        conditions=conditions,
        expires=expires,
        principal=principal,
        supersedes=supersedes,
    )
    prepared = draft(request)
    _show(prepared)
    if sys.stdin.isatty() and not as_json:
        click.confirm("Sign this?", abort=True, err=True)
    signed = complete(prepared)
    if as_json:
        print_json({"envelope": str(signed.envelope), "sha256": signed.sha256, "predicate": signed.said})
        return 0
    usual = prepared.authority.policy.environment == signed.said.environment
    option = "" if usual else f" --environment {signed.said.environment}"
    click.echo(f"signed  {signed.envelope}\nnext    $ unrepeat verify {signed.said.report_id}{option}")
    return 0


def _show(prepared: Draft) -> None:
    """Print what is about to be signed, on standard error."""
    from ...reports.text import inline

    said, report = prepared.said, prepared.file.report
    rows = [
        ("report", f"{report.report_id}, digest {prepared.short_digest}"),
        ("decision", f"{said.decision} as {said.approver.role}, by {said.approver.principal}"),
        ("about", f"{report.asked} ({said.severity} severity, epoch {said.epoch})"),
        ("system", f"{report.system.label} {report.system.sha256[:12]}"),
        *(("residual risk", f"{case}: {text}") for case, text in said.residual_risk.items()),
        *(("restriction", f"{case}: {text}") for case, texts in said.restrictions.items() for text in texts),
        *(("condition", text) for text in said.conditions),
        *((("reason", said.reason),) if said.reason else ()),
        *(("supersedes", digest[:12]) for digest in said.supersedes),
        ("until", said.expires_at or "superseded"),
    ]
    for name, text in rows:
        click.echo(f"  {name:<13}  {inline(text)}", err=True)
