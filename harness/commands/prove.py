"""``unrepeat prove``: judge a fix."""

from __future__ import annotations

import click

from ..exit_codes import FAILED, OK
from ..output import console, json_option, print_json, progress


@click.command(
    "prove",
    short_help="Judge a fix: red on the recording, green on the candidate.",
    epilog="\b\nExamples:\n  unrepeat prove inc-2026-0007\n"
    "  unrepeat prove inc-2026-0007 --baseline v1 --candidate ../fix",
)
@click.argument("case")
@click.option("--baseline", metavar="NAME|DIR", help="The version that failed; the recording by default.")
@click.option("--candidate", metavar="NAME|DIR", help="The version to judge; the working tree by default.")
@click.option(
    "--set", "components", multiple=True, metavar="COMPONENT=FILE|VALUE", help="Replace a component of the candidate."
)
@click.option(
    "--model", metavar="PROVIDER/NAME", help="Let a live model answer (extra `live`); recorded answers by default."
)
@click.option(
    "-n", "trials", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Most trials with a live model."
)
@json_option
def command(
    case: str,
    baseline: str | None,
    candidate: str | None,
    components: tuple[str, ...],
    model: str | None,
    trials: int,
    as_json: bool,
) -> int:
    """Judge whether a candidate fixes CASE (an id or a folder).

    Exit code 0: fixed. 1: still failing, cannot reproduce, cannot judge, or error. 2: no verdict could be produced.
    """
    from ..api import project_of, prove
    from ..options import overrides
    from ..results import prepare, save

    results = prepare(project_of(case).results)  # before trials that may cost hours
    with progress() as tell:
        verdict = prove(
            case,
            baseline=baseline,
            candidate=candidate,
            components=overrides(components),
            model=model,
            trials=trials,
            progress=tell,
        )
    if as_json:
        print_json(verdict)
    else:
        from ...reports.terminal import render_verdict

        render_verdict(verdict, console())
    path = save(results, verdict)  # after it was shown: a full disk does not take the verdict away
    if not as_json:
        click.echo(f"\nresult: {path}", err=True)
    return OK if verdict.verdict == "fixed" else FAILED
