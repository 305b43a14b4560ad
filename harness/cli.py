"""The command line. Only the group: each command is a module of ``harness.commands``, imported when it is run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from .exit_codes import INTERRUPTED, USAGE
from .version import VERSION

PRIMARY = {
    "demo": "Run the main job on the shipped incidents, offline.",
    "init": "Describe a system in unrepeat.toml.",
    "import": "Make a case from a trace.",
    "replay": "Run a case again and show where it departs from the recording.",
    "prove": "Judge a fix: red on the recording, green on the candidate.",
    "report": "Write the page and the JSON of a result.",
}
MORE = {
    "doctor": "Check the installation, the configuration and the cases.",
    "schema": "Print the JSON Schemas that editors use.",
    "show": "Show a case, its trace and what it can prove.",
}
_MODULES = {"import": "import_trace"}


class _Commands(click.Group):
    """Knows the commands by name without importing them: `--help` stays as quick as a bare click program."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*PRIMARY, *MORE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in PRIMARY and cmd_name not in MORE:
            return None
        module = importlib.import_module(f".commands.{_MODULES.get(cmd_name, cmd_name)}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

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

    Errors that people can act on are one message on standard error and exit code 2, never a stack trace.
    """
    try:
        code = group.main(list(argv) if argv is not None else None, "unrepeat", standalone_mode=False)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        from ..cases.errors import UnrepeatError

        if not isinstance(error, UnrepeatError):
            raise
        from ..reports.text import visible

        click.echo(f"error: {visible(str(error))}", err=True)
        sys.exit(USAGE)
    sys.exit(code if isinstance(code, int) else 0)
