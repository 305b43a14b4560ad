"""The command line. Only the group: each command is a module of ``harness.commands``, imported when it is run."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence

import click

from .exit_codes import OK, TERMINATED
from .streams import prepare_streams
from .suggesting import SuggestingGroup
from .version import VERSION

PRIMARY = {
    "demo": "Run the main job on the shipped incidents, offline.",
    "init": "Describe a system in unrepeat.toml.",
    "import": "Make a case from a trace.",
    "replay": "Run a case again and show where it departs from the recording.",
    "prove": "Judge a fix: red on the recording, green on the candidate.",
    "gate": "Judge all cases at once and block what brings one back.",
    "near-miss": "Add a near miss, list them, let one block.",
    "report": "Write the page and the JSON of a result.",
}
MORE = {
    "doctor": "Check the installation, the configuration and the cases.",
    "new": "Make a case from a ticket, without a trace.",
    "recovery": "Make the report that approvers of a recovery decide on.",
    "schema": "Print the JSON Schemas that editors use.",
    "show": "Show a case, its trace and what it can prove.",
    "sign": "Approve or reject a recovery with an SSH key.",
    "status": "Move a case on: fixed, recovered, retired, or open again.",
    "verify": "Check evidence, reports and signatures, offline.",
}
_MODULES = {"import": "import_trace", "near-miss": "near_miss"}
_COMPLETION = "_UNREPEAT_COMPLETE"
"""Set by the shell that asks click for completions."""


class _Commands(SuggestingGroup):
    """Knows the commands by name without importing them: `--help` stays as quick as a bare click program."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*PRIMARY, *MORE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in PRIMARY and cmd_name not in MORE:
            return None
        module = importlib.import_module(f".commands.{_MODULES.get(cmd_name, cmd_name)}", __package__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, rows in (("Commands", PRIMARY), ("More", MORE)):
            with formatter.section(heading):
                formatter.write_dl(list(rows.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `unrepeat demo`, then `unrepeat import trace.json --id INC-1`.",
)
@click.version_option(VERSION, "-V", "--version", prog_name="unrepeat")
def group() -> None:
    """Replay AI incidents until they can't repeat."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Errors that people can act on are one line on standard error and exit code 2, never a stack trace.
    """
    prepare_streams()
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except SystemExit:
        raise
    except BaseException as error:
        from .failures import explain

        code = explain(error)
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.exit(code)


def _run(argv: list[str]) -> int:
    if _COMPLETION in os.environ:
        group.main(argv, "unrepeat")
    with group.make_context("unrepeat", argv) as context:
        code = group.invoke(context)
    return code if isinstance(code, int) else OK


def _terminated(*_: object) -> None:
    """End by way of an exception, so that the system under test is ended and scratch folders are removed."""
    sys.exit(TERMINATED)
