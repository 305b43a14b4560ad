"""The watch: answers what the system call filter asks, and keeps who tried to get out.

It explains and refuses quickly; it does not hold. Between the moment an address is read and the moment the kernel
uses it, another thread of the program can change it. What holds is the network namespace (or Landlock); what is
decided by numbers alone (socket families, io_uring) is final here too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import struct
import threading
from socket import AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, AF_UNSPEC

from .callers import Address, Caller
from .launch.kernel import MACHINE
from .launch.syscall_filter import MSG_FASTOPEN, NUMBERS

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_IS_VALID = 0x40082102
_QUESTION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_CONTINUE = 1
_MAX_ATTEMPTS = 100
_MAX_MESSAGES = 1024  # UIO_MAXIOV, of one sendmmsg
_MESSAGE_BYTES = 64  # sizeof(struct mmsghdr)
_HEAD_BYTES = 12
_FAMILIES = {
    1: "AF_UNIX",
    2: "AF_INET",
    10: "AF_INET6",
    16: "AF_NETLINK",
    17: "AF_PACKET",
    38: "AF_ALG",
    40: "AF_VSOCK",
}
_TYPES = {1: "stream", 2: "datagram", 3: "raw", 5: "seqpacket"}
_NAMES = {pair[MACHINE == "aarch64"]: name for name, pair in NUMBERS.items()}
_FLAGS = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
"""Where a call has its flags."""


class Attempts:
    """The attempts that were refused, in words; alike ones once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._local: dict[str, int] = {}
        self._more = 0

    def add(self, text: str, local_port: int = 0) -> None:
        """Keep an attempt.

        Args:
            text: Its words.
            local_port: The port inside that it asked for in vain; 0 where it led elsewhere.
        """
        with self._lock:
            if text not in self._counts and len(self._counts) >= _MAX_ATTEMPTS:
                self._more += 1
                return
            self._counts[text] = self._counts.get(text, 0) + 1
            if local_port:
                self._local[text] = local_port

    def served(self, port: int) -> None:
        """Forget those that waited for a port that the program itself came to serve: they led nowhere out."""
        with self._lock:
            for text in [text for text, asked in self._local.items() if asked == port]:
                del self._local[text], self._counts[text]

    def take(self) -> tuple[str, ...]:
        """Return, and forget, one line an attempt, and one for those that were too many to keep."""
        with self._lock:
            lines = [text if count == 1 else f"{text} ({count} times)" for text, count in self._counts.items()]
            more = [f"and {self._more} more attempts"] if self._more else []
            self._counts, self._local, self._more = {}, {}, 0
            return (*lines, *more)


