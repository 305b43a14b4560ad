"""Python replay: a callable of the app runs in a child process, its boundary functions answered from here."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..cases.errors import ReplayError
from ..cases.trace import Trace
from .boundary import BOUNDARY_KINDS
from .finish import Ending, Surroundings, environment, finished
from .leftovers import MARKER, end_marked
from .live import LiveModel
from .playback import Modes, Playback
from .replay import Replay
from .system import Checkout, PythonSystem

CHILD = Path(__file__).parent / "child" / "start.py"
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH")
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MAX_REFUSED = 100
_GRACE_S = 5.0
"""How long threads may go on after the entry has returned."""
_NO_MESSAGE = "the process sent something that is no message"
_FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "call": {"kind": str, "name": str, "arguments": dict, "defaults": dict, "takes": (list, type(None)), "path": list},
    "answered": {"seq": int, "answer": object, "error": str},
    "refused": {"what": str, "place": str},
    "ready": {"boundaries": dict},
    "returned": {"output": object, "unfinished": list},
    "ended": {},
    "stopped": {"error": str},
    "crashed": {"error": str, "traceback": str},
    "unusable": {"error": str, "traceback": str},
}
"""What the child sends. The app can write into the pipe too: anything else ends the replay."""
_MAX_CALLS = 10_000
"""Most boundary calls of one replay, besides ten for each recorded one: an app that asks for ever ends there."""
_STDERR_TAIL = 2000


@dataclass(slots=True)
class _Seen:
    """What the child told besides its calls."""

    refused: list[str] = field(default_factory=list)
    refused_at_start: int = 0
    functions: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    returned: Ending | None = None
    """What the entry returned; the app may still be at work in threads."""


def replay_python(
    trace: Trace,
    system: PythonSystem,
    checkout: Checkout,
    *,
    arguments: Any,
    case_id: str = "",
    modes: Modes | None = None,
    preset: str = "code-change",
    model: LiveModel | None = None,
) -> Replay:
    """Run one version of a Python system against a recorded trace.

    Args:
        trace: The recording.
        system: What to run and which functions are boundaries.
        checkout: The version to run.
        arguments: What the entry is called with; see ``child.entry.call_entry``.
        case_id: Id of the case, for the result.
        modes: How boundaries are answered.
        preset: The preset's name, for the result.
        model: Answers the model boundary where the modes have it live; else the app's own function runs.

    Raises:
        ReplayError: The system could not be started at all (its module does not import, a boundary names
            no function): nothing was learned about the version.
    """
    started = time.perf_counter()
    playback = Playback(trace, modes)
    seen = _Seen()
    with _running(system, checkout) as child:
        child.send(_setup(system, checkout, arguments))
        ending = _serve(child, playback, seen, system, model)
    return finished(
        playback,
        ending,
        case_id=case_id,
        version=checkout.version,
        replayer="python",
        duration_s=time.perf_counter() - started,
        preset=preset,
        around=Surroundings(
            isolation="guard",
            refused=tuple(seen.refused),
            refused_at_start=seen.refused_at_start,
            unfinished=seen.unfinished,
            functions=seen.functions,
            environment=environment(),
        ),
    )


def check_app(system: PythonSystem, checkout: Checkout) -> dict[str, list[str]]:
    """Start a version without calling its entry, and look up its boundary functions.

    Returns:
        The names of the functions found, by boundary.

    Raises:
        ReplayError: It does not start, or a boundary names no function.
    """
    with _running(system, checkout) as child:
        child.send({**_setup(system, checkout, None), "check": True})
        while isinstance(message := child.receive(), dict):
            if message["op"] == "unusable":
                raise _unusable(system, message)
            if message["op"] == "ready":
                found: dict[str, list[str]] = message["boundaries"]
                return found
        assert isinstance(message, Ending)
        raise ReplayError(f"expected an app that starts, got: {message.error}", where=f"system {system.name}")


def _unusable(system: PythonSystem, message: Mapping[str, Any]) -> ReplayError:
    return ReplayError(
        f"expected an app that starts, got {message['error']}",
        where=f"system {system.name} ({system.entry})",
        hint=f"check python, paths and boundaries in unrepeat.toml, then run `unrepeat doctor`\n{message['traceback']}",
    )


def _setup(system: PythonSystem, checkout: Checkout, arguments: Any) -> dict[str, Any]:
    return {
        "entry": system.entry,
        "boundaries": {kind: list(patterns) for kind, patterns in system.boundaries.items()},
        "paths": [str((checkout.folder / path).resolve()) for path in system.paths],
        "arguments": arguments,
        "allow_subprocess": system.allow_subprocess,
    }


def _serve(child: _Child, playback: Playback, seen: _Seen, system: PythonSystem, model: LiveModel | None) -> Ending:
    """Answer the child until it ends, one way or another."""
    most = _MAX_CALLS + 10 * len(playback.index.calls)
    while True:
        message = child.receive()
        if isinstance(message, Ending):
            return _stopped_or(playback, _after_return(message, child, seen))
        if len(playback.events) > most:
            return _stopped_or(playback, Ending("crashed", error=f"more than {most} boundary calls"))
        ending = _handle(message, child, playback, seen, system, model)
        if ending is not None:
            return ending


def _handle(
    message: Mapping[str, Any],
    child: _Child,
    playback: Playback,
    seen: _Seen,
    system: PythonSystem,
    model: LiveModel | None,
) -> Ending | None:
    """Do what one message asks for; return the ending if it is the last one."""
    match message["op"]:
        case "call":
            asked = time.monotonic()
            answer = _answer(playback, message, model)
            child.allow(time.monotonic() - asked)
            child.send(answer)
        case "answered" if not playback.is_open(message["seq"]):
            return Ending("crashed", error=_NO_MESSAGE)
        case "answered":
            reply = playback.answered(message["seq"], message["answer"], message["error"])
            child.send({"action": reply.action, "value": reply.value})
        case "refused":
            if len(seen.refused) < _MAX_REFUSED:
                seen.refused.append(f"{message['what']} at {message['place']}")
        case "ready":
            seen.refused_at_start = len(seen.refused)
            seen.functions = _functions(system, message["boundaries"])
        case "returned" if seen.returned is None:
            seen.returned = Ending("completed", message["output"])
            seen.unfinished = tuple(map(str, message["unfinished"]))
            child.hurry(_GRACE_S)
        case "ended" if seen.returned is not None:
            return _stopped_or(playback, seen.returned)
        case "returned" | "ended":
            return Ending("crashed", error=_NO_MESSAGE)
        case "stopped":
            return Ending("stopped", error=playback.stopped)
        case "crashed":
            return _stopped_or(playback, Ending("crashed", error=message["error"] + "\n" + message["traceback"]))
        case "unusable":
            raise _unusable(system, message)
    return None


def _after_return(ending: Ending, child: _Child, seen: _Seen) -> Ending:
    """Return the ending of a system whose entry had returned before: what it did then is its own doing too."""
    if seen.returned is None:
        return ending
    if ending.outcome == "timed_out":
        return Ending("timed_out", error=f"the system returned, but a thread was still running {_GRACE_S:g} s later")
    return seen.returned if child.process.returncode == 0 else ending


def _functions(system: PythonSystem, found: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the boundary functions a version has; a dispatcher stands for tools of any name."""
    names = {f"{kind}:{name}" for kind, each in found.items() for name in each}
    names |= {f"{kind}:*" for kind, each in system.boundaries.items() if any("(" in pattern for pattern in each)}
    return tuple(sorted(names))


