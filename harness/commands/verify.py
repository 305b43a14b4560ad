"""``unrepeat verify``: say whether a recovery is approved, offline."""

from __future__ import annotations

import click

from ..exit_codes import FAILED, HELD, OK
from ..output import json_option, print_json


@click.command(
    "verify",
    short_help="Check evidence, reports and signatures, offline.",
    epilog="\b\nExamples:\n  unrepeat verify\n  unrepeat verify inc-2026-0007\n"
    "  unrepeat verify inc-2026-0007-production-1 --json",
)
@click.argument("names", nargs=-1, metavar="[CASE|REPORT]...")
@click.option("--environment", default="", help="The environment asked for; by default that of [signoff].")
@json_option
def command(names: tuple[str, ...], environment: str, as_json: bool) -> int:
    """Verify CASEs (with their newest report) and REPORTs; without a name, everything there is.

    Exit code 0: the evidence holds and every required role has signed. 10: people have yet to act; each missing role
    and fact is named. 1: refused: something was changed, forged, rejected or has expired. 2: it cannot be verified.
    """
    from ...reports.sign_off_view import lines_of
    from ..verifying import verify

    found = verify(names, environment=environment)
    if as_json:
        print_json({"state": found.state, "cases": found.cases, "sign_offs": found.sign_offs})
    else:
        for line in lines_of(found):
            click.echo(line)
    return {"signed": OK, "missing": HELD, "refused": FAILED}[found.state]
