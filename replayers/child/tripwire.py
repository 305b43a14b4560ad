"""The tripwire: what would bring the real code of a boundary back after it was replaced."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Sequence
from typing import Any

from .channel import Channel

Handlers = dict[str, Callable[[tuple[Any, ...]], None]]
"""What to do at an audit event, by its name."""


def set_tripwire(channel: Channel, originals: Sequence[types.CodeType], handlers: Handlers) -> None:
    """End the replay where the code of a boundary is loaded again, or is made a function or run by itself.

    ``importlib.reload``, an import under another name and ``types.FunctionType(code, …)`` give functions that would
    run for real; their calls would be missing from the replay as if they were prevented.

    Args:
        channel: The way to the harness.
        originals: The code that was replaced.
        handlers: Audit events and what is done at them; added to.
    """
    known = {id(code): code for code in originals}
    files = {os.path.realpath(code.co_filename) for code in originals}
    names = {os.path.basename(file) for file in files}

    def on_code(code: Any) -> None:
        if id(code) in known and not channel.is_live:
            channel.fail(f"the code of {describe(code)} was taken past its boundary, where it would run for real")

    def is_known(file: str) -> bool:
        return os.path.basename(file) in names and os.path.realpath(file) in files

    def on_exec(args: tuple[Any, ...]) -> None:
        code = args[0]
        on_code(code)
        if isinstance(code, types.CodeType) and code.co_name == "<module>" and is_known(code.co_filename):
            channel.fail(
                f"{code.co_filename} was loaded again after its functions had become boundaries "
                "(importlib.reload, or an import under another name): they would run for real"
            )

    def on_attribute(args: tuple[Any, ...]) -> None:
        if args[1] == "__code__":
            on_code(args[2])

    handlers["exec"] = on_exec
    handlers["function.__new__"] = lambda args: on_code(args[0])
    handlers["object.__setattr__"] = on_attribute


def describe(code: types.CodeType) -> str:
    """Return what to call a function in messages: its module's file and its name."""
    return f"{code.co_qualname} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"
