"""``unrepeat import``: make a case from a trace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exit_codes import OK
from ..output import console, json_option, print_json, progress

if TYPE_CHECKING:
    from ...cases.readers import TraceSummary
    from ..importing import Imported


@click.command(
    "import",
    short_help="Make a case from a trace.",
    epilog="\b\nExamples:\n  unrepeat import trace.json --id INC-2026-0007\n  unrepeat import export.jsonl --list",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--id", "case_id", metavar="ID", help="Id of the new case; the next free one by default.")
@click.option("--title", help="What happened, in one line.")
@click.option("--trace-id", "trace_ids", multiple=True, metavar="ID", help="Which trace of the file; repeatable.")
@click.option("--all-traces", is_flag=True, help="Every trace of the file, all in one case.")
@click.option("--list", "only_list", is_flag=True, help="List the traces of the file and write nothing.")
@click.option("--format", "format_", metavar="NAME", help="Force a format instead of detecting it.")
@click.option("--accept", metavar="all|N,N…", help="Accept proposed assertions by number without being asked.")
@click.option(
    "--redact", type=click.Choice(["patterns", "none"]), default="patterns", show_default=True,
    help="What to do with personal data and secrets.",
)  # fmt: skip
@click.option("--reason", default="", help="Why nothing is redacted; goes into the custody log.")
@click.option("--skip-broken", is_flag=True, help="Skip lines of JSON Lines that cannot be read.")
@json_option
def command(
    file: Path,
    case_id: str | None,
    title: str | None,
    trace_ids: tuple[str, ...],
    all_traces: bool,
    only_list: bool,
    format_: str | None,
    accept: str | None,
    redact: str,
    reason: str,
    skip_broken: bool,
    as_json: bool,
) -> int:
    """Make a case from FILE, a trace in one of the known formats; or several, for a failure that happened many times.

    Secrets and personal data with a known form (addresses, numbers, keys) are replaced before anything is written;
    names are not, unless unrepeat.toml lists them. At the end you read what this trace can and cannot prove, and
    assertions that are red on it are proposed for you to accept.
    """
    from ..choice import choose
    from ..importing import import_trace, listed
    from ..taking import ImportRequest

    if only_list:
        return _list(listed(file, format_, skip_broken), as_json)
    request = ImportRequest(
        file=file,
        id=case_id,
        title=title,
        trace_ids=trace_ids,
        all_traces=all_traces,
        format=format_,
        redact=redact != "none",
        reason=reason,
        skip_broken=skip_broken,
    )
    with progress() as tell:
        tell(f"reading {file.name}")
        imported = import_trace(request, choose=lambda proposals: choose(proposals, accept, ask=not as_json))
    _show(imported, as_json)
    return OK


def _list(rows: Sequence[TraceSummary], as_json: bool) -> int:
    if as_json:
        print_json(rows)
    else:
        from ...reports.import_view import render_trace_list

        render_trace_list(rows, console())
    return OK


def _show(imported: Imported, as_json: bool) -> None:
    from ..import_summary import as_builtins, summary

    if as_json:
        print_json(as_builtins(imported))
        return
    from ...reports.import_view import render_import_summary

    render_import_summary(summary(imported), console())
