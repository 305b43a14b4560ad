"""``unrepeat prove``: judge a fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exit_codes import FAILED, OK
from ..options import isolation, isolation_options, overrides
from ..output import console, json_option, print_json, progress

if TYPE_CHECKING:
    from ...scorers.verdict import CaseVerdict


@click.command(
    "prove",
    short_help="Judge a fix: red on the recording, green on the candidate.",
    epilog="\b\nExamples:\n  unrepeat prove inc-2026-0007\n"
    "  unrepeat prove inc-2026-0007 --baseline v1 --candidate ../fix\n"
    "  unrepeat prove inc-2026-0007 --set prompt=new.md --model openai/gpt-4o -n 10 --max-calls 50",
)
@click.argument("case")
@click.option("--baseline", metavar="NAME|DIR|URL", help="The version that failed; the recording by default.")
@click.option("--candidate", metavar="NAME|DIR|URL", help="The version to judge; the working tree by default.")
@click.option(
    "--set", "components", multiple=True, metavar="COMPONENT=FILE|VALUE", help="Replace a component of the candidate."
)
@click.option(
    "--model", metavar="PROVIDER/NAME", help="Let a live model answer (extra `live`); recorded answers by default."
)
@click.option(
    "-n", "trials", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Most trials with a live model."
)
@click.option("--max-calls", type=click.IntRange(1), metavar="N", help="Most calls of the live model.")
@click.option(
    "--max-cost",
    type=click.FloatRange(0, min_open=True),
    metavar="USD",
    help="Most cost of the live model's calls, at the prices in unrepeat.toml.",
)
@click.option(
    "--inspect-log", type=click.Path(path_type=Path), metavar="DIR", help="Write a log that `inspect view` opens."
)
@isolation_options
@json_option
def command(
    case: str,
    baseline: str | None,
    candidate: str | None,
    components: tuple[str, ...],
    model: str | None,
    trials: int,
    max_calls: int | None,
    max_cost: float | None,
    inspect_log: Path | None,
    require_isolation: str | None,
    allow_no_isolation: bool,
    as_json: bool,
) -> int:
    """Judge whether a candidate fixes CASE (an id or a folder).

    Exit code 0: fixed. 1: still failing, cannot reproduce, cannot judge, or error. 2: no verdict could be produced.
    """
    from ..api import Caps, prove
    from ..live_run import proving
    from ..results import save

    if model is None and (max_calls is not None or max_cost is not None):
        raise click.UsageError("--max-calls and --max-cost are caps on a live model: name it with --model.")
    log = _log_folder(inspect_log)
    with proving(case, quiet=as_json) as run, progress() as tell:
        verdict = prove(
            case,
            baseline=baseline,
            candidate=candidate,
            components=overrides(components),
            model=model,
            trials=trials,
            caps=Caps(max_calls, max_cost),
            progress=tell,
            listeners=run.listeners,
            now=run.now,
            isolation=isolation(require_isolation, none_allowed=allow_no_isolation),
        )
        tell("")
        if as_json:
            print_json(verdict)
        else:
            from ...reports.terminal import render_verdict

            render_verdict(verdict, console())
        path = save(run.results, verdict)  # after it was shown: a full disk does not take the verdict away
        logged = log(verdict)
    if not as_json:
        click.echo(f"\nresult: {path}", err=True)
        if logged is not None:
            click.echo(f"inspect log: {logged}", err=True)
    return OK if verdict.verdict == "fixed" else FAILED


def _log_folder(folder: Path | None) -> Callable[[CaseVerdict], Path | None]:
    """Return what writes the log of a verdict; a folder that cannot hold one is refused before anything is run."""
    if folder is None:
        return lambda verdict: None
    from ..inspect_log import prepare_log

    return prepare_log(folder)