class Watch:
    """A thread that answers the questions of one cell.

    Args:
        listener: The descriptor that questions are read from; owned from here on.
        level: The level of the cell.
        ports: The ports that the harness answers.
        attempts: Where what was refused is kept.
    """

    def __init__(self, listener: int, level: str, ports: tuple[int, ...], attempts: Attempts) -> None:
        self._listener = listener
        self._level = level
        self._ports = ports
        self._attempts = attempts
        try:
            self._stop_read, self._stop_write = os.pipe()
        except OSError:
            os.close(listener)
            raise
        self._thread = threading.Thread(target=self._run, name="cell-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What is asked afterwards fails."""
        os.close(self._stop_write)
        self._thread.join()
        os.close(self._stop_read)
        os.close(self._listener)

    def _run(self) -> None:
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        waiting.register(self._stop_read, select.POLLIN)
        while True:
            ready = dict(waiting.poll())
            if self._stop_read in ready or ready.get(self._listener, 0) & (select.POLLHUP | select.POLLERR):
                return
            question = bytearray(_QUESTION.size)
            try:
                fcntl.ioctl(self._listener, _RECEIVE, question)
                fcntl.ioctl(self._listener, _SEND, self._answer(question))
            except OSError:  # the caller was killed, or interrupted, meanwhile
                continue
            except Exception as error:  # ours: who asks next is to have an answer all the same
                self._attempts.add(f"a call that the watch could not judge ({type(error).__name__})")
                self._refuse(question)

    def _refuse(self, question: bytearray) -> None:
        key, *_ = _QUESTION.unpack(question)
        with contextlib.suppress(OSError):  # answered, or gone, already
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(key, 0, -errno.EACCES, 0))

    def _answer(self, question: bytearray) -> bytes:
        key, pid, _, number, _, _, *arguments = _QUESTION.unpack(question)
        caller, call = Caller(pid), _NAMES.get(number, str(number))
        try:
            refusal = self._refusal(caller, call, arguments)
        except (OSError, ValueError, struct.error):
            refusal = (f"{call} to an address that cannot be read", errno.EACCES, 0)
        if refusal is None:
            return _ANSWER.pack(key, 0, 0, _CONTINUE)
        what, code, local_port = refusal
        words = f"{what} by {caller}"
        fcntl.ioctl(self._listener, _IS_VALID, key.to_bytes(8, "little"))  # else the words are about somebody else
        if code != errno.ENOENT:  # else nothing is there, inside or outside
            self._attempts.add(words, local_port)
        return _ANSWER.pack(key, 0, -code, 0)

    def _refusal(self, caller: Caller, call: str, arguments: list[int]) -> tuple[str, int, int] | None:
        """Return what is refused, in words, with an error number and a port inside; None for what may go on."""
        match call:
            case "socket" | "socketpair":
                family, kind = arguments[0] & 0xFFFFFFFF, arguments[1] & 0xF
                named = f"{_FAMILIES.get(family, f'family {family}')} {_TYPES.get(kind, f'type {kind}')}"
                return f"{call} {named}", errno.EPERM, 0
            case "io_uring_setup":
                return call, errno.EPERM, 0
        opens = call in _FLAGS and arguments[_FLAGS[call]] & MSG_FASTOPEN
        for address in _addresses(caller, call, arguments):
            refused = (errno.EOPNOTSUPP, 0) if opens else self._refused(caller, address)
            if refused is not None:
                number, port = refused
                return f"{'connect' if call == 'connect' else 'send to'} {address or 'nothing'}", number, port
        return None

    def _refused(self, caller: Caller, address: Address | None) -> tuple[int, int] | None:
        if address is None or address.family in (AF_UNSPEC, AF_NETLINK):
            return None  # the kernel's to refuse; and routing tables are the namespace's own
        if address.family == AF_UNIX:
            return self._refused_path(caller, address.host)
        if address.family not in (AF_INET, AF_INET6) or not address.is_local:
            return errno.ECONNREFUSED, 0
        if address.port in self._ports:
            return None
        if self._level == "netns" and caller.serves(address.port):
            self._attempts.served(address.port)
            return None
        return errno.ECONNREFUSED, address.port if self._level == "netns" else 0

    def _refused_path(self, caller: Caller, path: str) -> tuple[int, int] | None:
        """Let through what the cell itself made, and names that stay in its network; Landlock has no Unix sockets."""
        if path.startswith("@") and self._level == "netns":
            return (errno.ECONNREFUSED, 0) if caller.is_of_host(path) else None
        try:
            is_own = self._level == "netns" and caller.has_made(path)
        except (FileNotFoundError, NotADirectoryError):
            return (errno.ECONNREFUSED if caller.is_of_host(path) else errno.ENOENT), 0
        except OSError:  # what cannot be followed may lead anywhere
            is_own = False
        return None if is_own else (errno.ECONNREFUSED, 0)


def _addresses(caller: Caller, call: str, arguments: list[int]) -> list[Address | None]:
    """Return the addresses that a call leads to; none for one over a connection that is there."""
    match call:
        case "connect":
            return [caller.address(arguments[1], arguments[2] & 0xFFFFFFFF)]
        case "sendto":
            return [caller.address(arguments[4], arguments[5] & 0xFFFFFFFF)]
        case "sendmsg":
            return _named(caller, arguments[1])
        case "sendmmsg":
            count = min(arguments[2] & 0xFFFFFFFF, _MAX_MESSAGES)
            return [each for index in range(count) for each in _named(caller, arguments[1] + index * _MESSAGE_BYTES)]
    return []


def _named(caller: Caller, at: int) -> list[Address | None]:
    pointer, length = struct.unpack("=QI", caller.memory(at, _HEAD_BYTES))
    return [caller.address(pointer, length)] if pointer else []
