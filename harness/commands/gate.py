"""``unrepeat gate``: block a deploy that brings an incident back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ..options import overrides, require_isolation_option
from ..output import console, json_option, print_json, progress

OUTPUT = click.Path(dir_okay=False, path_type=Path)

if TYPE_CHECKING:
    from ...replayers.isolation.levels import Level
    from ...scorers.gate_result import Claim, GateResult


@click.command(
    "gate",
    short_help="Judge all cases at once and block what brings one back.",
    epilog="\b\nExamples:\n  unrepeat gate\n"
    "  unrepeat gate --base origin/main --junit gate.xml --github\n"
    "  unrepeat gate inc-2026-0007 --claim fixed --candidate ../fix",
)
@click.argument("cases", nargs=-1, metavar="[DIR|CASE...]")
@click.option("--base", metavar="REV", help="The git revision whose policy, case ids and assertions hold.")
@click.option(
    "--claim",
    type=click.Choice(["no-regression", "fixed", "recovered"]),
    help="What passing is to mean; by default what the policy says.",
)
@click.option("--candidate", metavar="NAME|DIR|URL", help="The version to judge; the working tree by default.")
@click.option(
    "--set", "components", multiple=True, metavar="COMPONENT=FILE|VALUE", help="Replace a component of the candidate."
)
@click.option("--model", metavar="PROVIDER/NAME", help="A live model for what no recording can judge (extra `live`).")
@click.option(
    "-n", "trials", type=click.IntRange(1, 10_000), help="Most live trials a case; by default what the claim asks for."
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first case that fails.")
@click.option("--resume", is_flag=True, help="Go on with the last run that was interrupted, given the same options.")
@click.option("--junit", type=OUTPUT, metavar="FILE", help="Write JUnit XML, one test case an incident.")
@click.option("--markdown", type=OUTPUT, metavar="FILE", help="Write a comment for a pull request; no trace text.")
@click.option("--github", is_flag=True, help="Annotate a GitHub run, and add to the summary of its job.")
@click.option("--details", is_flag=True, help="Show the verdicts' own reasons, which may hold text of traces.")
@require_isolation_option
@json_option
def command(
    cases: tuple[str, ...],
    base: str | None,
    claim: str | None,
    candidate: str | None,
    components: tuple[str, ...],
    model: str | None,
    trials: int | None,
    fail_fast: bool,
    resume: bool,
    junit: Path | None,
    markdown: Path | None,
    github: bool,
    details: bool,
    require_isolation: str | None,
    as_json: bool,
) -> int:
    """Judge every case of the project, those of a folder, or those named, by the policy in `[gate]` of unrepeat.toml.

    Exit code 0: passed. 1: something fails, or nothing was judged. 2: the verdicts could not be produced. 10: held, a
    person must decide. 130: interrupted; what was finished is kept.
    """
    from ..gate_forms import Forms
    from ..gating import GateRequest, run_gate

    forms = Forms(junit, markdown, github=github)
    forms.require_places()
    request = GateRequest(
        cases=cases,
        base=base,
        claim=cast("Claim", claim.replace("-", "_")) if claim else None,
        candidate=candidate,
        components=overrides(components),
        model=model,
        trials=trials,
        fail_fast=fail_fast,
        resume=resume,
        isolation=cast("Level | None", require_isolation),
    )
    with progress() as tell:
        gated = run_gate(request, progress=tell)
    _write(gated.result, as_json=as_json, details=details)
    forms.write(gated, err=as_json)
    if not as_json:
        click.echo(f"\nresult: {gated.path}", err=True)
    return gated.result.exit_code


def _write(result: GateResult, *, as_json: bool, details: bool) -> None:
    from ..gating import without_details

    if as_json:
        print_json(result if details else without_details(result))
    else:
        from ...reports.terminal import render_gate

        render_gate(result, console(), details=details)
