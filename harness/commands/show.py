"""``unrepeat show``: a case, its trace and what it can prove."""

from __future__ import annotations

from pathlib import Path

import click

from ..output import console, json_option, print_json


@click.command(
    "show",
    short_help="Show a case, its trace and what it can prove.",
    epilog="\b\nExamples:\n  unrepeat show\n  unrepeat show inc-2026-0007\n  unrepeat show inc-2026-0007 --accept 1",
)
@click.argument("case", required=False)
@click.option("--accept", metavar="all|N,N…", help="Accept proposed assertions of a case that asserts nothing yet.")
@json_option
def command(case: str | None, accept: str | None, as_json: bool) -> int:
    """Show CASE (an id or a folder): its assertions, its trace as a timeline, its evidence. Without CASE: the list."""
    if case is None:
        return _list(as_json)
    from ..import_summary import case_summary
    from ..replaying import find_case
    from ..showing import asserted, builtins_of, proposals_for

    loaded = find_case(case)
    proposals = proposals_for(loaded)
    if accept is not None:
        from ..accepting import accept as write
        from ..choice import parse_choice

        chosen = parse_choice(accept, len(proposals))
        if chosen:
            write(loaded, proposals, chosen)
            loaded, proposals = find_case(case), ()
    if as_json:
        print_json(builtins_of(loaded, proposals))
        return 0
    from ...reports.case_view import render_case
    from ...reports.import_view import render_import_summary
    from ...reports.terminal import render_traces
    from ..statements import next_for_case

    screen = console()
    render_case(loaded.case.title, asserted(loaded), screen)
    render_traces(loaded.document.traces, screen)
    unproposed = loaded.case.is_draft and not proposals
    next_command = next_for_case(
        loaded.case.id,
        draft=loaded.case.is_draft,
        proposed=bool(proposals),
        recorded=bool(loaded.document.traces),
    )
    next_command = "" if unproposed else next_command  # what is to be done is told below
    render_import_summary(case_summary(loaded, proposals=proposals, next_command=next_command), screen)
    if unproposed:
        file = loaded.folder.path / "case.yaml"
        click.echo(f"\nNothing is proposed. State what must hold in {file}, such as")
        click.echo("  assert:\n    - {type: not-tool-called, tool: NAME, args: {ARGUMENT: VALUE}}")
    return 0


def _list(as_json: bool) -> int:
    from ..config import load_project
    from ..showing import case_rows

    project = load_project(Path.cwd())
    rows = case_rows(project)
    if as_json:
        print_json(rows)
        return 0
    from ...reports.terminal import render_case_list

    if rows:
        render_case_list(rows, console())
    else:
        click.echo(f"no cases in {project.incidents}; make one with: unrepeat import TRACE.json --id INC-1")
    return 0