def _stopped_or(playback: Playback, ending: Ending) -> Ending:
    """What an app does after the recording had no more answers (returns, crashes) is not its own doing."""
    return Ending("stopped", error=playback.stopped) if playback.stopped else ending


def _answer(playback: Playback, message: Mapping[str, Any], model: LiveModel | None) -> dict[str, Any]:
    arguments = _with_known_defaults(playback, message)
    takes = message["takes"]
    request = playback.prepared(message["kind"], arguments, None if takes is None else frozenset(map(str, takes)))
    seq, reply = playback.ask(message["kind"], message["name"], request, message["path"])
    if reply.action == "call" and message["kind"] == "model" and model is not None:
        answer = model.answer(request.request)
        playback.answered(seq, answer)
        return {"action": "answer", "seq": seq, "value": answer, "error": ""}
    text = playback.recorded_text(seq) if reply.action == "answer" else ""
    answer = {"action": reply.action, "seq": seq, "name": message["name"], "value": reply.value, "error": reply.error}
    return {**answer, "text": text}


def _with_known_defaults(playback: Playback, message: Mapping[str, Any]) -> dict[str, Any]:
    """Add the defaults that the recording spells out, so that leaving out a default is no difference."""
    arguments: dict[str, Any] = dict(message["arguments"])
    absent = {name: value for name, value in message["defaults"].items() if name not in arguments}
    if absent:
        recorded = playback.index.expected_arguments(message["kind"], message["name"], tuple(message["path"]))
        arguments |= {name: value for name, value in absent.items() if name in recorded}
    return arguments


