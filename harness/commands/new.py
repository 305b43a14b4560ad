"""``unrepeat new``: make a case from a ticket, without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from ...cases.vocabulary import DetectedBy, Severity
from ..output import console, json_option, print_json

if TYPE_CHECKING:
    from ..ticket import FromTicket


@click.command(
    "new",
    short_help="Make a case from a ticket, without a trace.",
    epilog="\b\nExample:\n  unrepeat new --title 'The desk promised a date' --from ticket.txt --severity medium",
)
@click.option("--title", required=True, help="What happened, in one line.")
@click.option("--id", "case_id", metavar="ID", help="Id of the new case; the next free one by default.")
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="The ticket; kept as evidence.")
@click.option(
    "--input", "input_", metavar="FILE|JSON",
    help="What the system was given: an object with the callable's arguments by name.",
)  # fmt: skip
@click.option("--severity", type=click.Choice(get_args(Severity)), help="How bad it is.")
@click.option("--detected-by", type=click.Choice(get_args(DetectedBy)), help="Who or what noticed.")
@json_option
def command(
    title: str,
    case_id: str | None,
    source: Path | None,
    input_: str | None,
    severity: Severity | None,
    detected_by: DetectedBy | None,
    as_json: bool,
) -> int:
    """Make a case of what people state: a ticket, a complaint, a call. Where there is a trace, use `import` instead.

    What you give is marked as stated, with who and when. The case is a draft until `assert` in its case.yaml says what
    must hold, and without a trace only live runs can judge it.
    """
    from ..ticket import Ticket, new_case

    made = new_case(Ticket(title, case_id, source, input_, severity, detected_by))
    _show(made, as_json)
    return 0


def _show(made: FromTicket, as_json: bool) -> None:
    from ..ticket_summary import as_builtins, summary

    if as_json:
        print_json(as_builtins(made))
        return
    from ...reports.import_view import render_import_summary

    render_import_summary(summary(made), console())
