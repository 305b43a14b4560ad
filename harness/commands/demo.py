"""``unrepeat demo``: the main job on the shipped incidents, offline."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exit_codes import FAILED, OK
from ..output import console, json_option, print_json, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..demo import Played


@click.command(
    "demo",
    short_help="Run the main job on the shipped incidents, offline.",
    epilog="\b\nExample:\n  unrepeat demo --dir /tmp/unrepeat-demo",
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where to copy the example; ./unrepeat-demo by default."
)
@json_option
def command(folder: Path | None, as_json: bool) -> int:
    """Judge the fixes of the shipped incidents: red on the recording, then what the fixed version does.

    The example is copied into a folder, so that you can go on from there. Exit code 0 when every verdict is the one
    this release ships with, the honest `cannot judge` among them.
    """
    from ..demo import FOLDER, materialize, play

    target = materialize(folder or Path.cwd() / FOLDER)
    played = []
    with progress() as tell:
        for each in play(target, tell):
            played.append(each)
            if not as_json:
                tell("")
                _chapter(len(played), each)
    if as_json:
        print_json([_builtins(each) for each in played])
    else:
        _end(target, played)
    return OK if played and all(each.as_expected for each in played) else FAILED


def _builtins(each: Played) -> dict[str, object]:
    verdict = each.verdict
    return {
        "case": verdict.case_id,
        "candidate": verdict.candidate.label if verdict.candidate else "",
        "verdict": verdict.verdict,
        "scope": verdict.scope,
        "reason": verdict.reason,
        "expected": each.chapter.expected,
        "page": str(each.page),
    }


def _chapter(number: int, each: Played) -> None:
    from ...reports.terminal import render_outcome, render_verdict

    screen = console()
    click.echo(f"\n{click.style(f'{number}  {each.chapter.heading}', bold=True)}")
    click.echo(click.style(f"   $ {each.chapter.command()}", dim=True) + "\n")
    if each.chapter.in_full:
        render_verdict(each.verdict, screen)
    else:
        render_outcome(each.verdict, screen)
    settlement = each.verdict.settlement
    if settlement is not None and not each.chapter.in_full:
        calls = f" (about {settlement.calls} model calls)" if settlement.calls else ""
        click.echo(f"   what would settle it{calls}:\n   $ {settlement.command}")


def _end(target: Path, played: Sequence[Played]) -> None:
    from ..demo import cases_in

    shown = Path(target).name if target.parent == Path.cwd() else str(target)
    unexpected = [each for each in played if not each.as_expected]
    for each in unexpected:
        click.echo(
            f"unexpected: {each.verdict.case_id} is {each.verdict.verdict}, not {each.chapter.expected}", err=True
        )
    click.echo(f"\npages  {played[1].page}" if len(played) > 1 else "")
    click.echo(f"cases  {cases_in(target)} in {shown}; `unrepeat show` there lists them, `unrepeat prove` judges each")
    program = "unrepeat" if shutil.which("unrepeat") else str(Path(sys.argv[0]).absolute())
    click.echo(f"next   cd {shlex.quote(shown)} && {shlex.quote(program)} replay inc-wrong-account --version v2")
