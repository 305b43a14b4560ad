"""``unrepeat doctor``: check the installation, the configuration and the cases."""

from __future__ import annotations

from pathlib import Path

import click

from ..exit_codes import FAILED, OK
from ..output import json_option, print_json, progress


@click.command(
    "doctor",
    short_help="Check the installation, the configuration and the cases.",
    epilog="\b\nExample:\n  unrepeat doctor --json",
)
@json_option
def command(as_json: bool) -> int:
    """Check what a replay needs: the tenant key, each system's callable and boundaries, each case and its evidence.

    Exit code 0 when everything is in order, 1 when something is not.
    """
    from ...reports.text import inline
    from ..doctor import examine

    with progress() as tell:
        findings = examine(Path.cwd(), tell)
    if as_json:
        print_json([{"check": each.check, "ok": each.ok, "detail": each.detail} for each in findings])
    else:
        for each in findings:
            mark = "ok  " if each.ok else "FAIL"
            click.echo(f"{mark}  {inline(each.check)}: {inline(each.detail)}")
        if all(each.ok for each in findings) and not any(each.check.startswith("case ") for each in findings):
            click.echo("next  $ unrepeat import TRACE.json --id INC-1")
    return OK if all(each.ok for each in findings) else FAILED
