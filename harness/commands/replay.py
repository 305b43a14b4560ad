"""``unrepeat replay``: run a case again and show where it departs from the recording."""

from __future__ import annotations

import click

from ..exit_codes import FAILED, OK
from ..options import isolation, isolation_options, overrides
from ..output import console, json_option, print_json, progress


@click.command(
    "replay",
    short_help="Run a case again and show where it departs from the recording.",
    epilog="\b\nExample:\n  unrepeat replay inc-2026-0007 --version v1",
)
@click.argument("case")
@click.option("--version", metavar="NAME|DIR|URL", help="The version to run; the working tree by default.")
@click.option(
    "--set", "components", multiple=True, metavar="COMPONENT=FILE|VALUE", help="Replace a component of the version."
)
@click.option("--recorded", is_flag=True, help="Drive the recorded conversation again without running the system.")
@isolation_options
@json_option
def command(
    case: str,
    version: str | None,
    components: tuple[str, ...],
    recorded: bool,
    require_isolation: str | None,
    allow_no_isolation: bool,
    as_json: bool,
) -> int:
    """Run CASE (an id or a folder) again, offline, against its recorded world."""
    from ..api import replay
    from ..statements import after_replay

    with progress() as tell:
        tell(f"{case}: replaying")
        verdict = replay(
            case,
            version=version,
            components=overrides(components),
            recorded=recorded,
            isolation=isolation(require_isolation, none_allowed=allow_no_isolation),
        )
    if as_json:
        print_json(verdict.traces)
    else:
        from ...reports.terminal import render_replays
        from ...scorers.proposals import propose

        proposed = not verdict.assertions and bool(propose([trace.recording for trace in verdict.traces]))
        next_command = after_replay(verdict, version, overrides(components), proposed=proposed, recorded=recorded)
        render_replays(verdict, console(), next_command=next_command)
    broken = any(t.candidate and t.candidate.replay.outcome not in ("completed", "stopped") for t in verdict.traces)
    return FAILED if broken else OK
