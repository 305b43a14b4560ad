"""``unrepeat status``: move a case on in its life."""

from __future__ import annotations

from typing import get_args

import click

from ...cases.vocabulary import Status
from ..output import json_option, print_json


@click.command(
    "status",
    short_help="Move a case on: fixed, recovered, retired, or open again.",
    epilog="\b\nExamples:\n  unrepeat status inc-2026-0007 fixed\n"
    "  unrepeat status inc-2026-0007 retired --owner 'Ada Brook' --reason 'the desk was shut down'",
)
@click.argument("case")
@click.argument("status", type=click.Choice(get_args(Status)))
@click.option("--owner", default="", help="Who answers for it; needed to retire or reopen.")
@click.option("--reason", default="", help="Why; needed to retire or reopen. Goes into the custody log.")
@json_option
def command(case: str, status: Status, owner: str, reason: str, as_json: bool) -> int:
    """Change the status of CASE in case.yaml (comments stay) and in its custody log.

    `fixed` needs a newest result that says so about the case as it is now: run `unrepeat prove` first. `recovered`
    needs a recovery report about it that every required role has signed: see `unrepeat recovery` and `unrepeat sign`.
    """
    from ..lifecycle import move_on

    moved = move_on(case, status, owner=owner, reason=reason)
    if as_json:
        print_json({"case": moved.id, "status": moved.status})
    else:
        click.echo(f"{moved.id} is now {moved.status}")
    return 0
