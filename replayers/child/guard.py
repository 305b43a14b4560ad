"""The guard: an audit hook that refuses connections and new processes."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from .channel import Channel
from .json_form import plain_text
from .own_code import is_own
from .reachable import reached
from .tripwire import Handlers

_NETWORK = (
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
)
_PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")
_OWN_FOLDER = os.path.dirname(__file__)


def guard(channel: Channel, allow_subprocess: bool, reachable: Collection[tuple[str, int]] = ()) -> Handlers:
    """Refuse connections and, unless allowed, new processes; every attempt is reported with its place.

    The weakest rung of the isolation ladder: it explains who tried, and does not hold against native code.

    Args:
        channel: The way to the harness.
        allow_subprocess: Whether the app may start processes.
        reachable: Hosts and ports on this machine where the harness itself listens, for the app's clients.

    Returns:
        What is done at which audit event; may be added to.
    """
    refused = _NETWORK if allow_subprocess else _NETWORK + _PROCESS
    handlers: Handlers = {event: functools.partial(refuse, channel, event) for event in refused}
    for event, leads_there in reached(reachable).items():
        handlers[event] = functools.partial(refuse_others, channel, event, leads_there)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in handlers:
            handlers[event](args)

    sys.addaudithook(hook)
    if not allow_subprocess:
        # What multiprocessing starts processes with tells no audit hook.
        with contextlib.suppress(ImportError):
            spawner: Any = importlib.import_module("_posixsubprocess")
            spawner.fork_exec = lambda *args: refuse(channel, "fork_exec", args)
    return handlers


def refuse_others(channel: Channel, event: str, leads_there: Callable[..., bool], args: tuple[Any, ...]) -> None:
    """Refuse an attempt that does not lead to the harness."""
    if not leads_there(*args):
        refuse(channel, event, args)


def refuse(channel: Channel, event: str, args: tuple[Any, ...]) -> NoReturn:
    """Report an attempt with its place and refuse it."""
    target = ", ".join(str(arg) for arg in args[:2] if not hasattr(arg, "fileno"))[:200]
    frames = [f for f in traceback.extract_stack()[:-1] if os.path.dirname(f.filename) != _OWN_FOLDER]
    own = [f for f in frames if is_own(f.filename, channel.app_paths)]
    place = f"{(own or frames)[-1].filename}:{(own or frames)[-1].lineno}" if frames else ""
    # At the end of the process, libraries send off what they collected (telemetry): refused, and no work of the
    # system. What its own code tries then is.
    is_work = own or not channel.is_ending
    if is_work and not _names_processor(frames):
        channel.send({"op": "refused", "what": plain_text(f"{event} {target}"), "place": plain_text(place)})
    raise PermissionError(f"unrepeat refuses {event} {target} in a replay")


def _names_processor(frames: list[traceback.FrameSummary]) -> bool:
    """Whether the standard library tries to start ``uname -p``, which it can do without.

    Clients of model providers tell the platform in a header; that is no work of the system.
    """
    platform = getattr(sys.modules.get("platform"), "__file__", None)
    return any(frame.name == "from_subprocess" and frame.filename == platform for frame in frames)
