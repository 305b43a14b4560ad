"""``unrepeat init``: describe a system in unrepeat.toml."""

from __future__ import annotations

from pathlib import Path

import click

from ..output import json_option, print_json


@click.command(
    "init",
    short_help="Describe a system in unrepeat.toml.",
    epilog="\b\nExamples:\n  unrepeat init --system desk --python desk.app:handle --tool 'desk.tools:*'\n"
    "  unrepeat init --system desk --command 'node dist/agent.js' --tool get_order --tool refund",
)
@click.option("--system", default="app", show_default=True, metavar="NAME", help="What you call the system.")
@click.option("--python", "entry", metavar="MODULE:FUNCTION", help="The callable that handles one request.")
@click.option("--command", "program", metavar="WORDS", help="The program to run, in any language, with its arguments.")
@click.option("--url", metavar="URL", help="The running deployment to ask.")
@click.option("--model", multiple=True, metavar="MODULE:FUNCTION", help="A function that calls a model; repeatable.")
@click.option(
    "--tool", multiple=True, metavar="MODULE:FUNCTION|MODULE:*|NAME", help="Functions the model may call; repeatable."
)
@click.option("--retrieval", multiple=True, metavar="MODULE:FUNCTION", help="A function that searches; repeatable.")
@click.option(
    "--approval", multiple=True, metavar="MODULE:FUNCTION", help="A function that asks a reviewer; repeatable."
)
@click.option("--user", multiple=True, metavar="MODULE:FUNCTION", help="A function that asks the user; repeatable.")
@json_option
def command(
    system: str,
    entry: str | None,
    program: str | None,
    url: str | None,
    model: tuple[str, ...],
    tool: tuple[str, ...],
    retrieval: tuple[str, ...],
    approval: tuple[str, ...],
    user: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write unrepeat.toml, a folder for cases with the schema for editors, and your tenant key for redaction."""
    from ..initializing import Runnable, initialize

    if sum(each is not None for each in (entry, program, url)) > 1:
        raise click.UsageError("--python, --command and --url exclude each other: a system is one of them.")

    runs = Runnable(entry, program, url)
    boundaries = {"model": model, "tool": tool, "retrieval": retrieval, "approval": approval, "user": user}
    done = initialize(Path.cwd(), system, runs, boundaries)
    if as_json:
        print_json({"written": [str(path) for path in done.written], "tenant_key": str(done.tenant_key)})
        return 0
    for path in done.written:
        click.echo(f"wrote {path}")
    click.echo(f"tenant key: {done.tenant_key} (keep it; it is not in the repository)")
    click.echo("next: unrepeat doctor" if runs.is_known else "next: fill in unrepeat.toml, then: unrepeat doctor")
    return 0
