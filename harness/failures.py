"""What people read when a command ends without a result: one line on standard error, and the exit code."""

from __future__ import annotations

import traceback

import click

from ..cases.errors import UnrepeatError
from .exit_codes import BROKEN_PIPE, INTERRUPTED, USAGE
from .streams import give_up_output


def explain(error: BaseException) -> int:
    """Say what went wrong and return the exit code.

    A stack trace is printed only for a mistake of ours; the exit code is then that of a command without a result,
    never that of a verdict.
    """
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case KeyboardInterrupt() | EOFError() | click.Abort():
            _say("interrupted")
            return INTERRUPTED
        case BrokenPipeError():
            give_up_output()
            return BROKEN_PIPE
    _say(f"error: {_message(error)}")
    for line in _details(error):
        _say(f"  {line}")
    return USAGE


def _message(error: BaseException) -> str:
    match error:
        case UnrepeatError():
            return str(error).partition("\n")[0]
        case click.ClickException():
            path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "unrepeat"
            told = " ".join(error.format_message().split())
            return f"{told}{'' if told.endswith(('.', '?')) else '.'} See `{path} --help`"
        case OSError():
            told = error.strerror or str(error)
            return f"{error.filename}: {told}" if error.filename else told
        case RecursionError():
            return "expected input that is nested less deeply, got more than can be handled"
        case MemoryError():
            return "expected input that fits into memory, got more"
    return f"{type(error).__name__}: {error} (a mistake of unrepeat: please report it with the lines below)"


def _details(error: BaseException) -> list[str]:
    """Return further lines: the system's own stack trace where there is one, ours where it is our mistake."""
    match error:
        case UnrepeatError():
            return [line for line in str(error).split("\n")[1:] if line.strip()]
        case click.ClickException() | OSError() | RecursionError() | MemoryError():
            return []
    return "".join(traceback.format_exception(error)).splitlines()


def _say(line: str) -> None:
    from ..reports.text import visible

    click.echo(visible(line), err=True)
