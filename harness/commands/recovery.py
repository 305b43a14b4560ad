"""``unrepeat recovery``: make the report that business and risk owners decide on."""

from __future__ import annotations

from pathlib import Path

import click

from ..output import json_option, print_json


@click.command(
    "recovery",
    short_help="Make the report that approvers of a recovery decide on.",
    epilog="\b\nExamples:\n  unrepeat recovery inc-2026-0007 --author dana@example.org\n"
    "  unrepeat recovery inc-2026-0007 inc-2026-0009 --author dana@example.org --environment staging",
)
@click.argument("cases", nargs=-1, required=True, metavar="CASE...")
@click.option(
    "--author", "authors", multiple=True, metavar="NAME|ADDRESS", help="Who made the fix; they may not approve it."
)
@click.option("--environment", default="", help="What goes back to normal; by default that of [signoff].")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The folder to make; below recoveries by default."
)
@json_option
def command(cases: tuple[str, ...], authors: tuple[str, ...], environment: str, out: Path | None, as_json: bool) -> int:
    """Assemble a recovery report of CASEs (ids or folders), as canonical JSON and as a page made from it.

    Each case must be proven fixed as it is, all of them on the same system: run `unrepeat prove` first. The report is
    noted in the custody log of each case. Facts that the severity demands and nobody has stated are listed in it.
    """
    from ...reports.text import inline
    from ..recovering import recover

    made = recover(cases, authors=authors, environment=environment, out=out)
    report = made.report
    if as_json:
        print_json(
            {
                "report_id": report.report_id,
                "epoch": report.epoch,
                "sha256": made.sha256,
                "json": str(made.path),
                "page": str(made.page),
                "severity": report.severity,
                "required_roles": report.required_roles,
                "validations": report.validations,
                "missing": report.missing,
            }
        )
        return 0
    click.echo(f"{report.report_id}  (digest {made.sha256[:12]})")
    for each in report.validations:
        click.echo(f"  {each.kind.replace('_', ' '):<13} {each.state}")
    for fact in report.missing:
        click.echo(f"  missing fact  {inline(f'{fact.case_id} {fact.key}: {fact.reason}'.strip())}")
    click.echo(f"page  {made.page}\njson  {made.path}")
    if report.missing:
        click.echo("next  supply the missing facts and make the report again: it cannot be approved like this")
    else:
        click.echo(f"next  $ unrepeat sign {report.report_id} --role {report.required_roles[0]} --key KEY")
    return 0
