"""Whether isolation holds here: a program that tries to get out is replayed, and must be stopped and reported."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from ..cases.errors import UnrepeatError
from ..cases.trace import Source, Trace
from ..replayers.python_app import replay_python
from ..replayers.replay import Replay, Version
from ..replayers.system import Checkout, PythonSystem

_PROBE = """\
import socket
import subprocess
import sys


def attempt(port):
    done = []
    for name, way in {"connection": connect, "process": start}.items():
        try:
            way(port)
        except PermissionError:
            continue
        except OSError:
            pass
        done.append(name)
    return done


def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def start(port):
    subprocess.run([sys.executable, "-c", ""])
"""


def escapes(interpreter: str, allow_subprocess: bool) -> list[str]:
    """Return what a Python program could do in a replay although it must not: ``connection``, ``process``.

    Args:
        interpreter: The Python to replay with.
        allow_subprocess: Whether the system may start processes; they are no escape then.

    Raises:
        ReplayError: The interpreter cannot be started.
        UnrepeatError: The probe did not run to its end, so nothing is known.
    """
    with tempfile.TemporaryDirectory(prefix="unrepeat-probe-") as scratch, socket.create_server(("127.0.0.1", 0)) as by:
        Path(scratch, "unrepeat_probe.py").write_text(_PROBE, encoding="utf-8")
        system = PythonSystem(
            name="probe", entry="unrepeat_probe:attempt", interpreter=interpreter, allow_subprocess=allow_subprocess
        )
        checkout = Checkout(version=Version(label="probe"), folder=Path(scratch))
        trace = Trace(trace_id="probe", source=Source(format="probe"))
        replay = replay_python(trace, system, checkout, arguments={"port": by.getsockname()[1]})
        reached = _was_reached(by)
    return _told(replay, reached, allow_subprocess)


def _was_reached(server: socket.socket) -> bool:
    server.setblocking(False)
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _told(replay: Replay, reached: bool, allow_subprocess: bool) -> list[str]:
    done = replay.trace.output
    if replay.outcome != "completed" or not isinstance(done, list):
        raise UnrepeatError(f"expected the probe to run to its end, got {replay.outcome}: {replay.error}")
    found = [str(each) for each in done if not (each == "process" and allow_subprocess)]
    if reached and "connection" not in found:
        found.append("connection")
    return found