class _Child:
    """The child process and the two pipes to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], read_fd: int, write_fd: int, log: IO[bytes], timeout_s: float
    ) -> None:
        self.process = process
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._log = log
        self._deadline = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._buffer = bytearray()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a child that is gone, or reads nothing until its time is up, shows at ``receive``."""
        view = memoryview(json.dumps(message, ensure_ascii=True).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while view and self._in_time(self._write_fd, select.POLLOUT):
                view = view[os.write(self._write_fd, view) :]

    def hurry(self, timeout_s: float) -> None:
        """Bring the deadline forward."""
        self._deadline = min(self._deadline, time.monotonic() + timeout_s)

    def allow(self, seconds: float) -> None:
        """Put the deadline off: what a live model takes is not the app's time."""
        self._deadline += seconds

    def _in_time(self, fd: int, event: int) -> bool:
        """Wait until an end is ready; False when the time is up."""
        waiting = select.poll()
        waiting.register(fd, event)
        left = self._deadline - time.monotonic()
        return left > 0 and bool(waiting.poll(left * 1000))

    def receive(self) -> dict[str, Any] | Ending:
        """Return the next message, or how the child ended without one."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not self._in_time(self._read_fd, select.POLLIN):
                return Ending("timed_out", error=f"no answer within {self._timeout_s:g} s")
            chunk = os.read(self._read_fd, 1 << 16)
            if not chunk:
                return Ending("crashed", error=self._death())
            self._buffer += chunk
            if len(self._buffer) > _MAX_MESSAGE_BYTES:
                return Ending("crashed", error=f"a message of more than {_MAX_MESSAGE_BYTES} bytes")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return _message(line)

    def _death(self) -> str:
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the process closed its connection to the harness"
        how = f"signal {_signal_name(-code)}" if code < 0 else f"exit code {code}"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _STDERR_TAIL))
        tail = self._log.read().decode("utf-8", "replace")
        return f"the process ended with {how}" + (f"\n{tail}" if tail else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)


def _message(line: bytes) -> dict[str, Any] | Ending:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    return message if isinstance(message, dict) and _is_message(message) else Ending("crashed", error=_NO_MESSAGE)


def _is_message(message: Any) -> bool:
    fields = _FIELDS.get(str(message.get("op"))) if isinstance(message, dict) else None
    if fields is None or not all(name in message and isinstance(message[name], kind) for name, kind in fields.items()):
        return False
    path_is_text = all(isinstance(step, str) for step in message.get("path", ()))
    return path_is_text and message.get("kind", "tool") in BOUNDARY_KINDS


@contextlib.contextmanager
def _running(system: PythonSystem, checkout: Checkout) -> Iterator[_Child]:
    """Start the child in a process group of its own; nothing of it is left at the end."""
    with contextlib.ExitStack() as stack:
        pipes = stack.enter_context(_pipes())
        to_child_read, to_child_write, from_child_read, from_child_write, life, _ = pipes.fds
        os.set_blocking(to_child_write, False)
        scratch = tempfile.mkdtemp(prefix="unrepeat-")
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        log = stack.enter_context(tempfile.TemporaryFile())
        marker = secrets.token_hex(16)
        process = _start(system, checkout, (to_child_read, from_child_write, life), scratch, log, marker)
        stack.callback(_end, process, marker if system.allow_subprocess else "")
        pipes.close(to_child_read, from_child_write, life)
        yield _Child(process, from_child_read, to_child_write, log, system.timeout_s)


class _Pipes:
    """Two pipes to talk, and one that ends with the harness; each end is closed exactly once."""

    def __init__(self) -> None:
        self.fds = (*os.pipe(), *os.pipe(), *os.pipe())
        self._open = set(self.fds)

    def close(self, *fds: int) -> None:
        """Close these ends."""
        for fd in fds:
            self._open.discard(fd)
            os.close(fd)

    def close_all(self) -> None:
        """Close what is still open."""
        self.close(*sorted(self._open))


@contextlib.contextmanager
def _pipes() -> Iterator[_Pipes]:
    pipes = _Pipes()
    try:
        yield pipes
    finally:
        pipes.close_all()


def _start(
    system: PythonSystem, checkout: Checkout, ends: tuple[int, int, int], scratch: str, log: IO[bytes], marker: str
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [system.interpreter, str(CHILD), *map(str, ends)],
            cwd=checkout.folder,
            env={**_environment(system, checkout, scratch), MARKER: marker},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=ends,
            start_new_session=True,
        )
    except OSError as error:
        raise ReplayError(
            f"expected to start {system.interpreter} in {checkout.folder}, got {error}",
            where=f"system {system.name}",
            hint="check `interpreter` in unrepeat.toml",
        ) from error


def _end(process: subprocess.Popen[bytes], marker: str) -> None:
    """Give the child a moment to leave by itself, then end its whole process group and what left that."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if marker:
        end_marked(marker)


def _environment(system: PythonSystem, checkout: Checkout, scratch: str) -> dict[str, str]:
    """Return the scrubbed environment: no keys of the caller, a home and a temp folder of its own."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {
        **kept,
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "UNREPEAT_REPLAY": "1",
        **system.env,
        **checkout.env,
    }
