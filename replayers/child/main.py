"""Serves one replay: the app is imported, its boundaries replaced and its entry called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .channel import Channel, ReplayStopped
from .clock import Clock
from .diversion import Diversion
from .endings import begin_end, describe, end_last, end_with_harness, wait_for_daemons
from .entry import Call, require_callable_with
from .guard import guard
from .json_form import plain_text, to_json
from .refusal import UnusableError, require_from_version
from .tripwire import set_tripwire
from .unnamed_tools import UnnamedTools


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
    end_last(channel)
    setup = channel.receive()
    try:
        app = prepare(channel, setup)
        if not setup["check"]:
            for arguments in setup["turns"]:
                require_callable_with(app.entry, arguments)
    except UnusableError as error:
        channel.send({"op": "unusable", "error": plain_text(str(error)), "hint": plain_text(error.hint)})
        return
    except BaseException as error:
        channel.send({"op": "failed", **describe(error)})
        return
    ready = {"op": "ready", "boundaries": app.diversion.found, "clock": app.clock}
    if setup["check"]:
        channel.send(ready)
    else:
        channel.ask(ready)  # the harness notes what was tried so far
        serve(channel, app, setup["turns"])


@dataclass(frozen=True)
class App:
    """An app that is ready to be called."""

    entry: Callable[..., Any]
    diversion: Diversion
    tools: UnnamedTools
    clock: str
    """How it is shown the time of the incident, in words; empty: it sees its own."""


def serve(channel: Channel, app: App, turns: Sequence[Any]) -> None:
    """Call the app and tell the harness what became of it."""
    call = Call(channel.app_paths, app.diversion.leads_to_boundary)
    try:
        output = to_json(call.make_all(app.entry, turns))
        channel.flush()
        unfinished = wait_for_daemons(channel.app_paths)
        unseen = [plain_text(each) for each in (*call.unseen, *app.tools.late())]
    except ReplayStopped as stop:
        channel.send({"op": "stopped", "error": str(stop)})
    except BaseException as error:
        channel.send({"op": "crashed", **describe(error)})
    else:
        channel.send({"op": "returned", "output": output, "unfinished": unfinished, "unseen": unseen})
        # What the app does in threads and at its end goes on, and counts, until the interpreter has waited for it.
        channel.has_returned = True
        begin_end(channel)


def prepare(channel: Channel, setup: Mapping[str, Any]) -> App:
    """Import the app and replace its boundaries."""
    clock = show_time(channel, setup["clock_ns"])
    # The folder of start.py comes first there: its modules would stand in for the app's of the same name.
    own = os.path.realpath(os.path.dirname(__file__))
    sys.path[:] = [*setup["paths"], *(path for path in sys.path if os.path.realpath(path) != own)]
    del sys.argv[1:]
    channel.app_paths = tuple(setup["paths"])
    reachable = [(host, port) for host, port in setup["reachable"]]
    handlers = guard(channel, setup["allow_subprocess"], reachable)
    entry_module, _, entry_name = setup["entry"].partition(":")
    require_from_version(importlib.import_module(entry_module), channel.app_paths)
    diversion = Diversion(channel)
    diversion.install_all(setup["boundaries"])
    entry: Any = importlib.import_module(entry_module)
    for step in entry_name.split("."):
        entry = getattr(entry, step)
    tools = UnnamedTools(diversion, setup["tools"], entry, channel.app_paths)
    tools.guard()
    set_tripwire(channel, diversion.originals, handlers)
    return App(entry, diversion, tools, clock)


def show_time(channel: Channel, start_ns: int | None) -> str:
    """Have the app see a time; returns how, in words. Before its code is loaded, which may ask for the time."""
    if start_ns is None:
        return ""
    from .time_of_day import show  # loads datetime, which not every app does

    channel.clock = Clock(start_ns)
    return show(channel.clock)
