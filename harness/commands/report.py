"""``unrepeat report``: one self-contained page and its JSON."""

from __future__ import annotations

from pathlib import Path

import click

from ..output import json_option, print_json


@click.command(
    "report",
    short_help="Write the page and the JSON of a result.",
    epilog="\b\nExample:\n  unrepeat report inc-2026-0007 --out report.html",
)
@click.argument("case")
@click.option("--out", type=click.Path(path_type=Path), help="The page; beside the result by default.")
@json_option
def command(case: str, out: Path | None, as_json: bool) -> int:
    """Write the newest result of CASE (an id, a folder, or a result.json) as one HTML page and one JSON file."""
    from ..api import report, status_of

    written = report(case, out=out)
    if as_json:
        print_json({"page": str(written.page), "json": str(written.json)})
    else:
        click.echo(f"page  {written.page}\njson  {written.json}")
        if written.verdict.verdict == "fixed" and status_of(written.verdict) == "open":
            click.echo(f"next  $ unrepeat status {written.verdict.case_id} fixed")
    return 0
