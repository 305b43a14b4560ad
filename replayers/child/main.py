"""Serves one replay: the app is imported, its boundaries replaced and its entry called."""

from __future__ import annotations

import atexit
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .channel import Channel, ReplayStopped
from .diversion import install_all
from .endings import describe, end_with_harness, wait_for_daemons
from .entry import call_entry, require_callable_with
from .guard import guard
from .json_form import to_json


def main(read_fd: int, write_fd: int, life_fd: int) -> None:
    """Serve one replay.

    Args:
        read_fd: Where the harness writes.
        write_fd: Where it reads.
        life_fd: Where nothing is written; it ends when the harness does.
    """
    for fd in (read_fd, write_fd, life_fd):
        os.set_inheritable(fd, False)
    end_with_harness(life_fd)
    channel = Channel(read_fd, write_fd)
    setup = channel.receive()
    try:
        entry, replaced = prepare(channel, setup)
        if not setup.get("check"):
            require_callable_with(entry, setup["arguments"])
    except BaseException as error:
        channel.send({"op": "unusable", **describe(error)})
        return
    channel.send({"op": "ready", "boundaries": replaced})
    if setup.get("check"):
        return
    try:
        output = to_json(call_entry(entry, setup["arguments"]))
        unfinished = wait_for_daemons(channel.app_paths)
    except ReplayStopped as stop:
        channel.send({"op": "stopped", "error": str(stop)})
    except BaseException as error:
        channel.send({"op": "crashed", **describe(error)})
    else:
        channel.send({"op": "returned", "output": output, "unfinished": unfinished})
        # What the app does in threads goes on, and counts, until the interpreter has waited for them.
        atexit.register(channel.send, {"op": "ended"})


def prepare(channel: Channel, setup: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, list[str]]]:
    """Import the app and replace its boundaries; return its entry and the names of what was replaced."""
    # The folder of start.py comes first there: its modules would stand in for the app's of the same name.
    own = os.path.realpath(os.path.dirname(__file__))
    sys.path[:] = [*setup["paths"], *(path for path in sys.path if os.path.realpath(path) != own)]
    del sys.argv[1:]
    channel.app_paths = tuple(setup["paths"])
    guard(channel, setup["allow_subprocess"])
    entry_module, _, entry_name = setup["entry"].partition(":")
    importlib.import_module(entry_module)
    replaced = install_all(channel, setup["boundaries"])
    entry: Any = importlib.import_module(entry_module)
    for step in entry_name.split("."):
        entry = getattr(entry, step)
    return entry, replaced
