"""``unrepeat near-miss``: add a near miss, list them, let one block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..output import console, json_option, print_json, progress
from ..suggesting import SuggestingGroup

if TYPE_CHECKING:
    from ..near_miss import NearMiss
    from ..resemblance import Resemblance


@click.group(
    "near-miss",
    cls=SuggestingGroup,
    short_help="Add a near miss, list them, let one block.",
    epilog="\b\nExamples:\n  unrepeat near-miss add trace.json --note 'the reviewer sent it back'\n"
    "  unrepeat near-miss list",
)
def command() -> None:
    """Failures that were caught before impact: each becomes a case that is red before its barrier.

    Near misses run in the same gate as every case. Each of these commands takes --json.
    """


@command.command(
    "add",
    short_help="Make a case of a near miss.",
    epilog="\b\nExamples:\n  unrepeat near-miss add trace.json\n"
    "  unrepeat near-miss add trace.json --corrected right.json --accept 1\n"
    "  unrepeat near-miss add ticket.txt --barrier user",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--trace-id", "trace_ids", multiple=True, metavar="ID", help="Which trace of the file; repeatable.")
@click.option("--id", "case_id", metavar="ID", help="Id of the new case; made of day and content by default.")
@click.option("--title", help="What happened, in one line.")
@click.option("--note", default="", metavar="TEXT", help="What you know about it; kept as evidence, as stated by you.")
@click.option(
    "--corrected", type=click.Path(path_type=Path), metavar="FILE",
    help="What would have been right: arguments, an output, or a text. Kept as evidence, as stated by you.",
)  # fmt: skip
@click.option("--barrier", metavar="WORD", help="What caught it; inferred from the trace by default.")
@click.option("--accept", metavar="all|N,N…", help="Accept proposed assertions by number without being asked.")
@click.option("--format", "format_", metavar="NAME", help="Force a format instead of detecting it.")
@click.option(
    "--redact", type=click.Choice(["patterns", "none"]), default="patterns", show_default=True,
    help="What to do with personal data and secrets.",
)  # fmt: skip
@click.option("--reason", default="", help="Why nothing is redacted; goes into the custody log.")
@click.option("--skip-broken", is_flag=True, help="Skip lines of JSON Lines that cannot be read.")
@json_option
def add(
    file: Path,
    trace_ids: tuple[str, ...],
    case_id: str | None,
    title: str | None,
    note: str,
    corrected: Path | None,
    barrier: str | None,
    accept: str | None,
    format_: str | None,
    redact: str,
    reason: str,
    skip_broken: bool,
    as_json: bool,
) -> int:
    """Make a case of FILE: a trace in one of the known formats, or anything that people wrote (a ticket, a mail).

    Nothing else is needed. What the barrier stopped is proposed as an assertion: the call that was proposed, the draft
    that was rejected, or what --corrected changed in it. You are told which known cases it resembles, and why.
    """
    from ..choice import choose
    from ..near_miss import NearMissRequest
    from ..near_miss import add as add_near_miss
    from ..resemblance import resemblance_of
    from ..taking import ImportRequest

    source = ImportRequest(
        file=file,
        id=case_id,
        title=title,
        trace_ids=trace_ids,
        format=format_,
        redact=redact != "none",
        reason=reason,
        skip_broken=skip_broken,
    )
    request = NearMissRequest(source, note=note, corrected=corrected, barrier=barrier)
    with progress() as tell:
        tell(f"reading {file.name}")
        added = add_near_miss(request, choose=lambda proposals: choose(proposals, accept, ask=not as_json))
        tell("comparing with known cases")
        found = resemblance_of(added.case)
    _show(added, found, as_json)
    return 0


def _show(added: NearMiss, found: Resemblance, as_json: bool) -> None:
    from ..near_miss_summary import as_builtins, view_of

    if as_json:
        print_json(as_builtins(added, found))
        return
    from ...reports.near_miss_view import render_near_miss

    render_near_miss(view_of(added, found), console())


@command.command(
    "list",
    short_help="List near misses with their barrier, verdict and nearest known case.",
    epilog="\b\nExample:\n  unrepeat near-miss list",
)
@json_option
def list_(as_json: bool) -> int:
    """List the near misses of the project: when, what caught it, its status, the newest verdict, what it resembles."""
    from ..config import load_project
    from ..near_misses import rows_of

    project = load_project(Path.cwd())
    rows = rows_of(project)
    if as_json:
        print_json(rows)
        return 0
    from ...reports.near_miss_view import render_near_misses

    if rows:
        render_near_misses(rows, console())
    else:
        click.echo(f"no near misses in {project.incidents}; add one with: unrepeat near-miss add FILE")
    return 0


@command.command(
    "promote",
    short_help="Let the gate fail on a near miss while it is open.",
    epilog="\b\nExample:\n  unrepeat near-miss promote nm-refund-amount",
)
@click.argument("case", metavar="ID")
@click.option("--reason", default="", help="Why; goes into the custody log.")
@json_option
def promote(case: str, reason: str, as_json: bool) -> int:
    """Let the gate fail on the near miss ID while it is open: `blocks_while_open: true` in case.yaml (comments stay).

    It must assert something that is red on its recording. A near miss that blocks already stays as it is.
    """
    from ..promoting import promote as promote_near_miss

    promoted = promote_near_miss(case, reason=reason)
    if as_json:
        print_json({"case": promoted.case.id, "blocks": True, "changed": promoted.changed, "red": promoted.red})
    else:
        click.echo(f"{promoted.case.id} {'now blocks' if promoted.changed else 'blocks already'}: {promoted.why}")
    return 0
